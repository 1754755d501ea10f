"""The coding of bill lines, and the files that travel with a bill."""

from decimal import Decimal

from support.deciding import World, settings
from support.invoices import BILL, MAY, last_bill, line, masters, reason, see
from tieout.decide.rows import Phase
from tieout.decide.state import Decision
from tieout.domain.erp import (
    DimensionCode,
    DimensionValue,
    DocumentRef,
    LedgerPosting,
    LineKind,
)
from tieout.events.commands import DocumentPlace, Intent
from tieout.events.facts import (
    DimensionValueObserved,
    DocumentFetched,
    Result,
    SettingsFact,
)
from tieout.events.requests import DocumentsAsked


def test_dimensions_become_classifications_and_the_others_stand_in_the_text() -> None:
    """A mapped dimension codes the line; one without a place in BILL is written out, not dropped."""
    world = World(active=False)
    mapped = settings(mapping={"dimensions": {"DEPARTMENT": "department"}})
    world.feed(SettingsFact(generation=1, settings=mapped))
    masters(world)
    codes = (DimensionCode(dimension="DEPARTMENT", value="SALES"), DimensionCode(dimension="AREA", value="30"))
    see(world, lines=(line(dimensions=codes),))
    assert world.link(BILL).waits == "dimension:DEPARTMENT:SALES"
    value = DimensionValue(id="d-1", dimension="DEPARTMENT", code="SALES", name="Sales")
    world.feed(DimensionValueObserved(run=1, value=value))
    assert world.issued[-1].frame.intent is Intent.CLASSIFICATION_ENSURE
    world.answer(Result.APPLIED, target="0deSALES")
    sent = last_bill(world).content.lines[0]
    assert (sent.coding.department, sent.description) == ("0deSALES", "Line 1; AREA=30")


def test_item_lines_take_their_account_from_the_ledger() -> None:
    """The posted entries tell the account of item lines, the tax and the discount."""
    world = World()
    masters(world, "6100", "7110", "5630")
    posted = [("7110", "180.00"), ("6100", "100.00"), ("5630", "70.00"), ("5410", "-350.00")]
    postings = tuple(
        LedgerPosting(id=str(n), document_number="108001", posting_date=MAY, account=a, amount=Decimal(amount))
        for n, (a, amount) in enumerate(posted)
    )
    lines = (line(1), line(2, kind=LineKind.ITEM, account="", net="200.00", invoice_discount="20.00"))
    see(
        world,
        net="280.00",
        tax="70.00",
        discount="20.00",
        total="350.00",
        open="350.00",
        lines=lines,
        postings=postings,
    )
    sent = [(one.coding.account, one.amount, one.description) for one in last_bill(world).content.lines]
    assert sent == [
        ("0ca6100", Decimal("100.00"), "Line 1"),
        ("0ca7110", Decimal("200.00"), "Line 2"),
        ("0ca5630", Decimal("70.00"), "Tax"),
        ("0ca7110", Decimal("-20.00"), "Invoice discount"),
    ]


def test_documents_are_asked_for_once_the_bill_is_there_and_uploaded_once() -> None:
    """A file travels with the bill; one that is too large is visible and blocks nothing."""
    world = World()
    masters(world)
    see(world)
    decision = world.answer(Result.APPLIED, target="00nBILL")
    assert decision.requests == (DocumentsAsked(connection="acme", generation=1, link=BILL, invoice="i-1"),)
    place = DocumentPlace(partition=0, offsets=(4, 5), bytes=9, sha256="ab")
    fetched = DocumentFetched(
        link=BILL, invoice="i-1", document=DocumentRef(id="d-1", owner="i-1", name="a.pdf"), place=place
    )
    world.feed(fetched)
    upload = world.issued[-1].frame
    assert (upload.intent, upload.bill) == (Intent.DOCUMENT_UPLOAD, "00nBILL")  # type: ignore[attr-defined]
    world.answer(Result.APPLIED, target="00h1")
    moved = place.model_copy(update={"offsets": (90, 91)})
    assert world.feed(fetched.model_copy(update={"place": moved})) == Decision()
    large = DocumentRef(id="d-2", owner="i-1", name="b.pdf")
    world.feed(DocumentFetched(link=BILL, invoice="i-1", document=large, place=None, problem="too_large"))
    assert reason(world, "document/d-2") == "document.too_large"
    assert world.link(BILL).phase is Phase.LINKED


def test_a_file_that_was_kept_too_long_is_read_again_and_lies_elsewhere() -> None:
    """BILL was away for longer than files are kept: nobody has to do anything, unless it goes on like that."""
    world = World()
    masters(world)
    see(world)
    world.answer(Result.APPLIED, target="00nBILL")
    place = DocumentPlace(partition=0, offsets=(4, 5), bytes=9, sha256="ab")
    file = DocumentRef(id="d-1", owner="i-1", name="a.pdf")
    asked = (DocumentsAsked(connection="acme", generation=1, link=BILL, invoice="i-1"),)
    for offset in range(3):
        there = place.model_copy(update={"offsets": (offset,)})
        world.feed(DocumentFetched(link=BILL, invoice="i-1", document=file, place=there))
        assert world.issued[-1].frame.place == there  # type: ignore[attr-defined]
        assert world.answer(Result.REJECTED, code="document_lost").requests == asked
        assert reason(world, "document/d-1") == ""
    assert len({command.id for command in world.issued}) == len(world.issued)
    world.feed(DocumentFetched(link=BILL, invoice="i-1", document=file, place=place))
    assert world.answer(Result.REJECTED, code="document_lost").requests == ()
    assert reason(world, "document/d-1") == "refused"
