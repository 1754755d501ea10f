"""Bill links: which invoices become bills, what they wait for, what holds them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from support.deciding import ADDRESS, World, settings
from support.invoices import BILL, MAY, last_bill, line, masters, reason, see, see_account
from tieout.decide.rows import Phase
from tieout.decide.state import Decision
from tieout.domain.bill import Bill
from tieout.domain.erp import (
    Blocked,
    Vendor,
    VendorRef,
)
from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.records import Kind
from tieout.events.commands import Intent
from tieout.events.facts import (
    BillObserved,
    Candidate,
    HoldReleased,
    LedgerEntryObserved,
    Result,
    SettingsFact,
    VendorObserved,
)
from tieout.events.requests import RowsAsked


def test_an_invoice_waits_for_its_vendor_and_its_account_and_then_goes() -> None:
    """A bill never names a payee or an account that is not there yet."""
    world = World()
    see(world)
    assert (world.link(BILL).phase, world.link(BILL).waits) == (Phase.WAITING, "vendor:10000:USD")
    masters(world)
    command = last_bill(world)
    assert (command.content.vendor, command.content.lines[0].coding.account) == ("009AAA", "0ca6100")
    assert command.content.total == Decimal("100.00")
    world.answer(Result.APPLIED, target="00nBILL")
    assert (world.link(BILL).phase, world.link(BILL).target) == (Phase.LINKED, "00nBILL")
    assert see(world) == Decision()


def test_many_bills_behind_one_vendor_are_woken_in_bounded_decisions() -> None:
    """Two hundred waiting bills make no decision of more than two hundred entries, and all of them go."""
    world = World()
    for n in range(200):
        see(world, id=f"i-{n}", number=f"1{n:05}", vendor_invoice_number=f"INV-{n}")
    masters(world)
    sizes = []
    while len(world.issued) < 202:
        before = len(world.issued)
        waiting = [command for command in world.issued if command.frame.link.startswith("bill/")]
        decision = world.answer(Result.APPLIED, command=waiting[-1], target=f"00n{len(world.issued)}")
        sizes.append(len(decision.entries))
        assert len(world.issued) > before
    assert max(sizes) < 200


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "draft"},
        {"posting_date": date(2025, 12, 31)},
        {"approved": False},
        {"corrects": "i-0", "status": "corrective"},
        {"total": "0", "net": "0", "open": "0", "lines": ()},
    ],
    ids=["draft", "before the cut-over", "not approved", "corrective", "zero"],
)
def test_what_is_out_of_scope_costs_neither_an_entry_nor_a_call(changes: dict[str, Any]) -> None:
    """Drafts, paid ones, those before the cut-over and the like leave no trace."""
    world = World()
    masters(world)
    assert see(world, **changes) == Decision()


def test_an_older_open_item_named_in_the_cut_over_goes() -> None:
    """The list of older open items is part of the cut-over."""
    world = World(active=False)
    also = settings(cutover={"date": "2026-01-01", "also": ["108001"]})
    world.feed(SettingsFact(generation=1, settings=also))
    masters(world)
    see(world, posting_date=date(2025, 11, 1))
    assert last_bill(world).content.invoice_number == "INV-1"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"on_hold": "AB"}, "bill.on_hold_in_erp"),
        ({"open": None}, "bill.open_unknown"),
        ({"vendor_invoice_number": " "}, "bill.number_missing"),
        ({"due_date": None}, "bill.due_date_missing"),
        ({"total": "100.01", "open": "100.01"}, "bill.total_unexplained"),
        ({"total": "-100", "net": "-100", "open": "-100", "lines": (line(net="-100"),)}, "bill.negative_total"),
        ({"lines": (line(kind="item", account=""),)}, "bill.line_account_unknown"),
    ],
)  # fmt: skip
def test_what_must_not_be_sent_is_held_and_released_by_mending_it(changes: dict[str, Any], expected: str) -> None:
    """Each hold names its reason and goes once the invoice is as it should be."""
    world = World()
    masters(world)
    see(world, **changes)
    assert (reason(world), len(world.issued)) == (expected, 2)
    assert see(world, **changes) == Decision()
    see(world)
    assert (reason(world), len(world.issued)) == ("", 3)


def test_a_blocked_vendors_invoice_is_held_until_it_is_unblocked() -> None:
    """No new bills are sent for a vendor that is blocked for payment."""
    world = World()
    masters(world)
    free = Vendor(id="v-1", number="10000", name="Nordlys AS", currency="USD", address=ADDRESS)
    world.feed(VendorObserved(run=2, vendor=free.model_copy(update={"blocked": Blocked.PAYMENT})))
    see(world)
    assert reason(world) == "bill.vendor_blocked"
    decision = world.feed(VendorObserved(run=3, vendor=free))
    assert decision.requests == (RowsAsked(connection="acme", kind=Kind.PURCHASE_INVOICE, keys=("i-1",)),)
    see(world)
    assert reason(world) == ""


def test_an_account_closed_meanwhile_holds_only_the_bills_that_use_it() -> None:
    """The hold names the account; the other bills flow."""
    world = World()
    masters(world, "6100", "6200")
    see_account(world, "6200", blocked=True)
    world.answer(Result.APPLIED, target="0ca6200")
    see(world, lines=(line(account="6200"),))
    assert world.hold(BILL).params["coding"] == "account 6200"  # type: ignore[union-attr]
    see(world, id="i-2", vendor_invoice_number="INV-2")
    assert last_bill(world).link == "bill/i-2"


def test_a_duplicate_number_of_one_vendor_needs_two_people() -> None:
    """`INV-001` and `inv 1` are the same to people: the second is held with both shown."""
    world = World()
    masters(world)
    see(world, vendor_invoice_number="INV-001")
    see(world, id="i-2", number="108002", vendor_invoice_number="inv 1")
    assert reason(world, "bill/i-2") == "bill.duplicate"
    assert world.hold("bill/i-2").params["twin"] == "108001"  # type: ignore[union-attr]
    release = HoldReleased(link="bill/i-2", reason="bill.duplicate", person="ada", role="ap", text="both are owed")
    world.feed(release)
    world.feed(release)
    assert len(world.issued) == 3
    world.feed(release.model_copy(update={"person": "bob"}))
    assert last_bill(world).link == "bill/i-2"
    assert see(world, id="i-2", number="108002", vendor_invoice_number="inv 1") == Decision()


def test_the_same_number_of_another_vendor_passes() -> None:
    """A number is unique per vendor only."""
    world = World()
    masters(world)
    see(world)
    other = VendorRef(number="20000")
    see(world, id="i-2", pay_to=other, buy_from=other)
    assert reason(world, "bill/i-2") == ""


def test_a_number_too_long_for_bill_is_mapped_uniquely_and_kept_in_the_text() -> None:
    """21 characters is BILL's limit; the original stands in the description and in the duplicate check."""
    world = World()
    masters(world)
    number = "CONTRACT-2026-000000000001"
    see(world, vendor_invoice_number=number)
    first = last_bill(world).content
    see(world, id="i-2", vendor_invoice_number=number + "7")
    second = last_bill(world).content
    assert len(first.invoice_number) == 21
    assert first.invoice_number != second.invoice_number
    assert number in first.description


def test_what_was_paid_before_is_told_to_bill_as_paid_outside() -> None:
    """1,000 with 400 paid: a bill of 1,000 and a payment of 400, once the bill is there."""
    world = World()
    masters(world)
    see(world, total="1000", net="1000", open="600", lines=(line(net="1000"),))
    assert last_bill(world).content.total == Decimal(1000)
    world.answer(Result.APPLIED, target="00nBILL")
    payment = world.issued[-1].frame
    assert payment.intent is Intent.PAYMENT_RECORD
    part = payment.content.parts[0]  # type: ignore[attr-defined]
    assert (part.bill, part.amount) == ("00nBILL", Decimal(400))
    world.answer(Result.APPLIED, target="stp1")
    see(world, total="1000", net="1000", open="300", lines=(line(net="1000"),))
    assert world.issued[-1].frame is payment


def test_a_bill_that_was_found_is_told_of_no_payment() -> None:
    """After a lost state an invoice that BILL itself paid in part must not be recorded as paid outside again."""
    world = World()
    masters(world)
    part_paid = {"total": "1000", "net": "1000", "open": "600", "lines": (line(net="1000"),)}
    see(world, **part_paid)
    ours = Candidate(id="00nX", number="INV-1", content=last_bill(world).content_hash)
    world.answer(Result.FOUND, candidates=(ours,))
    assert world.link(BILL).target == "00nX"
    assert not [one for one in world.issued if one.frame.intent is Intent.PAYMENT_RECORD]


def test_the_due_date_follows_while_the_lines_stay() -> None:
    """A due date changed in the ERP after sending becomes one change of the bill."""
    world = World()
    masters(world)
    see(world)
    world.answer(Result.APPLIED, target="00nBILL")
    see(world, due_date=date(2026, 7, 1))
    assert (last_bill(world).intent, last_bill(world).content.due_date) == (Intent.BILL_UPDATE, date(2026, 7, 1))


def test_an_invoice_paid_before_its_bill_went_out_is_not_sent() -> None:
    """It was held, then paid in the ERP: nothing goes to BILL and the hold is gone."""
    world = World()
    masters(world)
    see(world, on_hold="AB")
    see(world, status="paid", open="0")
    assert (reason(world), last_bill(world).intent) == ("", Intent.BILL_FIND)
    world.answer(Result.REJECTED, code="not_there", message="no such bill")
    assert (world.link(BILL).phase, reason(world)) == (Phase.IGNORED, "")
    assert see(world, status="paid", open="0") == Decision()


def test_an_invoice_on_hold_whose_bill_is_there_is_let_go_once_it_is_paid() -> None:
    """The hold on the ledger entry was lifted and the entry paid by one reading: nobody has to look any more."""
    world = World()
    masters(world)
    see(world)
    world.answer(Result.APPLIED, target="00nBILL")
    see(world, on_hold="AB")
    assert (world.link(BILL).phase, reason(world)) == (Phase.HELD, "bill.on_hold_in_erp")
    see(world, status="paid", open="0")
    assert (world.link(BILL).phase, reason(world)) == (Phase.LINKED, "")


def test_a_paid_invoice_inside_the_cut_over_is_only_looked_for_and_never_created() -> None:
    """Its bill may be in BILL from before, with payments that have to find their invoice."""
    world = World()
    masters(world)
    see(world, status="paid", open="0")
    ours = Candidate(id="00nX", number="INV-1", content=last_bill(world).content_hash)
    world.answer(Result.FOUND, candidates=(ours,))
    assert (world.link(BILL).phase, world.link(BILL).target) == (Phase.LINKED, "00nX")
    assert last_bill(world).intent is Intent.BILL_FIND, "who paid it is not known, so no payment is told to BILL"


def test_a_bill_changed_in_bill_is_held_until_it_is_set_back() -> None:
    """An approver changed the amount: both values are shown, and mending it in BILL releases it."""
    world = World()
    masters(world)
    see(world)
    world.answer(Result.APPLIED, target="00nBILL")
    shown = Bill(id="00nBILL", vendor="009AAA", invoice_number="INV-1", amount=Decimal("90.00"))
    world.feed(BillObserved(bill=shown))
    held = world.hold(BILL)
    assert held is not None
    assert (held.reason, held.params["there"], held.params["here"]) == ("bill.changed_in_bill", "90.00", "100.00")
    world.feed(BillObserved(bill=shown.model_copy(update={"amount": Decimal("100.00")})))
    assert (reason(world), world.link(BILL).phase) == ("", Phase.LINKED)


def test_a_hold_set_on_the_ledger_entry_is_noticed_though_the_invoice_is_not_stamped() -> None:
    """The entry alone shows it; the invoice is read again and held; clearing it is noticed the same way."""
    world = World()
    masters(world)
    see(world, ledger_entry="2831")
    entry = VendorLedgerEntry(
        id="2831", type=EntryType.INVOICE, vendor_number="10000", document_number="108001", posting_date=MAY,
        currency="USD", amount=Decimal(100), open=Decimal(100), is_open=True,
    )  # fmt: skip
    assert world.feed(LedgerEntryObserved(run=1, entry=entry)) == Decision()
    held = LedgerEntryObserved(run=2, entry=entry.model_copy(update={"on_hold": "AB"}))
    asked = RowsAsked(connection="acme", kind=Kind.PURCHASE_INVOICE, keys=("i-1",))
    assert world.feed(held).requests == (asked,)
    assert world.feed(held) == Decision()
    see(world, ledger_entry="2831", on_hold="AB")
    assert reason(world) == "bill.on_hold_in_erp"
    assert world.feed(LedgerEntryObserved(run=3, entry=entry)).requests == (asked,)


def test_a_due_date_changed_on_the_ledger_entry_has_the_invoice_read_again_once() -> None:
    """People change it there, and the posted invoice keeps its stamp."""
    world = World()
    masters(world)
    see(world, ledger_entry="2831", due_date=MAY)
    entry = VendorLedgerEntry(
        id="2831", type=EntryType.INVOICE, vendor_number="10000", document_number="108001", posting_date=MAY,
        due_date=MAY, currency="USD", amount=Decimal(100), open=Decimal(100), is_open=True,
    )  # fmt: skip
    assert world.feed(LedgerEntryObserved(run=1, entry=entry)) == Decision()
    later = LedgerEntryObserved(run=2, entry=entry.model_copy(update={"due_date": date(2026, 7, 1)}))
    asked = RowsAsked(connection="acme", kind=Kind.PURCHASE_INVOICE, keys=("i-1",))
    assert world.feed(later).requests == (asked,)
    assert world.feed(later) == Decision()


def test_an_invoice_cancelled_after_sending_is_shown() -> None:
    """Its bill stands in BILL; a person decides."""
    world = World()
    masters(world)
    see(world)
    world.answer(Result.APPLIED, target="00nBILL")
    see(world, status="cancelled", open="0")
    assert (reason(world), world.link(BILL).target) == ("bill.cancelled_in_erp", "00nBILL")


def test_only_a_bill_that_is_exactly_ours_is_linked_any_other_is_offered() -> None:
    """A bill keyed by hand under the same number is never doubled and never taken without asking."""
    world = World()
    masters(world)
    see(world)
    ours = Candidate(id="00nX", number="INV-1", content=last_bill(world).content_hash)
    world.answer(Result.FOUND, candidates=(ours.model_copy(update={"content": "different"}),))
    assert reason(world) == "match.ambiguous"
    world.feed(HoldReleased(link=BILL, reason="match.ambiguous", person="p", role="ap", text="look again"))
    world.answer(Result.FOUND, candidates=(ours,))
    assert world.link(BILL).target == "00nX"


def test_a_vendor_paid_in_another_currency_gets_a_second_bill_vendor() -> None:
    """In BILL the currency belongs to the vendor: a EUR invoice makes the vendor's EUR link."""
    world = World()
    masters(world)
    see(world, currency="EUR")
    command = world.issued[-1].frame
    assert (command.link, command.content.currency) == ("vendor/v-1/EUR", "EUR")  # type: ignore[attr-defined]
    world.answer(Result.APPLIED, target="009EUR")
    assert last_bill(world).content.vendor == "009EUR"
