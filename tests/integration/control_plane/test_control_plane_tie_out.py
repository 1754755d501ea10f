"""A tie-out over the API and in commands: asked of both owners, compared, stored, and the same when asked again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from support.owners import Owners
from support.projecting import told
from tieout.domain.bill_payments import PaymentStage
from tieout.domain.erp_ledger import AccountBalance, AccountRole, BalanceQuery, EntryType
from tieout.domain.settings import Side
from tieout.domain.snapshots import AccountPosting, BillSeen, OpenEntry, PartSeen, PaymentSeen, StrayDocument
from tieout.events.requests import CheckLine, CheckStatus, SnapshotAsked
from tieout.events.snapshots import Snapshot
from tieout.events.tie_outs import TieOutPart
from tieout.log.outgoing import outgoing
from tieout.log.produce import TransactionalProducer
from tieout.log.topics import Topic

pytest_plugins = ["tieout_devstack.fixtures"]

MAY = date(2026, 5, 4)
TODAY = datetime.now(UTC).date()
DOCUMENT = {
    "connection": "acme",
    "state": "active",
    "erp": {"kind": "business-central", "tenant": "t", "company": "Acme"},
    "bill": {"environment": "sandbox", "organization": "008acme"},
    "cutover": {"date": "2026-01-01"},
    "accounts": {"control": ["2110"], "clearing": "2950"},
}


def entry(number: str, amount: str, currency: str = "USD") -> OpenEntry:
    """An open invoice of the vendor ledger."""
    return OpenEntry(
        id=f"e{number}", type=EntryType.INVOICE, vendor_number="10000", document_number=number, posting_date=MAY,
        currency=currency, amount=amount, open=amount, local_open=amount,
    )  # fmt: skip


def balance(role: AccountRole, account: str, amount: str, as_of: date | None = None) -> AccountBalance:
    """A balance in dollars."""
    query = BalanceQuery(role=role, account=account)
    return AccountBalance(query=query, currency="USD", balance=amount, as_of=as_of)


def erp(mark: str) -> Snapshot:
    """The ERP after the story: one payment posted, one still in its journal."""
    return Snapshot(
        currency="USD",
        entries=[entry("108002", "250"), entry("108003", "100"), entry("108004", "100", "EUR")],
        balances=[
            balance(AccountRole.SUBLEDGER, "", "-450"),
            balance(AccountRole.CONTROL, "2110", "-450"),
            balance(AccountRole.CLEARING, "2950", "-100"),
            balance(AccountRole.CLEARING, "2950", "0", date(2025, 12, 31)),
        ],
        postings=[AccountPosting(id="1", account="2950", posting_date=MAY, document_number=mark, amount="-100")],
    )


def paid(payment: str, bill: str, amount: str) -> PaymentSeen:
    """A payment that BILL has made."""
    parts = (PartSeen(bill=bill, amount=Decimal(amount)),)
    return PaymentSeen(id=payment, vendor="009AAA", amount=amount, parts=parts, stage=PaymentStage.TAKEN, online=True)


BILLS = [
    BillSeen(id="00n1", vendor="009AAA", invoice_number="INV-1", invoice_date=MAY, amount="100.00"),
    BillSeen(id="00n2", vendor="009AAA", invoice_number="INV-2", invoice_date=MAY, amount="250.00"),
]


@dataclass
class Sides:
    """What both owners answer; a test replaces it."""

    erp: Snapshot | CheckLine | None
    bill: Snapshot | CheckLine | None

    def __call__(self, asked: SnapshotAsked) -> Snapshot | CheckLine | None:
        """The answer to a request."""
        if asked.bills:
            return Snapshot(bills=[bill for bill in BILLS if bill.id in asked.bills])
        return self.erp if asked.side is Side.ERP else self.bill


@dataclass
class Scene:
    """A control-plane with a story in its log, and both owners."""

    installation: Any
    plane: Any
    owners: Owners
    sides: Sides

    def compare(self, **body: Any) -> tuple[int, Any]:
        """Compare over the API."""
        status, answer = self.plane.call("POST", "/v1/connections/acme/tie-outs", {"seconds": 20, **body})
        return status, answer


@pytest.fixture(scope="module")
def scene(make_installation: Callable[[], Any]) -> Iterator[Scene]:
    """One for all tests of the module: the last comparison of today stands when the next test begins."""
    installation = make_installation()
    plane = installation.start()
    assert plane.apply(DOCUMENT)[0] == 200
    story = told()
    mark = next(c.frame.order.mark for c in story.issued if c.frame.link == "payment/stp1")  # type: ignore[attr-defined]
    producer = TransactionalProducer(installation.access, "test-story")
    producer.open()
    messages = [(Topic.FACTS, message) for message in story.facts]
    messages += [(Topic.JOURNAL, message) for message in story.journal]
    producer.commit([outgoing(installation.names, topic, message) for topic, message in messages])
    payments = [paid("stp1", "00n1", "100"), paid("stp2", "00n2", "50")]
    sides = Sides(erp(mark), Snapshot(bills=BILLS[1:], payments=payments))
    with Owners(installation.access, installation.names, sides) as owners:
        yield Scene(installation, plane, owners, sides)


def names(answer: Any) -> list[tuple[str, list[str], str]]:
    """Class, documents and amount of every difference."""
    return [(one["class"], one["documents"], one["amount"]) for one in answer["result"]["differences"]]


KNOWN = [
    ("unposted_journal", ["108002", "stp2"], "50.00"),
    ("held", ["108003"], "100.00"),
    ("in_flight", ["108004"], "100.00"),
]


def test_a_comparison_names_what_stands_between_the_ledgers(scene: Scene) -> None:
    """Both owners are asked by the settings; a linked bill of before the cut-over is asked for by its id."""
    status, answer = scene.compare(fresh=True)
    assert (status, sorted(names(answer))) == (200, sorted(KNOWN))
    assert (answer["complete"], answer["clean"]) == (True, False)
    assert [one["status"] for one in (answer["result"][e] for e in ("subledger", "bill", "clearing"))] == [
        "equal", "differs", "equal",
    ]  # fmt: skip
    assert answer["result"]["clearing"]["payments"][0]["standing"] == "100.00"
    (asked,) = scene.owners.of(Side.ERP)
    assert (asked.control, asked.clearing, asked.since) == (("2110",), "2950", date(2026, 1, 1))
    assert [asked.bills for asked in scene.owners.of(Side.BILL)] == [(), ("00n1",)]


def test_a_day_asked_for_again_gives_the_same_bytes(scene: Scene) -> None:
    """Nobody is asked again, and nothing is compared again; the run is kept with what it was made from."""
    status, first = scene.compare()
    assert status == 200
    count = len(scene.owners.asked)
    again = [scene.compare()[1], scene.compare(as_of=TODAY.isoformat())[1]]
    again.append(scene.plane.call("GET", f"/v1/connections/acme/tie-outs/{TODAY}")[1])
    assert [json.dumps(one) for one in again] == [json.dumps(first)] * 3
    assert len(scene.owners.asked) == count
    _, listed = scene.plane.call("GET", "/v1/connections/acme/tie-outs")
    newest = listed["tie_outs"][0]
    assert (newest["as_of"], newest["differences"], newest["unexpected"], newest["complete"]) == (
        TODAY.isoformat(), 3, 1, True,
    )  # fmt: skip
    _, inputs = scene.plane.call("GET", f"/v1/connections/acme/tie-outs/{newest['run']}/inputs")
    assert {bill["id"] for bill in inputs["bill"]["bills"]} == {"00n1", "00n2"}
    parts = [one.data for one in scene.installation.messages(Topic.TIE_OUTS) if isinstance(one.data, TieOutPart)]
    assert newest["run"] in {part.run for part in parts}


def test_a_fresh_run_says_what_is_new_since_the_one_before(scene: Scene) -> None:
    """One more difference is planted: it is the one that is named."""
    stood = scene.sides.erp
    assert isinstance(stood, Snapshot)
    stray = StrayDocument(document_number="GJ-1", posting_date=MAY, general="12.34", vendor=None)
    moved = [
        replace_balance(one, Decimal("12.34")) if one.query.role is AccountRole.CONTROL else one
        for one in stood.balances
    ]
    scene.sides.erp = replace(stood, strays=[stray], balances=moved)
    try:
        status, answer = scene.compare(fresh=True)
    finally:
        scene.sides.erp = stood
    assert status == 200
    assert [(one["class"], one["documents"], one["amount"]) for one in answer["since"]["appeared"]] == [
        ("direct_posting_on_control", ["GJ-1"], "12.34")
    ]
    status, answer = scene.compare(fresh=True)
    assert (status, [one["class"] for one in answer["since"]["gone"]]) == (200, ["direct_posting_on_control"])


def replace_balance(one: AccountBalance, by: Decimal) -> AccountBalance:
    """The same balance, moved."""
    return one.model_copy(update={"balance": one.balance + by})


def test_a_day_without_a_run_names_the_nearest(scene: Scene) -> None:
    """A past day cannot be compared any more; only today can be fresh."""
    scene.compare()
    past = (TODAY - timedelta(days=9)).isoformat()
    status, answer = scene.compare(as_of=past)
    assert (status, answer["error"]["code"]) == (404, "no_tie_out")
    assert TODAY.isoformat() in answer["error"]["cure"]
    status, answer = scene.compare(as_of=past, fresh=True)
    assert (status, answer["error"]["code"]) == (409, "not_now")
    assert scene.plane.call("GET", "/v1/connections/acme/tie-outs/nonsense")[0] == 404


def test_an_owner_that_cannot_answer_is_told_with_its_cure(scene: Scene) -> None:
    """No result is made of one side alone."""
    stood = scene.sides.bill
    scene.sides.bill = CheckLine(
        name="bill", status=CheckStatus.FAILED, detail="BDC_1101", cure="Set the password.", code="BDC_1101"
    )
    try:
        status, answer = scene.compare(fresh=True)
        assert (status, answer["error"]["code"], answer["error"]["cure"]) == (503, "BDC_1101", "Set the password.")
        scene.sides.bill = None
        status, answer = scene.compare(fresh=True, seconds=5)
        assert (status, "bill-writer" in answer["error"]["cure"]) == (503, True)
    finally:
        scene.sides.bill = stood


def test_the_command_prints_the_equations_and_ends_with_1(scene: Scene) -> None:
    """For people and as JSON; 0 once nothing is unexplained, 2 for a day that has no run."""
    done = scene.installation.cli(scene.plane, "compare", "acme")
    assert done.returncode == 1, done.stderr
    assert "unposted_journal: 50.00 USD · 108002, stp2" in done.stdout
    assert "(a) vendors = control accounts: -450.00 = -450.00 USD" in done.stdout
    done = scene.installation.cli(scene.plane, "compare", "acme", "--json")
    assert (done.returncode, sorted(names(json.loads(done.stdout)))) == (1, sorted(KNOWN))
    done = scene.installation.cli(scene.plane, "compare", "acme", "--as-of", "2020-01-01")
    assert (done.returncode, "cure: The nearest is of" in done.stderr) == (2, True)
    stood = scene.sides.bill
    assert isinstance(stood, Snapshot)
    planned = [stood.payments[0], stood.payments[1].model_copy(update={"stage": PaymentStage.PLANNED})]
    scene.sides.bill = replace(stood, payments=planned)
    try:
        done = scene.installation.cli(scene.plane, "compare", "acme", "--fresh")
    finally:
        scene.sides.bill = stood
    assert (done.returncode, "both ledgers agree" in done.stdout) == (0, True), done.stdout
    assert "1 gone" in done.stdout


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_the_writing_leaves_a_whole_run_or_none(scene: Scene, when: str) -> None:
    """Right before the commit there is no run; right after it the next control-plane shows it."""
    before = {one.data.run for one in scene.installation.messages(Topic.TIE_OUTS)}
    dying = scene.installation.start(TIEOUT_CRASH_AT=f"control-plane.tie_out.{when}")
    with pytest.raises(OSError, match=r"^"):
        dying.call("POST", "/v1/connections/acme/tie-outs", {"fresh": True, "seconds": 20})
    assert dying.process.wait_gone(seconds=20)
    scene.plane = scene.installation.start()
    new = {one.data.run for one in scene.installation.messages(Topic.TIE_OUTS)} - before
    assert len(new) == (1 if when == "after" else 0)
    status, answer = scene.compare(fresh=when == "before")
    assert (status, sorted(names(answer))) == (200, sorted(KNOWN))
