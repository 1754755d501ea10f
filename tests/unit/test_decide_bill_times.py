"""What BILL shows of a bill, in whatever order it comes with updates, settlements and policies of the ERP's side."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from support.bill_side import PAID, STAMP, linked, part_paid, refuse, show
from support.deciding import ADDRESS, World, settings
from support.invoices import BILL, last_bill, masters, reason, see, see_account
from tieout.decide.rows import Phase
from tieout.decide.state import Decision
from tieout.domain.bill import BillApprovalStatus
from tieout.domain.erp import Blocked, Vendor
from tieout.events.commands import BillCommand, Intent
from tieout.events.envelope import time_text
from tieout.events.facts import HoldReleased, Result, SettingsFact, SideFact, VendorObserved

JULY = date(2026, 7, 1)
NIGHT = timedelta(days=1)


def close(world: World) -> None:
    """BILL is out of reach."""
    see_account(world, "6200")
    world.answer(Result.PARKED, message="no route")


def test_a_change_of_the_erp_that_waits_for_bill_is_sent_whatever_bill_shows_meanwhile() -> None:
    """The due date moves while BILL is away; what people did there is shown after it has the new date."""
    world = linked()
    close(world)
    see(world, due_date=JULY)
    show(world, 1, approval_status="DENIED")
    assert world.link(BILL).phase is Phase.READY
    world.feed(SideFact(side="bill", healed=True, reason="it answers"))
    update = next(one for one in reversed(world.issued) if one.frame.link == BILL)
    assert isinstance(update.frame, BillCommand)
    assert (update.frame.intent, update.frame.content.due_date) == (Intent.BILL_UPDATE, JULY)
    world.answer(Result.APPLIED, update, target="00n1")
    assert reason(world) == "bill.denied_in_bill"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": "90"}, "bill.changed_in_bill"),
        ({"archived": True, "payment_status": "UNPAID"}, "bill.archived_in_bill"),
        ({"approval_status": "DENIED"}, "bill.denied_in_bill"),
    ],
)
def test_settling_the_invoice_in_the_erp_ends_what_its_bill_was_held_for(
    changes: dict[str, Any], expected: str
) -> None:
    """Nothing is left to mend in BILL; it is, once the invoice is open again."""
    world = linked()
    show(world, 1, **changes)
    assert reason(world) == expected
    see(world, status="paid", open="0")
    assert (reason(world), world.link(BILL).phase) == ("", Phase.LINKED)
    show(world, 2, **changes)
    assert reason(world) == ""
    see(world)
    assert reason(world) == expected


def test_the_policy_of_a_bill_in_flight_is_the_one_it_is_created_under() -> None:
    """Approvals move from BILL to the ERP meanwhile: later changes still ask for what the bill was created with."""
    world = World(active=False)
    world.feed(SettingsFact(generation=1, settings=settings(policy={"approval": "bill"})))
    masters(world)
    see(world)
    world.feed(SettingsFact(generation=2, settings=settings(policy={"approval": "erp"})))
    see(world)
    world.answer(Result.APPLIED, target="00n1")
    assert len([one for one in world.issued if one.frame.link == BILL]) == 1
    see(world, due_date=JULY)
    assert (last_bill(world).intent, last_bill(world).content.approvals) == (Intent.BILL_UPDATE, True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": "90"}, "bill.changed_in_bill"),
        ({"archived": True, "payment_status": "UNPAID"}, "bill.archived_in_bill"),
    ],
)
@pytest.mark.parametrize(
    ("version", "counts"),
    [(STAMP + 2 * NIGHT, False), (STAMP + NIGHT, False), (STAMP, True), (None, False)],
    ids=["before the update", "as the update", "after the update", "the update tells no stamp"],
)
def test_a_change_that_bill_shows_during_an_update_counts_if_it_came_after_it(
    version: datetime | None, changes: dict[str, Any], expected: str, *, counts: bool
) -> None:
    """The update overwrote what was changed before it, and nothing else."""
    world = linked()
    see(world, due_date=JULY)
    show(world, 1, **changes)
    assert reason(world) == ""
    world.answer(Result.APPLIED, target="00n1", version="" if version is None else time_text(version))
    assert reason(world) == (expected if counts else "")


def test_what_is_coded_otherwise_while_the_update_is_under_way_is_nobodys_change() -> None:
    """BILL still shows the old due date, later stamped than the answer: it is the update that is not shown yet."""
    world = linked()
    show(world, 1, due_date=date(2026, 8, 1))
    see(world, due_date=JULY)
    show(world, 2, due_date=date(2026, 8, 1))
    world.answer(Result.APPLIED, target="00n1", version=time_text(STAMP + NIGHT))
    assert reason(world) == ""


def test_a_bill_that_is_set_back_during_an_update_holds_nothing_even_if_the_update_fails() -> None:
    """Amount and vendor are judged all the time."""
    world = linked()
    show(world, 1, amount="90")
    see(world, due_date=JULY)
    show(world, 2)
    world.answer(Result.REJECTED, code="x", message="no")
    assert b"reason" not in world.view.rows["shown/00n1"]


def test_a_refusal_after_the_approval_is_tried_thrice_and_then_left_to_a_person() -> None:
    """Nothing waits for an approval that has been; released, it is told."""
    world = part_paid()
    show(world, 1, approval_status=BillApprovalStatus.APPROVED)
    for attempt in (1, 2, 3):
        assert (world.issued[-1].frame.link, world.issued[-1].frame.attempt) == (PAID, attempt)
        refuse(world)
    assert reason(world, PAID) == "refused"
    world.feed(HoldReleased(link=PAID, reason="refused", person="ann", role="ap", text="try again"))
    assert (reason(world, PAID), world.issued[-1].frame.attempt) == ("", 4)


def test_a_bill_still_waits_for_its_vendor_after_that_was_blocked_for_a_while() -> None:
    """Unblocked, it is not in BILL yet; the bill goes once it is."""
    world = World()
    see_account(world, "6100")
    world.answer(Result.APPLIED, target="0ca6100")
    vendor = Vendor(id="v-1", number="10000", name="Nordlys AS", currency="USD", address=ADDRESS)
    world.feed(VendorObserved(run=1, vendor=vendor))
    see(world)
    for blocked in (Blocked.PAYMENT, Blocked.NO):
        world.feed(VendorObserved(run=1, vendor=vendor.model_copy(update={"blocked": blocked})))
    assert (world.link(BILL).phase, len(world.issued)) == (Phase.WAITING, 2)
    world.answer(Result.APPLIED, target="009AAA")
    assert world.issued[-1].frame.link == BILL


def test_a_bill_that_is_held_for_its_vendor_costs_nothing_however_often_it_is_read() -> None:
    """It waits for the vendor once."""
    world = World()
    masters(world)
    vendor = Vendor(id="v-1", number="10000", name="Nordlys AS", currency="USD", address=ADDRESS)
    world.feed(VendorObserved(run=1, vendor=vendor.model_copy(update={"blocked": Blocked.PAYMENT})))
    see(world)
    assert reason(world) == "bill.vendor_blocked"
    assert see(world) == Decision()
