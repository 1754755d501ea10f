"""The store of secrets on a real PostgreSQL."""

import base64
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, text

from tieout.connections import tables as secret_tables
from tieout.connections.key_wrapper import EnvKeyWrapper, SideNotHeld, WrongMasterKey, side_key_text
from tieout.connections.secrets import Purpose, SecretStore, SecretUnreadable, StoreNotReady, engine_for
from tieout.domain.settings import Side
from tieout_control_plane import tables as own_tables
from tieout_control_plane.database import migrate
from tieout_control_plane.projection import tables as projection_tables

pytest_plugins = ["tieout_devstack.fixtures"]

MASTER = base64.b64encode(bytes(range(32))).decode()
CREDENTIALS = {"user": "ap@example.com", "password": "hunter2-hunter2", "developer_key": "01DEVKEYDEVKEY"}
ERP = {"client_id": "11111111-2222", "client_secret": "s3cr3t-of-entra"}


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """A database as control-plane leaves it at its start."""
    engine = engine_for(postgres_url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> SecretStore:
    """A store that holds both sides' keys."""
    store = SecretStore(engine, EnvKeyWrapper.from_texts(master=MASTER))
    store.establish()
    return store


def test_what_was_put_comes_back(store: SecretStore) -> None:
    """Each side and purpose keeps its own values, and versions rise by one."""
    assert store.versions("c") == {Side.BILL: 0, Side.ERP: 0}
    assert store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS) == 1
    assert store.put("c", Side.ERP, Purpose.CREDENTIALS, ERP) == 1
    assert store.put("c", Side.BILL, Purpose.SESSION, {"id": "session"}) == 1
    assert store.put("c", Side.BILL, Purpose.CREDENTIALS, {**CREDENTIALS, "user": "other"}) == 2
    found = store.get("c", Side.BILL, Purpose.CREDENTIALS)
    assert found is not None
    assert (found.version, found["user"]) == (2, "other")
    assert store.versions("c") == {Side.BILL: 2, Side.ERP: 1}
    assert store.versions("d") == {Side.BILL: 0, Side.ERP: 0}
    assert store.get("d", Side.BILL, Purpose.CREDENTIALS) is None


def test_a_deleted_secret_is_gone_and_its_version_does_not_come_again(store: SecretStore) -> None:
    """Nobody takes new credentials for the old ones."""
    store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS)
    assert store.delete("c", Side.BILL, Purpose.CREDENTIALS)
    assert not store.delete("c", Side.BILL, Purpose.CREDENTIALS)
    assert store.get("c", Side.BILL, Purpose.CREDENTIALS) is None
    assert store.versions("c")[Side.BILL] == 0
    assert store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS) == 3


def test_no_value_stands_in_the_database(store: SecretStore, engine: Engine) -> None:
    """A stolen backup without the master key shows nothing."""
    store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS)
    store.put("c", Side.ERP, Purpose.CREDENTIALS, ERP)
    with engine.connect() as database:
        dump = b""
        for table in ("secrets", "data_keys", "key_checks"):
            for row in database.execute(text(f"SELECT * FROM {table}")):  # noqa: S608 - three fixed names
                dump += b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
    assert not [value for value in (*CREDENTIALS.values(), *ERP.values()) if value.encode() in dump]
    assert b"credentials" in dump


def test_a_process_with_one_sides_key_opens_that_side_only(store: SecretStore, engine: Engine) -> None:
    """bill-writer cannot read an ERP's secret, payment-writeback not BILL's."""
    store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS)
    store.put("c", Side.ERP, Purpose.CREDENTIALS, ERP)
    bill = SecretStore(engine, EnvKeyWrapper.from_texts(sides={Side.BILL: side_key_text(MASTER, Side.BILL)}))
    bill.verify()
    found = bill.get("c", Side.BILL, Purpose.CREDENTIALS)
    assert found is not None
    assert found.reveal() == CREDENTIALS
    with pytest.raises(SideNotHeld):
        bill.get("c", Side.ERP, Purpose.CREDENTIALS)
    with pytest.raises(SideNotHeld):
        bill.put("c", Side.ERP, Purpose.CREDENTIALS, ERP)


def test_another_master_key_is_told_at_the_start(store: SecretStore, engine: Engine) -> None:
    """A service that got the wrong key refuses to start instead of failing at the first secret."""
    store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS)
    other = base64.b64encode(os.urandom(32)).decode()
    wrong = SecretStore(engine, EnvKeyWrapper.from_texts(master=other))
    with pytest.raises(WrongMasterKey, match="another master key"):
        wrong.verify()
    with pytest.raises(WrongMasterKey):
        wrong.establish()
    store.verify()


def test_a_database_that_is_not_prepared_says_so(postgres_url: str) -> None:
    """A service that starts before control-plane waits instead of trusting its key."""
    engine = engine_for(postgres_url)
    store = SecretStore(engine, EnvKeyWrapper.from_texts(master=MASTER))
    with pytest.raises(StoreNotReady, match="no tables yet"):
        store.verify()
    migrate(engine)
    with pytest.raises(StoreNotReady, match="no check value"):
        store.verify()
    engine.dispose()


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    """The address is not repeated: it holds the password."""
    engine = engine_for("postgresql://user:hunter2@127.0.0.1:1/none")
    with pytest.raises(StoreNotReady) as caught:
        SecretStore(engine, EnvKeyWrapper.from_texts(master=MASTER)).verify()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "swap",
    [
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE connection = 'd')",
        "UPDATE secrets SET (key_id, sealed) = (SELECT key_id, sealed FROM secrets WHERE connection = 'd')",
        "UPDATE secrets SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
        "UPDATE secrets SET sealed = '\\x00'",
    ],
)
def test_a_row_that_somebody_changed_or_moved_does_not_open(store: SecretStore, engine: Engine, swap: str) -> None:
    """Who can write to the database cannot make one connection use another's credentials."""
    store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS)
    store.put("d", Side.BILL, Purpose.CREDENTIALS, {**CREDENTIALS, "user": "other"})
    with engine.begin() as database:
        database.execute(text(f"{swap} WHERE connection = 'c'"))
    with pytest.raises((SecretUnreadable, WrongMasterKey)):
        store.get("c", Side.BILL, Purpose.CREDENTIALS)


def test_a_credential_row_moved_to_another_purpose_does_not_open(store: SecretStore, engine: Engine) -> None:
    """A purpose is part of what a secret is bound to."""
    store.put("c", Side.BILL, Purpose.CREDENTIALS, CREDENTIALS)
    with engine.begin() as database:
        database.execute(text("UPDATE secrets SET purpose = 'session'"))
    with pytest.raises(SecretUnreadable):
        store.get("c", Side.BILL, Purpose.SESSION)


def test_eight_who_store_at_once_agree_on_one_key(store: SecretStore, engine: Engine) -> None:
    """The first use of a side by several processes makes one key, and every version counts."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: store.put("c", Side.BILL, Purpose.SESSION, {"id": str(n)}), range(8)))
    assert sorted(found) == list(range(1, 9))
    with engine.connect() as database:
        assert database.execute(text("SELECT count(*) FROM data_keys")).scalar_one() == 1
    assert store.get("c", Side.BILL, Purpose.SESSION) is not None


@pytest.mark.parametrize("values", [{}, {"x": "y" * 20_000}, {str(n): "x" for n in range(40)}])
def test_a_secret_beyond_its_limits_is_refused(store: SecretStore, values: dict[str, str]) -> None:
    """A file given by mistake is not stored."""
    with pytest.raises(ValueError, match=r"fields|longer"):
        store.put("c", Side.BILL, Purpose.CREDENTIALS, values)
    assert store.get("c", Side.BILL, Purpose.CREDENTIALS) is None


def test_the_migrations_make_the_tables_that_the_code_expects(engine: Engine) -> None:
    """A column that only one of both knows would fail at the first use."""
    declared = MetaData()
    for metadata in (secret_tables.METADATA, own_tables.METADATA, projection_tables.METADATA):
        for table in metadata.tables.values():
            table.to_metadata(declared)
    with engine.connect() as database:
        context = MigrationContext.configure(database, opts={"compare_type": True})
        assert compare_metadata(context, declared) == []


def test_two_processes_that_migrate_at_once_both_succeed(postgres_url: str) -> None:
    """A rolling start does not trip over its own migrations."""
    engines = [engine_for(postgres_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, engines))
    with engines[0].connect() as database:
        assert database.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "0003"
    for engine in engines:
        engine.dispose()
