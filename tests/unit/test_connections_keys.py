"""Keys of the secret store: who can open what, and what is said when a key is wrong."""

import base64
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.connections.credentials import fields_of, problems
from tieout.connections.key_wrapper import EnvKeyWrapper, SideNotHeld, WrongMasterKey, side_key_text
from tieout.connections.secrets import Purpose, Secret, StoreNotReady, engine_for
from tieout.connections.service_settings import SecretAccess
from tieout.domain.settings import Side
from tieout.observability.settings import ServiceSettings, WrongSettings, from_environment, printed

MASTER = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()
KEY = bytes(32)
HIDDEN = st.text(min_size=4, max_size=40).map(lambda text: f"<<{text}>>")


class Service(ServiceSettings, SecretAccess):
    """A service as any that needs credentials."""


def test_one_side_cannot_open_the_other() -> None:
    """bill-writer, given its own key only, opens no ERP's secrets."""
    both = EnvKeyWrapper.from_texts(master=MASTER)
    bill = EnvKeyWrapper.from_texts(sides={Side.BILL: side_key_text(MASTER, Side.BILL)})
    assert bill.sides() == {Side.BILL}
    assert bill.unwrap(Side.BILL, both.wrap(Side.BILL, KEY, b"c"), b"c") == KEY
    with pytest.raises(SideNotHeld):
        bill.unwrap(Side.ERP, both.wrap(Side.ERP, KEY, b"c"), b"c")
    stolen = EnvKeyWrapper.from_texts(sides={Side.ERP: side_key_text(MASTER, Side.BILL)})
    with pytest.raises(WrongMasterKey):
        stolen.unwrap(Side.ERP, both.wrap(Side.ERP, KEY, b"c"), b"c")


def test_a_key_opens_in_its_own_place_only() -> None:
    """A wrapped key that was copied to another connection's row does not open."""
    wrapper = EnvKeyWrapper.from_texts(master=MASTER)
    with pytest.raises(WrongMasterKey):
        wrapper.unwrap(Side.BILL, wrapper.wrap(Side.BILL, KEY, b"here"), b"there")


def test_the_same_key_is_never_wrapped_to_the_same_bytes() -> None:
    """A nonce is used once."""
    wrapper = EnvKeyWrapper.from_texts(master=MASTER)
    assert len({wrapper.wrap(Side.BILL, KEY, b"c") for _ in range(50)}) == 50


@pytest.mark.parametrize("master", ["", "c2hvcnQ=", "not base64 at all", MASTER + "AA"])
def test_a_missing_or_malformed_master_key_names_the_cure(master: str) -> None:
    """The error says which variable, what it has to hold and how to make one, and does not repeat it."""
    with pytest.raises(WrongMasterKey, match=r"TIEOUT_MASTER_KEY.*openssl rand -base64 32") as caught:
        EnvKeyWrapper.from_texts(master=master)
    assert not master or master not in str(caught.value)


def test_both_a_master_key_and_a_sides_key_are_a_contradiction() -> None:
    """A service that was to hold one side only must not get the master key as well."""
    with pytest.raises(WrongMasterKey, match="either"):
        EnvKeyWrapper.from_texts(master=MASTER, sides={Side.BILL: side_key_text(MASTER, Side.BILL)})


def test_printed_settings_show_no_key() -> None:
    """`--print-config` is safe to paste into a ticket."""
    environment = {
        "TIEOUT_KAFKA_BOOTSTRAP": "h:1",
        "TIEOUT_MASTER_KEY": MASTER,
        "TIEOUT_DATABASE_URL": "postgresql://u:hunter2@h/d",
    }
    settings = from_environment(Service, environment)
    shown = printed(settings) + repr(settings) + repr(settings.key_wrapper())
    assert MASTER not in shown
    assert "hunter2" not in shown


def test_a_wrong_variable_shows_no_value() -> None:
    """A misspelt secret's name is told, its value is not."""
    with pytest.raises(WrongSettings) as caught:
        from_environment(Service, {"TIEOUT_KAFKA_BOOTSTRAP": "h:1", "TIEOUT_MASTER_KEI": MASTER})
    assert "TIEOUT_MASTER_KEI" in str(caught.value)
    assert MASTER not in str(caught.value)


def test_a_wrong_database_address_is_not_repeated() -> None:
    """It may hold the database's password."""
    with pytest.raises(StoreNotReady) as caught:
        engine_for("hunter2")
    assert "hunter2" not in str(caught.value)


@given(values=st.dictionaries(st.sampled_from(["password", "user", "developer_key"]), HIDDEN, min_size=1))
def test_a_secret_shows_in_no_text_of_itself(values: dict[str, str]) -> None:
    """Printing, logging or formatting a secret by mistake gives nothing away."""
    secret = Secret(3, values)
    shown = f"{secret} {secret!r} {[secret]} {secret.__class__} {dir(secret)}"
    assert not any(value in shown for value in values.values())
    assert secret.reveal() == values
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)


@given(
    side=st.sampled_from(Side),
    values=st.dictionaries(
        st.one_of(st.sampled_from(["user", "password", "developer_key", "client_id", "client_secret"]), HIDDEN),
        st.one_of(HIDDEN, st.just(""), st.integers(), st.none(), st.lists(HIDDEN)),
        max_size=6,
    ),
)
def test_no_problem_with_credentials_shows_one(side: Side, values: dict[str, object]) -> None:
    """What is wrong with given credentials is told by field; values and misplaced ones never."""
    shown = "\n".join(problems(side, "business-central", values))
    hidden = [text for pair in values.items() for text in pair if isinstance(text, str) and text.startswith("<<")]
    assert not any(text in shown for text in hidden)
    needed = fields_of(side, "business-central")
    complete = values.keys() == needed.keys()
    assert complete or shown


@pytest.mark.parametrize(
    ("side", "values", "told"),
    [
        (Side.BILL, {"user": "u", "password": "p"}, ["developer_key is missing"]),
        (Side.ERP, {"client_id": "i", "client_secret": " s"}, ["client_secret begins or ends with a blank"]),
        (Side.ERP, {"client_id": "i", "client_secret": ""}, ["client_secret is empty"]),
        (Side.ERP, {"client_id": "i", "client_secret": "s", "x": "y"}, ["1 field(s) that the erp side does not have"]),
        (Side.BILL, {"user": "u", "password": "p", "developer_key": "k"}, []),
    ],
)
def test_what_is_wrong_with_credentials_is_told_by_field(
    side: Side, values: dict[str, object], told: list[str]
) -> None:
    """Each side has its own fields, all of them needed."""
    found = problems(side, "business-central", values)
    assert len(found) == len(told)
    assert all(text.startswith(start) for text, start in zip(found, told, strict=True))


def test_purposes_are_words_that_the_database_keeps() -> None:
    """A purpose fits its column."""
    assert all(len(purpose) <= 40 for purpose in Purpose)
