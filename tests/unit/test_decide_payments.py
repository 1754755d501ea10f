"""Payments: what BILL took is recorded once in the ERP, booked from the bank, and undone when it is void."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from support.deciding import World, settings
from support.invoices import line, masters, see
from support.paying import ACCOUNTS, JUNE, PAYMENT, STAMP, order, paying_world, post, show, tick
from tieout.decide import rows
from tieout.decide.rows import Phase
from tieout.decide.state import Decision
from tieout.domain.bill import Bill
from tieout.domain.bill_payments import BillPaymentPart, FundingAccount, FundingType, SingleStatus
from tieout.domain.capabilities import HandWork
from tieout.domain.erp import Terms
from tieout.domain.erp_orders import EntryRef, FundsTransferOrder, PaymentOrder, PostingAccount, ReversalOrder
from tieout.domain.erp_outcomes import (
    NotYet,
    PostedTransfer,
    ReversalState,
    Undone,
    Waiting,
)
from tieout.domain.money import Money, in_minor_units
from tieout.events.commands import Intent, PaymentRecordCommand
from tieout.events.facts import BillObserved, HoldReleased, Result, SettingsFact


def test_a_payment_is_recorded_once_bill_has_taken_the_money() -> None:
    """Not when it is scheduled; then once, dated by its process date, applied to its invoice."""
    world = paying_world()
    show(world, single_status=SingleStatus.SCHEDULED, updated=STAMP - timedelta(days=2))
    assert not world.issued
    show(world)
    asked = order(world)
    assert (asked.posting_date, asked.cash, asked.clearing.number) == (JUNE, Money(amount=100, currency="USD"), "2950")
    assert [(one.document, one.number, one.amount) for one in asked.applications] == [("i-1", "108001", Decimal(100))]
    assert asked.vendor.number == "10000"
    post(world)
    assert world.link(PAYMENT).phase is Phase.LINKED
    show(world, single_status=SingleStatus.CLEARED, updated=STAMP + timedelta(days=1))
    assert len(world.issued) == 1


def test_a_partial_payment_and_one_over_several_bills() -> None:
    """40 of 100, then one payment that closes it and pays another bill: each applied to the right invoice."""
    world = paying_world()
    show(world, amount="40", parts=(BillPaymentPart(bill="00n1", amount=Decimal(40)),))
    assert post(world).applications[0].amount == Decimal(40)
    parts = (BillPaymentPart(bill="00n1", amount=Decimal(60)), BillPaymentPart(bill="00n2", amount=Decimal(250)))
    show(world, id="stp2", amount="310", parts=parts)
    asked = post(world)
    assert [(one.document, one.amount) for one in asked.applications] == [("i-1", Decimal(60)), ("i-2", Decimal(250))]


def test_an_older_message_never_overwrites_a_newer_one() -> None:
    """CLEARED seen before SCHEDULED: the late one changes nothing."""
    world = paying_world()
    show(world, single_status=SingleStatus.CLEARED, updated=STAMP + timedelta(days=1))
    assert show(world, single_status=SingleStatus.SCHEDULED) == Decision()
    assert len(world.issued) == 1


def test_a_payment_recorded_outside_never_touches_the_ledger_again() -> None:
    """It came from the ERP."""
    world = paying_world()
    assert show(world, online=False) == Decision()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": "101"}, "payment.unexplained"),
        ({"amount": None}, "payment.unexplained"),
        ({"parts": ()}, "payment.unexplained"),
        ({"process_date": None}, "payment.date_missing"),
        ({"funding": FundingAccount(type=FundingType.WALLET)}, "payment.account_missing"),
        ({"funding": None}, "payment.account_missing"),
        ({"parts": (BillPaymentPart(bill="00nX", amount=Decimal(100)),)}, "payment.bill_unknown"),
    ],
)
def test_what_does_not_add_up_or_is_unknown_is_held_before_posting(changes: dict[str, Any], reason: str) -> None:
    """Nothing is posted that cannot be explained."""
    world = paying_world()
    show(world, **changes)
    held = world.hold(PAYMENT)
    assert held is not None
    assert (held.reason, world.issued) == (reason, [])


def test_a_payment_that_beats_its_bill_waits_and_then_goes() -> None:
    """Its webhook came before the bill's answer: it is posted as soon as the bill is linked."""
    world = World(active=False)
    world.feed(SettingsFact(generation=1, settings=settings(accounts=ACCOUNTS)))
    masters(world)
    see(world)
    show(world)
    assert world.hold(PAYMENT).reason == "payment.bill_unknown"  # type: ignore[union-attr]
    world.answer(Result.APPLIED, target="00n1")
    assert world.hold(PAYMENT) is None
    assert isinstance(order(world), PaymentOrder)


def test_a_changed_bill_holds_its_payment_before_posting() -> None:
    """An approver changed the amount inside BILL: the payment waits, and goes once it is set back."""
    world = paying_world()
    changed = Bill(id="00n1", vendor="009AAA", invoice_number="INV-1", amount=Decimal(90))
    world.feed(BillObserved(bill=changed))
    show(world)
    assert world.hold(PAYMENT).reason == "payment.bill_held"  # type: ignore[union-attr]
    world.feed(BillObserved(bill=changed.model_copy(update={"amount": Decimal(100)})))
    assert isinstance(order(world), PaymentOrder)


def test_a_changed_bill_that_was_paid_on_purpose_is_released_by_a_person() -> None:
    """BILL lets nobody set back what is paid: a person says that it is right so, and it is posted as BILL paid it."""
    world = paying_world()
    world.feed(BillObserved(bill=Bill(id="00n1", vendor="009AAA", invoice_number="INV-1", amount=Decimal(90))))
    show(world, amount="90", parts=(BillPaymentPart(bill="00n1", amount=Decimal(90)),))
    held = world.hold(PAYMENT)
    assert held is not None
    assert (held.reason, held.mapping, held.params["why"]) == (
        "payment.bill_held", False, "the amount is 90.00 in BILL and 100.00 in the ERP",
    )  # fmt: skip
    show(
        world, updated=STAMP + timedelta(days=1), amount="90", parts=(BillPaymentPart(bill="00n1", amount=Decimal(90)),)
    )
    assert world.hold(PAYMENT) == held
    world.feed(HoldReleased(link=PAYMENT, reason=held.reason, person="ann", role="ap", text="a credit follows"))
    assert world.hold(PAYMENT) is None
    assert order(world).cash.amount == Decimal(90)
    post(world)
    assert world.link(PAYMENT).phase is Phase.LINKED


def test_what_waits_for_a_setting_goes_once_it_is_there() -> None:
    """The hold names the setting; applying it is enough."""
    world = paying_world()
    show(world, funding=FundingAccount(type=FundingType.WALLET))
    held = world.hold(PAYMENT)
    assert held is not None
    assert held.params["setting"] == "accounts.wallet"
    assert not world.issued
    world.feed(SettingsFact(generation=2, settings=settings(accounts={**ACCOUNTS, "wallet": "2970"})))
    assert world.hold(PAYMENT) is None
    assert order(world).clearing.number == "2970"


def test_a_payment_is_judged_by_what_was_asked_whatever_changes_meanwhile() -> None:
    """Settings and bill change while it is in flight: it is counted for the bank all the same, and nothing differs."""
    world = paying_world(transfer_quiet_seconds=60)
    show(world)
    moved = {**ACCOUNTS, "clearing": "2951"}
    world.feed(SettingsFact(generation=2, settings=settings(accounts=moved, policy={"transfer_quiet_seconds": 60})))
    world.feed(BillObserved(bill=Bill(id="00n1", vendor="009AAA", invoice_number="INV-1", amount=Decimal(90))))
    post(world)
    assert (world.hold(PAYMENT), world.link(PAYMENT).phase) == (None, Phase.LINKED)
    tick(world, timedelta(seconds=61))
    assert order(world).amount.amount == Decimal(100)


def test_amounts_are_written_with_the_decimals_of_their_currency() -> None:
    """However BILL writes them: one payment is one order."""
    world = paying_world()
    show(world, amount="100.0", parts=(BillPaymentPart(bill="00n1", amount=Decimal("1E+2")),))
    assert [str(one.amount) for one in order(world).applications] == ["100.00"]
    assert str(order(world).cash.amount) == "100.00"
    assert [str(in_minor_units(Decimal("70.0"), currency)) for currency in ("USD", "JPY", "KWD")] == [
        "70.00", "70", "70.000",
    ]  # fmt: skip
    assert in_minor_units(Decimal("70.005"), "USD") == Decimal("70.005")


TERMS = Terms(possible=Decimal(5), until=date(2026, 6, 10))


@pytest.mark.parametrize(
    ("policy", "amount", "day", "expected"),
    [
        ("by-terms", 245, date(2026, 6, 10), 5),
        ("by-terms", 245, date(2026, 6, 11), 0),
        ("by-terms", 250, date(2026, 6, 1), 0),
        ("by-terms", 244, date(2026, 6, 1), 0),
        ("never", 245, date(2026, 6, 1), 0),
    ],
    ids=["net in time", "a day late", "gross", "less than net", "never"],
)
def test_a_discount_is_ordered_where_policy_and_terms_allow_it(
    policy: str, amount: int, day: date, expected: int
) -> None:
    """Exactly the net, within its days; then the rest of the bill is told to BILL, so that nobody pays it again."""
    world = paying_world(discounts=policy)
    two = {"id": "i-2", "number": "108002", "vendor_invoice_number": "INV-2"}
    see(world, **two, net="250", total="250", open="250", lines=(line(net="250"),), terms=TERMS)
    parts = (BillPaymentPart(bill="00n2", amount=Decimal(amount)),)
    show(world, amount=str(amount), parts=parts, process_date=day)
    (application,) = order(world).applications
    assert (application.amount, application.discount) == (amount, expected)
    post(world)
    told = [one.frame for one in world.issued if isinstance(one.frame, PaymentRecordCommand)]
    assert [(one.content.parts[0].bill, one.content.parts[0].amount) for one in told] == (
        [("00n2", Decimal(5))] if expected else []
    )


def test_a_posting_that_differs_from_what_was_asked_is_held() -> None:
    """The ledger's word is compared with the order, to the cent and the date."""
    world = paying_world()
    show(world)
    post(world, unapplied=Decimal(10))
    assert world.hold(PAYMENT).reason == "payment.differs"  # type: ignore[union-attr]


def test_payments_go_before_a_backfill_and_to_the_erps_own_queue() -> None:
    """A parked BILL side does not keep payments from the ERP."""
    world = paying_world()
    see(world, id="i-9", vendor_invoice_number="INV-9")
    world.answer(Result.PARKED, message="sign-in refused")
    show(world)
    assert isinstance(order(world), PaymentOrder)
    assert (world.issued[-1].key, world.issued[0].key) == ("acme", "main")


def test_the_days_payments_become_one_transfer_once_they_are_quiet() -> None:
    """One entry per bank, date and currency; a late payment is the next ordinal's remainder."""
    world = paying_world(transfer_quiet_seconds=60)
    show(world)
    post(world)
    show(world, id="stp2", amount="250", parts=(BillPaymentPart(bill="00n2", amount=Decimal(250)),))
    post(world)
    tick(world, timedelta(seconds=30))
    assert len(world.issued) == 2
    tick(world, timedelta(seconds=61))
    asked = order(world)
    assert isinstance(asked, FundsTransferOrder)
    assert (asked.amount.amount, asked.bank.number, asked.posting_date) == (Decimal(350), "GIRO", JUNE)
    book(world)
    tick(world, timedelta(seconds=62))
    show(world, id="stp3", amount="10", parts=(BillPaymentPart(bill="00n2", amount=Decimal(10)),))
    post(world)
    tick(world, timedelta(seconds=200))
    late = order(world)
    assert (late.amount.amount, late.mark != asked.mark) == (Decimal(10), True)


def book(world: World, amount: str | None = None) -> None:
    """The writer proves the newest transfer, or finds one of another amount under its mark."""
    asked = order(world)
    money = asked.amount if amount is None else Money(amount=Decimal(amount), currency="USD")
    proof = PostedTransfer(
        mark=asked.mark, entries=(EntryRef(ledger="general", id="7"),), document_number=asked.mark,
        posting_date=asked.posting_date, amount=money, clearing=asked.clearing, bank=asked.bank,
    )  # fmt: skip
    world.answer(Result.APPLIED, target=asked.mark, transfer=proof)


def test_a_lost_state_books_no_transfer_twice() -> None:
    """Ordinal 0 stands in the ERP with 60 of 100: only the remainder of 40 is asked, under the next ordinal."""
    world = paying_world(transfer_quiet_seconds=60)
    show(world)
    post(world)
    tick(world, timedelta(seconds=61))
    book(world, "60")
    tick(world, timedelta(seconds=62))
    assert order(world).amount.amount == Decimal(40)
    book(world)
    before = len(world.issued)
    tick(world, timedelta(seconds=63))
    assert len(world.issued) == before
    assert not [key for key in world.view.rows if key.startswith("quiet/")]


def test_cards_are_not_booked_from_a_bank() -> None:
    """A card's payments stand on its own account and make no transfer."""
    world = paying_world(transfer_quiet_seconds=60)
    show(world, funding=FundingAccount(type=FundingType.CARD_ACCOUNT, id="cat1"))
    assert order(world).clearing.number == "2960"
    post(world)
    tick(world, timedelta(seconds=61))
    assert len(world.issued) == 1


def test_a_void_before_anything_was_asked_records_nothing() -> None:
    """Scheduled and cancelled: the ledger never sees it."""
    world = paying_world()
    show(world, single_status=SingleStatus.SCHEDULED, updated=STAMP - timedelta(days=1))
    show(world, single_status=SingleStatus.CANCELED)
    assert not world.issued


def test_a_void_after_posting_is_one_task_that_closes_itself() -> None:
    """Never an opposing entry: a reversal, waiting for the accountant, done when the ledger shows it."""
    world = paying_world()
    show(world)
    post(world)
    show(world, single_status=SingleStatus.VOIDED, updated=STAMP + timedelta(days=9))
    asked = order(world)
    assert isinstance(asked, ReversalOrder)
    assert (asked.payment.reference, asked.reversal_date) == ("stp1", date(2026, 6, 10))
    work = HandWork(page="Vendor Ledger Entries", action="Reverse Transaction", until="The invoice is open.")
    waiting = NotYet(why=Waiting.PERSON, detail="reversal due", work=work)
    world.answer(Result.WAITING, waiting=waiting)
    assert world.link("reversal/stp1").phase is Phase.AWAITED
    assert b"Reverse Transaction" in world.view.rows["task/reversal/stp1"]
    done = ReversalState(mark=asked.mark, state=Undone.REVERSED)
    world.answer(Result.APPLIED, target=asked.mark, reversal=done)
    assert "task/reversal/stp1" not in world.view.rows
    assert show(world, single_status=SingleStatus.VOIDED, updated=STAMP + timedelta(days=10)).commands == ()


def test_a_void_while_the_payment_is_in_flight_is_reversed_after_its_proof() -> None:
    """First it is known to be recorded, then it is undone."""
    world = paying_world()
    show(world)
    show(world, single_status=SingleStatus.VOIDED, updated=STAMP + timedelta(days=1))
    assert len(world.issued) == 1
    post(world)
    assert world.issued[-1].frame.intent is Intent.ERP_REVERSAL


def test_a_returned_payment_stays_posted() -> None:
    """Returned and not voided: the posting stays, the state is visible."""
    world = paying_world()
    show(world)
    post(world)
    show(world, single_status=SingleStatus.DISBURSEMENT_FAILED_ACTION_NEEDED, updated=STAMP + timedelta(days=1))
    assert len(world.issued) == 1
    assert b"DISBURSEMENT_FAILED" in world.view.rows[rows.payment_row("stp1")]


def test_a_payment_is_never_dated_before_its_invoice() -> None:
    """Process date before the invoice's own posting date: the later one is taken."""
    world = paying_world()
    show(world, process_date=date(2026, 5, 1))
    assert order(world).posting_date == date(2026, 5, 4)
    assert isinstance(order(world).clearing, PostingAccount)
