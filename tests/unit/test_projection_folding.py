"""The log as tables: what people see is what was decided, however the log was cut into batches."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.invoices import see
from support.projecting import Story, told
from tieout.decide.holds import REASONS
from tieout.decide.rows import HoldRow
from tieout_control_plane.projection.folding import Before, Changes, Read, Source, Stood, fold, link_of, touched
from tieout_control_plane.projection.holds import shown

TOLD = told()
STAMP = datetime(2026, 6, 1, tzinfo=UTC)


class Tables:
    """The tables in memory, written as ``ProjectionStore`` writes them."""

    def __init__(self) -> None:
        self.links: dict[Any, Any] = {}
        self.holds: dict[Any, Any] = {}
        self.tasks: dict[Any, Any] = {}
        self.rows: dict[Any, Any] = {}
        self.payments: dict[Any, Any] = {}
        self.facts: dict[Any, Any] = {}
        self.parts: dict[Any, Any] = {}
        self.timeline: list[Any] = []
        self.counts: Counter[Any] = Counter()

    def apply(self, batch: list[Read]) -> None:
        """One batch, knowing of before only what a database would tell."""
        links, facts = touched(batch)
        before = Before(facts={key for key in facts if key in self.facts})
        for key in links & self.links.keys():
            row = self.links[key]
            before.links[key] = Stood(f"link/{row['kind']}/{row['phase']}", row["since"])
        for name, word, table, stood in (
            ("hold", "reason", self.holds, before.holds),
            ("task", "why", self.tasks, before.tasks),
        ):
            for key in links & table.keys():
                stood[key] = Stood(f"{name}/{table[key][word]}", table[key]["since"])
        changes = fold(batch, before)
        self._keep(changes)

    def _keep(self, changes: Changes) -> None:
        for name in ("links", "holds", "tasks", "rows", "payments", "facts"):
            table = getattr(self, name)
            for key, row in getattr(changes, name).items():
                if row is None:
                    table.pop(key, None)
                else:
                    table[key] = row
        self.parts |= changes.parts
        self.timeline += changes.timeline
        self.counts.update(changes.counts)

    def dump(self) -> dict[str, Any]:
        """All of it, comparable."""
        return {**vars(self), "counts": {key: count for key, count in self.counts.items() if count}}


def projected(story: Story = TOLD, cuts: list[int] | None = None) -> Tables:
    """A story's log in batches that end at ``cuts``."""
    reads, tables = story.reads(), Tables()
    ends = sorted({*(cut % len(reads) for cut in cuts or []), len(reads)})
    for start, end in zip([0, *ends], ends, strict=False):
        tables.apply(reads[start:end])
    return tables


@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
@settings(max_examples=40, deadline=None)
def test_the_tables_are_the_same_in_whatever_batches(cuts: list[int]) -> None:
    """A restart or a rebuild shows nobody anything else."""
    assert projected(cuts=cuts).dump() == projected().dump()


def test_links_stand_as_the_decider_left_them() -> None:
    """Phase, number and BILL's id of every link are those of the state."""
    tables = projected()
    for (connection, link), row in tables.links.items():
        state = TOLD.link(link)
        assert (connection, row["phase"], row["number"], row["target"]) == (
            "acme", state.phase.value, state.number, state.target,
        )  # fmt: skip
    assert ("acme", "bill/i-1") in tables.links


def test_counters_count_what_stands() -> None:
    """The numbers people watch are those of the rows behind them."""
    tables = projected()
    counted = {name: count for (_, name), count in tables.counts.items() if count}
    standing = Counter(f"link/{row['kind']}/{row['phase']}" for row in tables.links.values())
    standing.update(f"hold/{row['reason']}" for row in tables.holds.values())
    standing.update(f"task/{row['why']}" for row in tables.tasks.values())
    assert {name: count for name, count in counted.items() if not name.startswith("outcome/")} == standing
    assert counted["outcome/bill.ensure/applied"] == 2
    assert counted["task/person"] == 1


def test_an_outcome_that_is_told_twice_counts_once() -> None:
    """A writer that repeats its answer after a takeover has answered once."""
    tables = projected()
    before = dict(tables.counts)
    tables.apply([read for read in TOLD.reads() if read.message.id.startswith("f")])
    assert dict(tables.counts) == before


def test_what_was_seen_is_told_with_its_raw_document() -> None:
    """From a step of a timeline to the document as received, by its id; and to the run that brought it."""
    source = Source("acme", "f1", "erp/vendor/v-1", STAMP, raw="f0", run="acme/erp/vendor/7")
    assert fold([], Before(), [source]).facts == {
        ("acme", "f1"): {
            "link": "", "time": STAMP, "kind": "seen",
            "value": {"subject": "erp/vendor/v-1", "raw": "f0", "run": "acme/erp/vendor/7"},
        }
    }  # fmt: skip


def test_what_goes_leaves_no_row_and_no_count() -> None:
    """A mended hold is not shown any more, and not counted."""
    story = told()
    released = story.hold("bill/i-3")
    assert released is not None
    see(story, id="i-3", number="108003", vendor_invoice_number="INV-3", on_hold="")
    tables = projected(story)
    assert ("acme", "bill/i-3") not in tables.holds
    assert tables.counts["acme", f"hold/{released.reason}"] == 0


def test_the_timeline_of_a_payment_has_its_steps_with_their_amounts() -> None:
    """Seen in BILL, asked of the ERP, recorded there: in this order, with the money."""
    steps = [row for row in projected().timeline if row["link"] == "payment/stp1"]
    words = [row["what"] for row in steps]
    assert words.index("payment.taken") < words.index("requested") < words.index("recorded")
    recorded = next(row for row in steps if row["what"] == "recorded")
    assert (str(recorded["amount"]), recorded["currency"]) == ("100.00", "USD")
    assert [row["place"] for row in steps] == sorted(row["place"] for row in steps)


def test_bookkeeping_belongs_to_no_record() -> None:
    """Queues and indexes are the decider's own; what belongs to a record is told under its link."""
    assert [link_of(row) for row in ("window/bill", "ready/bill/30/7/bill/i-1", "index/bill/00n1", "settings")] == [
        ""
    ] * 4
    assert link_of("invoice/i-1") == "bill/i-1"
    assert link_of("shown/00n1") == "shown/00n1"
    assert link_of("due/bac1/2026-06-01/USD") == "transfer/bac1/2026-06-01/USD"


def test_a_hold_is_a_sentence_with_its_cure() -> None:
    """No person reads a word of the catalogue."""
    row = projected().holds["acme", "bill/i-3"]
    hold = shown("acme", "bill/i-3", row["value"], "108003")
    assert hold.sentence == "Invoice 108003 is on hold in the ERP (XYZ)."
    assert (hold.who, hold.by_itself) == ("accounts payable", True)
    chosen = shown("acme", "vendor/v-2/USD", projected().holds["acme", "vendor/v-2/USD"]["value"], "20000")
    assert [candidate.id for candidate in chosen.candidates] == ["009X0", "009X1"]
    assert not chosen.by_itself


def test_every_reason_can_be_read_even_with_params_missing() -> None:
    """A hold of another release is shown, whatever it lacks."""
    for reason in [*REASONS, "a.reason.of.next.year"]:
        held = HoldRow(reason=reason, since=TOLD.facts[0].time, fact="f")
        hold = shown("acme", "bill/i-9", held.model_dump(mode="json"))
        assert hold.sentence
        assert "{" not in hold.sentence + hold.cure
