"""What a person's word, or a corrected setting, does to payments that were held; and what a void does to a discount."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from support.deciding import NOON, World, settings
from support.invoices import line, see
from support.paying import ACCOUNTS, PAYMENT, STAMP, order, paying_world, post, show, tick
from tieout.decide import decide as deciding
from tieout.decide import rows
from tieout.decide.decide import fault
from tieout.decide.rows import DueRow, HoldRow, OrderRow, Phase
from tieout.decide.state import Decision, Draft, Origin
from tieout.domain.bill_payments import BillPayment, BillPaymentPart, PaymentStage, SingleStatus
from tieout.domain.erp import Terms
from tieout.domain.erp_orders import EntryRef, FundsTransferOrder, ReversalOrder
from tieout.domain.erp_outcomes import NotYet, Waiting
from tieout.events.commands import Intent
from tieout.events.envelope import Payload
from tieout.events.facts import (
    BillPaymentObserved,
    Candidate,
    HoldReleased,
    Result,
    SettingsFact,
    SideFact,
    TickFact,
)

BY_HAND = Candidate(id="E77", detail="posted by somebody: PAY-1 of 100 on 2026-06-01")
TRANSFER = "transfer/bac1/2026-06-01/USD"
DISCOUNT = "paid/i-2/stp2"
MOVED = {**ACCOUNTS, "clearing": "2951"}


def release(world: World, link: str = PAYMENT, choice: str = "") -> Decision:
    """A person releases whatever the link is held for."""
    held = world.hold(link)
    assert held is not None
    return world.feed(
        HoldReleased(link=link, reason=held.reason, person="ann", role="ap", text="looked at it", choice=choice)
    )


def test_a_payment_entered_by_hand_is_linked_once_a_person_chose_it() -> None:
    """It is neither asked for again nor counted for the bank, and a void of it is undone in the ERP."""
    world = paying_world(transfer_quiet_seconds=60)
    show(world)
    world.answer(Result.FOUND, candidates=(BY_HAND,))
    assert world.hold(PAYMENT).reason == "match.ambiguous"  # type: ignore[union-attr]
    release(world, choice="E77")
    row = world.link(PAYMENT)
    assert (row.phase, row.target, world.hold(PAYMENT), len(world.issued)) == (Phase.LINKED, "E77", None, 1)
    kept = OrderRow.model_validate_json(world.view.rows[rows.order_row(PAYMENT)])
    assert (kept.order, kept.entries) == (order(world), (EntryRef(ledger="vendor", id="E77"),))
    tick(world, timedelta(seconds=61))
    assert (len(world.issued), [key for key in world.view.rows if key.startswith("due/")]) == (1, [])
    show(world, single_status=SingleStatus.VOIDED, updated=STAMP + timedelta(days=9))
    undone = order(world)
    assert isinstance(undone, ReversalOrder)
    assert undone.posted == kept.entries


def test_a_transfer_booked_by_hand_is_booked_once_a_person_chose_it() -> None:
    """What is due is covered by it: no second transfer of the same money, neither at once nor later."""
    world = paying_world(transfer_quiet_seconds=60)
    show(world)
    post(world)
    tick(world, timedelta(seconds=61))
    world.answer(Result.FOUND, candidates=(BY_HAND,))
    release(world, TRANSFER, choice="E77")
    tick(world, timedelta(seconds=62))
    due = DueRow.model_validate_json(world.view.rows[rows.due_row(TRANSFER.removeprefix("transfer/"))])
    assert (world.link(TRANSFER).phase, due.booked, len(world.issued)) == (Phase.LINKED, (Decimal(100),), 2)


def test_what_was_chosen_for_another_payment_is_not_taken_twice() -> None:
    """One posting is one payment."""
    world = paying_world()
    show(world)
    world.answer(Result.FOUND, candidates=(BY_HAND,))
    release(world, choice="E77")
    show(world, id="stp2")
    world.answer(Result.FOUND, candidates=(BY_HAND,))
    release(world, "payment/stp2", choice="E77")
    assert world.hold("payment/stp2").reason == "match.taken"  # type: ignore[union-attr]
    assert rows.order_row("payment/stp2") not in world.view.rows


def correct(world: World, **accounts: Any) -> None:
    """The controller sets the accounts right."""
    policy = {"transfer_quiet_seconds": 60}
    world.feed(SettingsFact(generation=2, settings=settings(accounts={**MOVED, **accounts}, policy=policy)))


def test_a_refused_payment_takes_the_corrected_account() -> None:
    """Refused for its clearing account; that is set right and the hold released: the new account is asked for."""
    world = paying_world()
    show(world)
    world.answer(Result.REJECTED, code="account", message="2950 is blocked")
    correct(world)
    release(world)
    assert (order(world).clearing.number, world.issued[-1].frame.attempt, len(world.issued)) == ("2951", 2, 2)


@pytest.mark.parametrize(
    "begun",
    [
        lambda world: world.answer(Result.IN_DOUBT),
        lambda world: world.answer(Result.WAITING, waiting=NotYet(why=Waiting.ERP)),
    ],
    ids=["in doubt", "waiting there"],
)
def test_an_order_that_may_stand_in_the_erp_stays_as_it_was(begun: Callable[[World], Decision]) -> None:
    """Parts of it may be there: what is asked for again is the same order, so that it is found."""
    world = paying_world()
    show(world)
    begun(world)
    world.answer(Result.REJECTED, code="account", message="2950 is blocked")
    correct(world)
    show(world, single_status=SingleStatus.CLEARED, updated=STAMP + timedelta(days=1))
    release(world)
    assert [order(world).clearing.number, len(world.issued)] == ["2950", 2]


def test_an_order_that_was_in_doubt_leaves_no_trace_once_it_is_done() -> None:
    """Whoever was killed on the way, the state is what it would have been."""
    straight, doubted = paying_world(), paying_world()
    show(straight)
    show(doubted)
    doubted.answer(Result.IN_DOUBT)
    post(straight)
    post(doubted)
    assert doubted.link(PAYMENT) == straight.link(PAYMENT)


def test_a_refused_transfer_takes_the_corrected_bank() -> None:
    """And the account of the settings as they are when it is asked for again."""
    world = paying_world(transfer_quiet_seconds=60)
    show(world)
    post(world)
    tick(world, timedelta(seconds=61))
    world.answer(Result.REJECTED, code="bank", message="GIRO is blocked")
    correct(world, banks={"bac1": "SAVINGS"})
    release(world, TRANSFER)
    asked = order(world)
    assert isinstance(asked, FundsTransferOrder)
    assert (asked.bank.number, asked.clearing.number, asked.amount.amount) == ("SAVINGS", "2951", Decimal(100))


def test_a_queued_payment_takes_the_corrected_account() -> None:
    """It was parked while the ERP was away: what is asked for afterwards is under the settings of then."""
    world = paying_world()
    show(world)
    world.answer(Result.PARKED, message="no route")
    assert world.link(PAYMENT).phase is Phase.READY
    correct(world)
    world.feed(SideFact(side="erp", healed=True))
    assert (order(world).clearing.number, len(world.issued)) == ("2951", 2)


def discounted() -> World:
    """The second bill of 250 is paid with 245 in time; the payment is in the ledger."""
    world = paying_world(discounts="by-terms")
    take(world, "stp2")
    return world


def take(world: World, payment: str) -> None:
    """A payment takes the discount and is recorded in the ERP."""
    two = {"id": "i-2", "number": "108002", "vendor_invoice_number": "INV-2"}
    terms = Terms(possible=Decimal(5), until=date(2026, 6, 10))
    see(world, **two, net="250", total="250", open="250", lines=(line(net="250"),), terms=terms)
    parts = (BillPaymentPart(bill="00n2", amount=Decimal(245)),)
    show(world, id=payment, amount="245", parts=parts)
    post(world)


def void(world: World, payment: str = "stp2") -> None:
    """BILL voids it."""
    parts = (BillPaymentPart(bill="00n2", amount=Decimal(245)),)
    later = STAMP + timedelta(days=9)
    show(world, id=payment, amount="245", parts=parts, single_status=SingleStatus.VOIDED, updated=later)


def told(world: World) -> list[str]:
    """The links whose payments BILL was told of."""
    return [one.frame.link for one in world.issued if one.frame.intent is Intent.PAYMENT_RECORD]


def test_a_void_before_the_proof_tells_bill_of_no_discount() -> None:
    """The payment is undone as soon as it is known to be recorded."""
    world = paying_world(discounts="by-terms")
    take_back = {"single_status": SingleStatus.VOIDED, "updated": STAMP + timedelta(days=1)}
    two = {"id": "i-2", "number": "108002", "vendor_invoice_number": "INV-2"}
    terms = Terms(possible=Decimal(5), until=date(2026, 6, 10))
    see(world, **two, net="250", total="250", open="250", lines=(line(net="250"),), terms=terms)
    parts = (BillPaymentPart(bill="00n2", amount=Decimal(245)),)
    show(world, id="stp2", amount="245", parts=parts)
    show(world, id="stp2", amount="245", parts=parts, **take_back)
    post(world)
    assert (told(world), world.issued[-1].frame.intent) == ([], Intent.ERP_REVERSAL)


def test_a_void_drops_a_discount_that_bill_was_not_told() -> None:
    """It waited for an approval: it is told no more."""
    world = discounted()
    world.answer(Result.REJECTED, code="refused", message="not now")
    void(world)
    assert (world.hold(DISCOUNT), world.link(DISCOUNT).phase) == (None, Phase.IGNORED)
    assert rows.want_row(DISCOUNT) not in world.view.rows


@pytest.mark.parametrize("result", [Result.ABSENT, Result.PARKED, Result.REJECTED])
def test_a_discount_in_flight_is_not_told_again_after_a_void(result: Result) -> None:
    """Its answer says that it is not there: nothing more is asked."""
    world = discounted()
    (flying,) = [one for one in world.issued if one.frame.link == DISCOUNT]
    void(world)
    world.answer(result, flying, message="no")
    assert (told(world), world.link(DISCOUNT).phase, world.hold(DISCOUNT)) == ([DISCOUNT], Phase.IGNORED, None)


@pytest.mark.parametrize("first", [True, False], ids=["answered before the void", "after it"])
def test_a_discount_that_bill_has_is_a_persons_to_take_back(*, first: bool) -> None:
    """The hold names it, and goes once BILL shows it undone."""
    world = discounted()
    (flying,) = [one for one in world.issued if one.frame.link == DISCOUNT]
    steps: list[Callable[[], object]] = [
        lambda: world.answer(Result.APPLIED, flying, target="rec1"),
        lambda: void(world),
    ]
    for step in steps if first else reversed(steps):
        step()
    held = world.hold(DISCOUNT)
    assert held is not None
    assert (held.reason, held.params) == (
        "paid.take_back",
        {"number": "108002", "amount": "5", "currency": "USD", "target": "rec1", "bill": "00n2"},
    )
    undone = BillPayment(id="rec1", vendor="009AAA", single_status=SingleStatus.VOIDED, online=False)
    assert undone.stage is PaymentStage.UNDONE
    world.feed(BillPaymentObserved(payment=undone))
    assert (world.hold(DISCOUNT), world.link(DISCOUNT).phase) == (None, Phase.LINKED)
    take(world, "stp3")
    assert told(world) == [DISCOUNT, "paid/i-2/stp3"]


def test_a_person_who_took_it_back_releases_the_hold() -> None:
    """Then the next payment's discount is told again."""
    world = discounted()
    world.answer(Result.APPLIED, target="rec1")
    void(world)
    release(world, DISCOUNT)
    assert (world.hold(DISCOUNT), world.link(DISCOUNT).phase) == (None, Phase.LINKED)
    take(world, "stp3")
    assert told(world) == [DISCOUNT, "paid/i-2/stp3"]


def test_a_discount_that_still_stands_is_not_told_twice() -> None:
    """The next payment takes it over: nobody has to take it back, until that one is void too."""
    world = discounted()
    world.answer(Result.APPLIED, target="rec1")
    void(world)
    take(world, "stp3")
    assert (told(world), world.hold(DISCOUNT)) == ([DISCOUNT], None)
    void(world, "stp3")
    assert world.hold(DISCOUNT).reason == "paid.take_back"  # type: ignore[union-attr]


def fail(world: World, fact: Payload, error: type[Exception] = RuntimeError) -> str:
    """Deciding the fact fails; the hold's link."""
    origin = Origin("acme", f"f{world.offset}", world.offset, NOON)
    world.view.apply(fault(world.view, origin, error("a defect"), fact).entries)
    world.offset += 1
    return f"fact/{origin.fact}"


def test_a_fact_that_failed_is_decided_once_it_is_released() -> None:
    """The defect is mended and the hold released: the payment goes, as if it were seen now."""
    world = paying_world()
    payment = BillPaymentObserved(payment=BillPayment(id="stp9", vendor="009AAA", single_status=SingleStatus.PROCESSED))
    link = fail(world, payment)
    assert world.hold(link).reason == "fault"  # type: ignore[union-attr]
    release(world, link)
    assert world.hold(link) is None
    assert world.hold("payment/stp9").reason == "payment.unexplained"  # type: ignore[union-attr]


def test_a_fact_that_fails_again_stays_held_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hold per fact however often it is tried; the error shown is the latest."""
    world = paying_world()
    link = fail(world, TickFact(slot=NOON))

    def broken(_draft: Draft, _fact: Any) -> None:
        raise ZeroDivisionError

    handlers = dict(deciding.HANDLERS)
    handlers[TickFact] = broken
    monkeypatch.setattr(deciding, "HANDLERS", handlers)
    with pytest.raises(ZeroDivisionError):
        release(world, link)
    held = world.hold(link)
    assert held is not None
    again = HoldReleased(link=link, reason="fault", person="ann", role="ap", text="again")
    own = fail(world, again, ZeroDivisionError)
    now = world.hold(link)
    assert now is not None
    assert (now.params, now.payload) == ({**held.params, "error": "ZeroDivisionError"}, held.payload)
    assert world.hold(own) is None
    monkeypatch.undo()
    release(world, link)
    assert world.hold(link) is None


def test_a_fact_too_large_to_keep_says_so_and_can_be_released() -> None:
    """Its record is read again instead; the hold ends with its release."""
    world = paying_world()
    large = BillPayment(id="stp9", vendor="009AAA", single_status=SingleStatus.PROCESSED, description="x" * 200_000)
    link = fail(world, BillPaymentObserved(payment=large))
    held = world.hold(link)
    assert held is not None
    assert (held.reason, held.payload, len(world.view.rows[rows.hold_row(link)]) < 1000) == ("fault.not_kept", {}, True)
    release(world, link)
    assert (world.hold(link), rows.link_row("payment/stp9") in world.view.rows) == (None, False)


def test_a_fault_held_by_an_older_release_ends_with_its_release() -> None:
    """Nothing was kept of its fact."""
    world = paying_world()
    old = HoldRow(reason="fault", since=NOON, fact="f1", params={"fact": "f1", "error": "KeyError", "offset": "1"})
    world.view.rows[rows.hold_row("fact/f1")] = old.model_dump_json().encode()
    release(world, "fact/f1")
    assert world.hold("fact/f1") is None
