"""The projection on a real Kafka and a real PostgreSQL: it follows the log, and comes back from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update

from support import samples
from support.deciding import NOON, settings
from support.installation import Installation, eventually
from support.invoices import see
from support.projecting import Story, told
from tieout.connections.secrets import engine_for
from tieout.domain.bill import Bill
from tieout.domain.erp import VendorRef
from tieout.events.facts import BillObserved, Result
from tieout.events.tie_outs import TieOutPart
from tieout.log.topics import Topic
from tieout.tie_out.inputs import State
from tieout_control_plane.database import migrate
from tieout_control_plane.projection.beliefs import beliefs
from tieout_control_plane.projection.projector import Projector
from tieout_control_plane.projection.records import Records
from tieout_control_plane.projection.tables import DERIVED, LAYOUT, LINKS, POSITIONS
from tieout_control_plane.projection.timelines import Timelines
from tieout_control_plane.projection.writing import Moved, ProjectionStore

pytest_plugins = ["tieout_devstack.fixtures"]


@pytest.fixture
def engine(made: Installation) -> Iterator[Engine]:
    """The installation's database."""
    engine = engine_for(made.database)
    yield engine
    engine.dispose()


@contextmanager
def projecting(made: Installation, engine: Engine) -> Iterator[Projector]:
    """A projector that has caught up."""
    projector = Projector(made.access, made.names, ProjectionStore(engine))
    projector.start()
    try:
        assert projector.wait_for_now(30), projector.problem()
        yield projector
    finally:
        projector.stop()


def write(made: Installation, story: Story, *, start: int = 0) -> None:
    """The story's messages, each topic in its order."""
    facts = [(Topic.FACTS, message) for message in story.facts[start:]]
    made.write(
        *facts, *((Topic.JOURNAL, message) for message in story.journal if int(message.causationid[1:]) >= start)
    )


def dump(engine: Engine) -> dict[str, list[Any]]:
    """Everything that is derived, in order; offsets of a rebuilt log are the log's own, so they are compared too."""
    with engine.connect() as database:
        return {
            table.name: [tuple(row) for row in database.execute(select(table).order_by(*table.primary_key.columns))]
            for table in DERIVED
        }


def test_tables_that_were_dropped_come_back_from_the_log(made: Installation, engine: Engine) -> None:
    """Row for row the same, positions too; nobody has to run anything for it."""
    write(made, told())
    part = next(one for one in samples.ALL if isinstance(one, TieOutPart))
    made.write((Topic.TIE_OUTS, made.message("acme", part)))
    with projecting(made, engine):
        before = dump(engine)
    assert len(before["links"]) >= 6
    assert before["timeline"]
    assert [row[:2] for row in before["tie_outs"]] == [("acme", part.run)]
    assert [bytes(row[3]) for row in before["tie_out_parts"]] == [part.content]
    with engine.begin() as database:
        database.execute(text("TRUNCATE " + ", ".join(table.name for table in DERIVED)))
    with projecting(made, engine):
        assert dump(engine) == before
    with engine.begin() as database:
        database.execute(text("DROP TABLE links, timeline"))
    migrate(engine)
    with projecting(made, engine):
        assert dump(engine) == before


def test_a_restart_goes_on_where_it_was(made: Installation, engine: Engine) -> None:
    """What came meanwhile is added, nothing is counted twice."""
    story = told()
    write(made, story)
    with projecting(made, engine):
        pass
    with engine.begin() as database:
        database.execute(update(LINKS).where(LINKS.c.link == "bill/i-1").values(number="kept"))
    start = len(story.facts)
    story.answer(Result.IN_DOUBT, story.issued[-1])
    write(made, story, start=start)
    with projecting(made, engine), engine.connect() as database:
        number = database.execute(select(LINKS.c.number).where(LINKS.c.link == "bill/i-1")).scalar_one()
    assert number == "kept"
    with engine.begin() as database:
        database.execute(update(POSITIONS).values(layout=LAYOUT - 1))
    with projecting(made, engine), engine.connect() as database:
        number = database.execute(select(LINKS.c.number).where(LINKS.c.link == "bill/i-1")).scalar_one()
    assert number == "108001"


def test_two_at_once_write_every_batch_once(made: Installation, engine: Engine) -> None:
    """A predecessor that still runs beside its successor spoils nothing."""
    story = told()
    write(made, story)
    with projecting(made, engine):
        whole = dump(engine)
    with engine.begin() as database:
        database.execute(text("TRUNCATE " + ", ".join(table.name for table in DERIVED)))
    with projecting(made, engine) as one, projecting(made, engine) as two:
        assert one.wait_for_now(30)
        assert two.wait_for_now(30)
        assert dump(engine) == whole


def test_a_batch_from_a_wrong_place_is_refused_whole(made: Installation, engine: Engine) -> None:
    """Rows and positions go together: neither is written without the other."""
    store = ProjectionStore(engine)
    places = [(made.names.topic(topic), number) for topic in (Topic.JOURNAL, Topic.FACTS) for number in range(2)]
    store.positions(places)
    reads = told().reads()
    with pytest.raises(Moved):
        store.apply(reads, {places[0]: (0, 9), places[1]: (7, 9)})
    assert not dump(engine)["links"]
    assert store.positions(places) == dict.fromkeys(places, 0)


def test_a_record_is_found_by_whatever_names_it(made: Installation, engine: Engine) -> None:
    """By link, by BILL's id, by the ERP's number in any case; a payment's and a bill's stories lead to each other."""
    write(made, told())
    records, timelines = Records(engine), Timelines(engine)
    with projecting(made, engine):
        assert [records.find("acme", ref) for ref in ("bill/i-1", "00n1", "i-1", "108001", "INV-1")] == [
            ("bill/i-1",)
        ] * 5
        assert records.find("other", "108001") == ()
        bill = records.whole("acme", "bill/i-1")
        assert bill is not None
        assert (str(bill.record.amount), bill.record.currency, bill.record.title) == ("100.00", "USD", "Nordlys AS")
        assert [(one.link, str(one.amount)) for one in bill.payments] == [("payment/stp1", "100")]
        assert {one.link for one in bill.related} == {"payment/stp1", "document/doc-1"}
        payment = records.whole("acme", "payment/stp2")
        assert payment is not None
        assert payment.task is not None
        assert payment.task["page"] == "Payment Journals"
        found = records.list("acme", kind="bill", phase=None, words="nordlys", after="", limit=2)
        assert [one.link for one in found] == ["bill/i-1", "bill/i-2"]
        assert records.list("acme", kind=None, phase="held", words="100%", after="", limit=9) == ()
        steps = timelines.of("acme", ["bill/i-1"], after=-1, limit=500)
    applied = next(step for step in steps if step.kind == "outcome")
    assert applied.fact is not None
    assert (applied.fact["result"], applied.fact["target"]) == ("applied", "00n1")
    assert all(step.time == NOON for step in steps)
    paged = timelines.of("acme", ["bill/i-1"], after=steps[0].entries[-1].place, limit=500)
    assert paged == steps[1:]


def test_a_database_that_goes_away_is_only_a_delay(made: Installation, engine: Engine) -> None:
    """Control-plane says that the tables do not follow, and goes on once they can."""
    write(made, told())
    with engine.begin() as database:
        database.execute(text("ALTER TABLE links RENAME TO links_away"))
    projector = Projector(made.access, made.names, ProjectionStore(engine))
    projector.start()
    try:
        eventually(lambda: projector.problem() is not None, what="the problem")
        with engine.begin() as database:
            database.execute(text("ALTER TABLE links_away RENAME TO links"))
        assert projector.wait_for_now(30)
        assert projector.problem() is None
    finally:
        projector.stop()


def test_beliefs_are_the_links_with_their_marks_and_what_keeps_them(made: Installation, engine: Engine) -> None:
    """A bill that waits for a held vendor is held; a payment's mark is the document it has in the ERP."""
    story = told()
    write(made, story)
    with projecting(made, engine):
        links = beliefs(engine, "acme", settings(accounts={"clearing": "2950"}), NOON)
        later = beliefs(engine, "acme", settings(), NOON + timedelta(seconds=1))
    bills = {bill.link: bill for bill in links.bills}
    assert [(bills[f"bill/i-{n}"].state, bills[f"bill/i-{n}"].target) for n in (1, 2, 3, 4)] == [
        (State.DONE, "00n1"), (State.DONE, "00n2"), (State.HELD, ""), (State.UNDERWAY, ""),
    ]  # fmt: skip
    assert bills["bill/i-3"].why == "bill.on_hold_in_erp"
    assert (str(bills["bill/i-2"].total), bills["bill/i-2"].vendor_number) == ("250", "10000")
    payments = {payment.payment: payment for payment in links.payments}
    assert [(payments[p].state, payments[p].why) for p in ("stp1", "stp2")] == [
        (State.DONE, ""),
        (State.AWAITED, "person"),
    ]
    marks = {one.frame.link: one.frame.mark for one in story.issued}
    assert [payments[p].parts[0].mark for p in ("stp1", "stp2")] == [marks["payment/stp1"], marks["payment/stp2"]]
    (transfer,) = links.transfers
    assert (transfer.payments, str(transfer.due), len(transfer.marks)) == (("stp1",), "100.00", 1)
    assert links.currencies == {"009AAA": "USD"}
    assert [bills[f"bill/i-{n}"].moved for n in (1, 2, 3, 4)] == [True, True, False, False]
    assert [payments[p].moved for p in ("stp1", "stp2")] == [True, False]
    assert not any(bill.moved for bill in later.bills)
    assert not any(payment.moved for payment in later.payments)


def test_what_a_person_did_while_the_ledgers_were_read_does_not_count_as_moved(
    made: Installation, engine: Engine
) -> None:
    """A bill changed in BILL is held whenever a poll finds it so; nothing of Tieout's was on its way for it."""
    story, begun = told(), NOON + timedelta(seconds=1)
    facts, entries = len(story.facts), len(story.journal)
    story.feed(BillObserved(bill=Bill(id="00n1", vendor="009AAA", invoice_number="INV-1", amount=Decimal(90))))
    late = [(Topic.FACTS, one) for one in story.facts[facts:]]
    late += [(Topic.JOURNAL, one) for one in story.journal[entries:]]
    made.write(*((Topic.FACTS, one) for one in story.facts[:facts]))
    made.write(*((Topic.JOURNAL, one) for one in story.journal[:entries]))
    made.write(*((topic, replace(one, time=begun + timedelta(seconds=1))) for topic, one in late))
    with projecting(made, engine):
        links = beliefs(engine, "acme", settings(), begun)
    (bill,) = [bill for bill in links.bills if bill.link == "bill/i-1"]
    assert (bill.target, bill.why, bill.moved) == ("00n1", "bill.changed_in_bill", False)


def test_a_bill_that_waits_for_a_held_vendor_is_held_itself(made: Installation, engine: Engine) -> None:
    """Nobody is told that it is on its way."""
    story = told()
    see(story, id="i-5", number="108005", vendor_invoice_number="INV-5", pay_to=VendorRef(number="20000"))
    write(made, story)
    with projecting(made, engine):
        links = beliefs(engine, "acme", settings(), NOON)
    (bill,) = [bill for bill in links.bills if bill.link == "bill/i-5"]
    assert (bill.state, bill.why) == (State.HELD, "match.ambiguous")


def test_a_log_that_was_replaced_is_projected_anew(made: Installation, engine: Engine) -> None:
    """After Kafka was lost and filled again the tables show the new log, not what the old one said."""
    write(made, told())
    with projecting(made, engine):
        whole = dump(engine)
    with engine.begin() as database:
        database.execute(update(POSITIONS).values(position=1_000_000))
        database.execute(update(LINKS).values(phase="gone"))
    with projecting(made, engine):
        assert dump(engine) == whole
