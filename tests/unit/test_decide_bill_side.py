"""What people do with a bill inside BILL: shown as a hold, undone by nobody, and gone once BILL shows it is mended."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from support.bill_side import PAID, approver, linked, part_paid, refuse, show
from support.deciding import World, settings
from support.invoices import BILL, last_bill, line, masters, reason, see, see_account
from tieout.decide.rows import Phase
from tieout.decide.state import Decision
from tieout.domain.bill import ApproverStatus, BillApprovalStatus, BillCoding, BillLine
from tieout.events.commands import Intent
from tieout.events.facts import Result, SettingsFact

ABE, EVE = "00601ABE", "00601EVE"


def test_a_bill_as_it_was_written_costs_no_entry() -> None:
    """BILL shows every bill that Tieout creates: nothing is kept of one that needs nobody."""
    world = linked()
    assert show(world) == Decision()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": "90"}, "bill.changed_in_bill"),
        ({"vendor": "009BBB"}, "bill.changed_in_bill"),
        ({"archived": True, "payment_status": "UNPAID"}, "bill.archived_in_bill"),
        ({"due_date": date(2026, 7, 1)}, "bill.recoded_in_bill"),
        ({"lines": (BillLine(id="bli1", amount=Decimal(100)),)}, "bill.recoded_in_bill"),
        ({"approval_status": "DENIED", "approvers": (approver(ABE, ApproverStatus.DENIED),)}, "bill.denied_in_bill"),
        (
            {
                "approval_status": "ASSIGNED",
                "approvers": (approver(ABE, ApproverStatus.REROUTED), approver(EVE, ApproverStatus.WAITING)),
            },
            "bill.rerouted_in_bill",
        ),
    ],
)  # fmt: skip
def test_what_is_done_in_bill_is_shown_until_it_is_mended_there(changes: dict[str, Any], expected: str) -> None:
    """Whatever else BILL says of it meanwhile, and however often the ERP says the same as before."""
    world = linked()
    show(world, 1, **changes)
    assert reason(world) == expected
    # The stamp alone moves on, so that a reading from between the two cannot lift the hold.
    assert [entry.row for entry in show(world, 2, **changes).entries] == ["shown/00n1"]
    show(world, 1)
    assert reason(world) == expected
    assert show(world, 2, **changes) == Decision()
    assert see(world) == Decision()
    assert len(world.issued) == 3
    show(world, 3)
    assert (reason(world), world.link(BILL).phase) == ("", Phase.LINKED)


def test_an_older_reading_never_overwrites_a_newer_one() -> None:
    """The poll's page comes after the notification's reading."""
    world = linked()
    show(world, 2, approval_status="DENIED")
    assert show(world, 1) == Decision()
    assert reason(world) == "bill.denied_in_bill"


def test_an_approval_under_way_is_known_and_holds_nothing() -> None:
    """Somebody was asked and has not decided: that is BILL's ordinary course."""
    world = linked()
    assert [entry.row for entry in show(world, 1, approval_status="ASSIGNED").entries] == ["shown/00n1"]
    assert reason(world) == ""


def test_lines_may_be_listed_in_any_order_and_amounts_written_in_any_way() -> None:
    """Only their coding counts."""
    world = World()
    masters(world, "6100", "6200")
    lines = (line(1, net="40"), line(2, net="60", account="6200"))
    see(world, lines=lines)
    world.answer(Result.APPLIED, target="00n1")
    there = [("60.00", "0ca6200"), ("40.0", "0ca6100")]
    shown = tuple(
        BillLine(id=f"bli{n}", amount=Decimal(amount), coding=BillCoding(account=account))
        for n, (amount, account) in enumerate(there)
    )
    show(world, 1, lines=shown)
    assert reason(world) == ""
    show(world, 2, lines=shown[:1])
    assert reason(world) == "bill.recoded_in_bill"


def test_a_change_in_the_erp_sets_the_bill_right_and_ends_the_hold() -> None:
    """The update makes the bill as the ERP has it, whatever was changed of it in BILL."""
    world = linked()
    see_account(world, "6200")
    world.answer(Result.APPLIED, target="0ca6200")
    show(world, 1, amount="90")
    see(world, lines=(line(account="6200"),))
    assert world.issued[-1].frame.intent is Intent.BILL_UPDATE
    world.answer(Result.APPLIED, target="00n1")
    assert (reason(world), world.link(BILL).phase) == ("", Phase.LINKED)


def test_bill_is_asked_for_its_approval_where_the_policy_says_so() -> None:
    """Also in later changes, after the policy changed: BILL refuses them else."""
    world = linked(approval="bill")
    assert last_bill(world).content.approvals
    world.feed(SettingsFact(generation=2, settings=settings(policy={"approval": "erp"})))
    see(world, due_date=date(2026, 7, 1))
    assert (last_bill(world).intent, last_bill(world).content.approvals) == (Intent.BILL_UPDATE, True)
    see(world, id="i-2", number="108002", vendor_invoice_number="INV-2")
    assert not last_bill(world).content.approvals


def test_a_bill_that_nobody_is_asked_to_approve_is_shown_also_if_it_was_seen_first() -> None:
    """BILL's webhook may beat the answer to the creation."""
    world = World(active=False)
    world.feed(SettingsFact(generation=1, settings=settings(policy={"approval": "bill"})))
    masters(world)
    see(world)
    show(world)
    world.answer(Result.APPLIED, target="00n1")
    assert reason(world) == "bill.approval_missing"
    show(world, 1, approval_status="ASSIGNED")
    assert reason(world) == ""


def test_what_was_paid_before_waits_for_the_approval_and_then_goes_by_itself() -> None:
    """Approved in part is not approved."""
    world = part_paid()
    show(world, 0, approval_status="ASSIGNED")
    refuse(world)
    held = world.hold(PAID)
    assert held is not None
    assert (held.reason, held.mapping) == ("paid.awaits_approval", True)
    show(world, 1, approval_status="APPROVING")
    assert reason(world, PAID) == "paid.awaits_approval"
    show(world, 2, approval_status="APPROVED")
    assert reason(world, PAID) == ""
    assert (world.issued[-1].frame.link, world.issued[-1].frame.attempt) == (PAID, 2)
    world.answer(Result.APPLIED, target="stpX")
    assert world.link(PAID).phase is Phase.LINKED


@pytest.mark.parametrize("seen", [True, False], ids=["shown before the refusal", "never shown as unapproved"])
def test_an_approval_that_comes_first_is_not_waited_for(*, seen: bool) -> None:
    """Whichever comes first, the refusal or the approval, nobody waits for ever."""
    world = part_paid()
    if seen:
        show(world, 1, approval_status="APPROVED")
        refuse(world)
    else:
        refuse(world)
        assert reason(world, PAID) == "paid.awaits_approval"
        show(world, 1, approval_status=BillApprovalStatus.UNASSIGNED)
    assert reason(world, PAID) == ""
    assert (world.issued[-1].frame.link, world.issued[-1].frame.attempt) == (PAID, 2)
