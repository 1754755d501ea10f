"""A connection's YAML: what its owner may write, and what they are told when it is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.connections.yaml import Document, Problem, Source, WrongYaml, read
from tieout.domain.settings import ConnectionSettings, State

WHOLE = """\
connection: cronus-us
state: active
erp:
  kind: business-central
  tenant: 3f2c0000-0000-0000-0000-000000000001
  environment: production
  company: CRONUS USA, Inc.
  schedule: {default: 15m, vendors: 1h, accounts: daily 02:00}
bill:
  environment: sandbox
  organization: 00801ABCDEFGHIJKLMNO
  budget: main
  webhooks: https://tieout.example.com/webhooks/bill/cronus-us
cutover: {date: 2026-01-01, also: [108031, 0108044]}
accounts:
  clearing: "2950"
  banks: {bac01AAA: "1110"}
  cards: 0120
mapping:
  dimensions: {DEPARTMENT: department, PROJECT: job, AREA: location, SESSION: description}
  line_accounts: {item: "5110", charge: "5120"}
  tax: own-line
policy:
  approval: erp
  discounts: never
  closed_period: hold
  funds_transfers: no
  release: {duplicate: two-people}
"""
SHORTEST = """\
connection: c
erp: {kind: business-central, tenant: t, company: C}
bill: {environment: sandbox, organization: 00801}
"""


def _read(text: str) -> tuple[Document, ...]:
    return read([Source("c.yaml", text)])


def _problems(text: str) -> list[Problem]:
    with pytest.raises(WrongYaml) as caught:
        _read(text)
    return list(caught.value.problems)


def _only(text: str) -> Problem:
    (problem,) = _problems(text)
    return problem


def test_every_field_of_a_whole_connection_arrives() -> None:
    """What is written is what is applied, numbers with leading zeros and `no` among them."""
    (document,) = _read(WHOLE)
    found = document.settings
    assert found.state is State.ACTIVE
    assert found.erp.company == "CRONUS USA, Inc."
    assert str(found.erp.schedule.accounts) == "daily 02:00"
    assert found.cutover is not None
    assert found.cutover.also == ("108031", "0108044")
    assert (found.accounts.clearing, found.accounts.cards) == ("2950", "0120")
    assert found.accounts.banks == {"bac01AAA": "1110"}
    assert found.policy.funds_transfers is False
    assert found.mapping.dimensions["SESSION"] == "description"


def test_what_is_left_out_has_a_default() -> None:
    """Three lines make a draft."""
    (document,) = _read(SHORTEST)
    found = document.settings
    assert found.state is State.DRAFT
    assert (found.erp.environment, found.bill.budget, found.policy.approval) == ("production", "main", "erp")
    assert str(found.erp.schedule.default) == "15m"


def test_settings_survive_the_wire() -> None:
    """What a service reads from the log equals what was applied."""
    (document,) = _read(WHOLE)
    assert ConnectionSettings.model_validate_json(document.settings.model_dump_json()) == document.settings


def test_all_problems_are_told_at_once_with_field_and_line() -> None:
    """One run tells everything that has to be corrected, and where."""
    text = WHOLE.replace("tenant:", "tenent:").replace("default: 15m", "default: 15 minutes")
    text = text.replace("tax: own-line", "tax: none").replace("PROJECT: job", "PROJECT: department")
    text = text.replace("cutover: {date: 2026-01-01", "cutover: {date: soon")
    found = {(problem.field, problem.line) for problem in _problems(text)}
    assert found == {
        ("erp.tenant", 3),
        ("erp.tenent", 5),
        ("erp.schedule.default", 8),
        ("cutover.date", 14),
        ("mapping.dimensions.PROJECT", 20),
        ("mapping.tax", 22),
    }


def test_an_unknown_field_is_told_with_the_nearest_known_one() -> None:
    """A misspelling names what was probably meant."""
    problem = _only(WHOLE.replace("closed_period", "close_period"))
    assert (problem.field, problem.line) == ("policy.close_period", 26)
    assert "did you mean closed_period?" in problem.message
    assert "approval" in problem.allowed


def test_a_closed_period_can_only_be_waited_for() -> None:
    """No payment is moved to another day: who asks for that is told so, instead of finding it in the ledger."""
    problem = _only(WHOLE.replace("closed_period: hold", "closed_period: first-open-day"))
    assert (problem.field, problem.line) == ("policy.closed_period", 26)
    assert (problem.message, problem.allowed) == ("is wrong", "hold, the only one there is")


@pytest.mark.parametrize("field", ["credits", "periods", "dimension"])
def test_a_schedule_of_what_nobody_reads_is_refused(field: str) -> None:
    """A cadence that nothing follows is no cadence; what has one is named."""
    problem = _only(WHOLE.replace("vendors: 1h", f"{field}: 1h"))
    assert (problem.field, problem.line) == (f"erp.schedule.{field}", 8)
    assert problem.allowed == "default, vendors, accounts, dimensions, invoices, ledger, time_zone"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("  client_secret: hunter2", "erp.client_secret"),
        ("  Password: hunter2", "erp.Password"),
        ("  dev-key: hunter2", "erp.dev-key"),
        ("  sync_token: hunter2", "erp.sync_token"),
        ("  session: hunter2", "erp.session"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(line: str, field: str) -> None:
    """A password in git is told as such, with the command that stores it, and is not printed again."""
    problem = _only(WHOLE.replace("  environment: production", f"  environment: production\n{line}"))
    assert (problem.field, problem.line) == (field, 7)
    assert "tieout connections secret set" in problem.allowed
    assert "hunter2" not in str(problem)


def test_a_private_key_as_a_value_is_refused() -> None:
    """A PEM key pasted into any field is a secret too."""
    text = WHOLE.replace('"2950"', '"-----BEGIN RSA PRIVATE KEY-----"')
    assert [(problem.field, problem.message) for problem in _problems(text)] == [
        ("accounts.clearing", "holds a private key")
    ]


def test_a_field_given_twice_is_refused() -> None:
    """YAML would take the last one in silence."""
    problem = _only(WHOLE.replace("  approval: erp", "  approval: erp\n  approval: bill"))
    assert (problem.field, problem.line) == ("policy.approval", 25)
    assert "first in line 24" in problem.message


def test_a_field_without_a_value_is_refused() -> None:
    """`clearing:` with nothing behind it is a mistake, not an empty account."""
    assert "has no value" in _problems(WHOLE.replace('clearing: "2950"', "clearing:"))[0].message


def test_an_alias_is_refused() -> None:
    """A file that grows when it is read could fill the memory."""
    text = WHOLE.replace("cards: 0120", "cards: &c '0120'\n  wallet: *c")
    assert "alias" in _only(text).message


@pytest.mark.parametrize(
    ("text", "line"),
    [("connection: [a", 1), ("a: b\n c: d", 2), ("connection: c\n\tstate: draft", 2), ("a: \x00", 1)],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int) -> None:
    """A broken file names the line and applies nothing."""
    problem = _only(text)
    assert "is not YAML" in problem.message
    assert problem.line >= line


def test_an_empty_file_is_no_connection() -> None:
    """Nothing to apply is an error, not success."""
    assert _only("# nothing\n---\n").message == "there is no connection in it"


def test_several_documents_and_files_are_read_together() -> None:
    """Connections may share a file or stand in files of their own."""
    second = (
        SHORTEST.replace("connection: c", "connection: d").replace("00801", "00802").replace("company: C", "company: D")
    )
    third = (
        SHORTEST.replace("connection: c", "connection: e").replace("00801", "00803").replace("company: C", "company: E")
    )
    documents = read([Source("a.yaml", f"{SHORTEST}---\n{second}"), Source("b.yaml", third)])
    assert [(each.file, each.settings.connection) for each in documents] == [
        ("a.yaml", "c"),
        ("a.yaml", "d"),
        ("b.yaml", "e"),
    ]


def test_one_wrong_file_keeps_all_from_being_applied() -> None:
    """A good file beside a bad one is not returned."""
    with pytest.raises(WrongYaml) as caught:
        read([Source("good.yaml", WHOLE), Source("bad.yaml", "connection: X")])
    assert {problem.file for problem in caught.value.problems} == {"bad.yaml"}


def test_the_same_connection_twice_is_refused() -> None:
    """Which of both would be meant?"""
    messages = [problem.message for problem in _problems(f"{SHORTEST}---\n{SHORTEST}")]
    assert messages == ["stands twice, first in c.yaml:1"]


def test_a_second_company_for_one_organization_is_refused() -> None:
    """Two companies in one BILL organization could not be told apart there."""
    other = SHORTEST.replace("connection: c", "connection: d").replace("company: C", "company: D")
    problem = _only(f"{SHORTEST}---\n{other}")
    assert (problem.field, problem.line) == ("bill.organization", 7)


def test_one_company_for_two_organizations_is_refused() -> None:
    """Its invoices would be paid twice, however the company is spelled."""
    other = (
        SHORTEST.replace("connection: c", "connection: d").replace("00801", "00802").replace("company: C", "company: c")
    )
    assert _only(f"{SHORTEST}---\n{other}").field == "erp.company"


def test_an_active_connection_needs_a_cutover() -> None:
    """Without one every open invoice of the past would be sent."""
    assert _only(f"{SHORTEST}state: active\n").field == "cutover"


@pytest.mark.parametrize(
    ("bill", "field"),
    [
        ("{organization: 00801}", "bill.environment"),
        (
            "{organization: 00801, environment: sandbox, endpoints: {api: 'http://h/a', events: 'http://h/e'}}",
            "bill.environment",
        ),
        ("{organization: 00801, endpoints: {api: 'http://h/a'}}", "bill.endpoints.events"),
        ("{organization: 00801, environment: stage}", "bill.environment"),
        ("{organization: 00801, environment: sandbox, webhooks: 'http://h/webhooks/bill/c'}", "bill.webhooks"),
        ("{organization: 00801, environment: sandbox, webhooks: 'https://h/webhooks/bill/d'}", "bill.webhooks"),
        ("{organization: 00801, environment: sandbox, webhooks: 'https://u:p@h/webhooks/bill/c'}", "bill.webhooks"),
        ("{organization: 00801, environment: sandbox, schedule: {time_zone: Mars/Base}}", "bill.schedule.time_zone"),
        ("{organization: 00801, environment: sandbox, budget: Main}", "bill.budget"),
        ("{organization: 'a b', environment: sandbox}", "bill.organization"),
    ],
)
def test_a_wrong_bill_side_names_its_field(bill: str, field: str) -> None:
    """Every contradiction on the BILL side is told with the field to correct."""
    text = f"connection: c\nerp: {{kind: business-central, tenant: t, company: C}}\nbill: {bill}\n"
    assert [problem.field for problem in _problems(text)] == [field]


SECRETS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEF0123456789!+/=", min_size=1, max_size=12).map(
    lambda text: f"Xq9{text}zJ7"
)
PLACES = [
    "connection: {}",
    "state: {}",
    "erp: {}",
    "erp: {{kind: {}}}",
    "erp: {{tenant: '{} '}}",
    "erp: {{endpoints: {{api: '{}'}}}}",
    "erp: {{proxy: 'http://user:{}@proxy:3128'}}",
    "erp: {{schedule: {{default: '{}', time_zone: '{}'}}}}",
    "erp: {{client_secret: '{}'}}",
    "erp: {{'client_secret {}': x}}",
    "erp: {{'{}=': x}}",
    "erp: {{'client_secret {}'}}",
    "bill: {{webhooks: 'https://h/{}'}}",
    "bill: {{environment: {}, organization: '{}-'}}",
    "bill: {{budget: '{}'}}",
    "cutover: {{date: '{}', also: '{}'}}",
    "mapping: {{dimensions: {{DEPARTMENT: '{}'}}, tax: '{}'}}",
    "policy: {{funds_transfers: '{}', release: '{}'}}",
    "accounts: {{banks: '{}'}}",
    "password: *{}",
    "password: '{}\n  x: \"",
    "password: !!{} x",
    "-----BEGIN PRIVATE KEY-----{}",
    "[{}",
]


@given(secret=SECRETS, place=st.sampled_from(PLACES), whole=st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_error_shows_what_was_written(secret: str, place: str, *, whole: bool) -> None:
    """A password pasted anywhere into the file is in no error, and in no `repr` on the way."""
    text = place.format(*[secret] * 4)
    source = Source("c.yaml", f"{SHORTEST if whole else ''}{text}\n")
    assert secret not in repr(source)
    with pytest.raises(WrongYaml) as caught:
        read([source])
    assert secret not in str(caught.value)
    assert secret not in repr(caught.value)
    assert secret not in repr(caught.value.problems)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
