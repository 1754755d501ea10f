"""A bill changed in BILL holds its payments whenever it is changed, up to the moment that they are asked for."""

from decimal import Decimal
from typing import Any

import pytest

from support.deciding import World, settings
from support.invoices import BILL, reason, see
from support.paying import ACCOUNTS, PAYMENT, STAMP, order, paying_world, show
from tieout.decide import rows
from tieout.decide.rows import HoldRow, Phase
from tieout.domain.bill import Bill
from tieout.domain.bill_payments import BillPaymentPart, FundingAccount, FundingType
from tieout.events.facts import BillObserved, HoldReleased, Result, SettingsFact, SideFact

HELD = "payment.bill_held"


def show_bill(world: World, amount: int, **changes: Any) -> None:
    """BILL shows the first bill."""
    base = Bill(id="00n1", vendor="009AAA", invoice_number="INV-1", amount=Decimal(amount))
    world.feed(BillObserved(bill=base.model_copy(update=changes)))


def release(world: World, why: str = HELD) -> None:
    """A person releases the payment."""
    world.feed(HoldReleased(link=PAYMENT, reason=why, person="ann", role="ap", text="it is right so"))


def queued() -> World:
    """The ERP is out of reach: another payment was parked, and the first bill's waits in the queue."""
    world = paying_world()
    show(world, id="stp2", amount="250", parts=(BillPaymentPart(bill="00n2", amount=Decimal(250)),))
    world.answer(Result.PARKED, message="no route")
    show(world)
    assert world.link(PAYMENT).phase is Phase.READY
    return world


def heal(world: World) -> list[str]:
    """The ERP answers again; the links that are asked for."""
    before = len(world.issued)
    world.feed(SideFact(side="erp", healed=True, reason="it answers"))
    return [one.frame.link for one in world.issued[before:]]


def test_a_queued_payment_is_held_if_its_bill_was_changed_meanwhile() -> None:
    """Nothing of it reaches the ledger until the bill is set back; then it goes by itself, as it was."""
    world = queued()
    show_bill(world, 90)
    assert heal(world) == ["payment/stp2"]
    assert (reason(world, PAYMENT), world.link(PAYMENT).phase, world.link(PAYMENT).ready) == (HELD, Phase.HELD, "")
    assert heal(world) == []
    show_bill(world, 80)
    assert world.hold(PAYMENT).params["why"].startswith("the amount is 80.00")  # type: ignore[union-attr]
    show_bill(world, 100)
    assert (reason(world, PAYMENT), world.issued[-1].frame.link, order(world).cash.amount) == (
        "",
        PAYMENT,
        Decimal(100),
    )


def test_a_queued_payment_that_is_released_is_posted_under_the_settings_of_now() -> None:
    """Nothing of it can stand in the ERP."""
    world = queued()
    show_bill(world, 90)
    heal(world)
    world.feed(SettingsFact(generation=2, settings=settings(accounts={**ACCOUNTS, "clearing": "2951"})))
    release(world)
    assert (reason(world, PAYMENT), order(world).reference, order(world).clearing.number) == ("", "stp1", "2951")


def test_a_payment_that_is_queued_again_after_doubt_is_held_when_its_turn_comes() -> None:
    """It keeps the order that it was asked with first, and is looked up before anything is written."""
    world = paying_world()
    show(world)
    first = order(world)
    world.answer(Result.IN_DOUBT)
    world.answer(Result.PARKED, message="no route")
    show_bill(world, 90)
    assert (world.link(PAYMENT).phase, heal(world), reason(world, PAYMENT)) == (Phase.READY, [], HELD)
    world.feed(SettingsFact(generation=2, settings=settings(accounts={**ACCOUNTS, "clearing": "2951"})))
    release(world)
    assert (order(world), world.issued[-1].frame.attempt) == (first, 2)


@pytest.mark.parametrize("mended", [True, False], ids=["set back", "released"])
@pytest.mark.parametrize("again", [Result.ABSENT, Result.STALE, Result.EXPIRED])
def test_a_payment_to_be_asked_for_again_is_held_and_not_planned_anew(again: Result, *, mended: bool) -> None:
    """Steps of it may stand in the ERP: the next attempt asks for the same order, also if BILL shows more of it."""
    world = paying_world()
    show(world)
    first = order(world)
    world.answer(Result.IN_DOUBT)
    show_bill(world, 90)
    world.answer(again)
    assert (reason(world, PAYMENT), len(world.issued)) == (HELD, 1)
    world.feed(SettingsFact(generation=2, settings=settings(accounts={**ACCOUNTS, "clearing": "2951"})))
    show_bill(world, 80)
    show(world, updated=STAMP.replace(hour=13))
    assert (reason(world, PAYMENT), len(world.issued)) == (HELD, 1)
    show_bill(world, 100) if mended else release(world)
    assert (order(world), world.issued[-1].frame.attempt) == (first, 2)


def test_a_refused_payment_that_is_released_is_held_for_its_bill() -> None:
    """Releasing the refusal does not overrule the other objection; that one is released by itself."""
    world = paying_world()
    show(world)
    world.answer(Result.REJECTED, code="locked", message="the period is closed")
    show_bill(world, 90)
    release(world, "refused")
    assert (reason(world, PAYMENT), len(world.issued)) == (HELD, 1)
    release(world)
    assert (reason(world, PAYMENT), world.issued[-1].frame.attempt) == ("", 2)


def test_a_payment_goes_on_when_its_bill_is_set_back_whatever_else_holds_the_bill() -> None:
    """The bill is on hold in the ERP too: that stops no payment of BILL's."""
    world = paying_world()
    show_bill(world, 90)
    show(world)
    see(world, on_hold="ABC")
    assert (reason(world, PAYMENT), reason(world, BILL)) == (HELD, "bill.on_hold_in_erp")
    show_bill(world, 100)
    assert (reason(world, PAYMENT), reason(world, BILL)) == ("", "bill.on_hold_in_erp")
    assert order(world).reference == "stp1"


def test_a_bill_that_is_held_as_changed_holds_its_payment_also_without_what_was_shown() -> None:
    """A state in which only the hold tells of it; BILL showing it as it should be ends both."""
    world = paying_world()
    params = {"number": "108001", "what": "the amount", "there": "90.00", "here": "100.00"}
    held = HoldRow(reason="bill.changed_in_bill", params=params, since=STAMP, fact="f", mapping=True)
    world.view.rows[rows.hold_row(BILL)] = held.model_dump_json().encode()
    world.view.rows[rows.link_row(BILL)] = (
        world.link(BILL).model_copy(update={"phase": Phase.HELD}).model_dump_json().encode()
    )
    show(world)
    assert (reason(world, PAYMENT), world.issued) == (HELD, [])
    show_bill(world, 100)
    assert (reason(world, BILL), reason(world, PAYMENT), order(world).reference) == ("", "", "stp1")


def test_a_setting_that_is_still_missing_after_another_change_is_still_waited_for() -> None:
    """Generation 2 changes something else, generation 3 names the account: the payment goes with the third."""
    world = paying_world()
    show(world, funding=FundingAccount(type=FundingType.WALLET))
    since = world.hold(PAYMENT)
    other = settings(accounts=ACCOUNTS, policy={"transfer_quiet_seconds": 60})
    world.feed(SettingsFact(generation=2, settings=other))
    assert world.hold(PAYMENT) == since
    world.feed(SettingsFact(generation=3, settings=settings(accounts={**ACCOUNTS, "wallet": "2970"})))
    assert (reason(world, PAYMENT), order(world).clearing.number) == ("", "2970")


def test_many_that_wait_for_the_same_again_are_looked_at_once_each() -> None:
    """A change that helps none of them wakes all once and comes to rest; the one that helps wakes all."""
    world = paying_world()
    count = 40
    for number in range(count):
        show(world, id=f"stp{number:02d}", funding=FundingAccount(type=FundingType.WALLET))
    other = settings(accounts=ACCOUNTS, policy={"transfer_quiet_seconds": 60})
    decisions = [world.feed(SettingsFact(generation=2, settings=other))]
    while "todo/settings" in world.view.rows:
        decisions.append(world.feed(SideFact(side="erp", healed=True, reason="it answers")))
        assert len(decisions) <= count
    woken = [entry.row for one in decisions for entry in one.entries if entry.row.startswith("wait/")]
    assert len(woken) == len(set(woken)) == count
    world.feed(SettingsFact(generation=3, settings=settings(accounts={**ACCOUNTS, "wallet": "2970"})))
    while "todo/settings" in world.view.rows:
        world.feed(SideFact(side="erp", healed=True, reason="it answers"))
    assert len({one.frame.link for one in world.issued}) == count
