"""Bills as BILL shows them, for tests of decisions."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from support.deciding import World, settings
from support.invoices import masters, see
from tieout.decide.state import Decision
from tieout.domain.bill import ApproverStatus, Bill, BillApprover, BillCoding, BillLine
from tieout.events.commands import PaymentRecordCommand
from tieout.events.facts import BillObserved, Result, SettingsFact

STAMP = datetime(2026, 6, 1, 12, tzinfo=UTC)
PAID = "paid/i-1"


def bill(**changes: Any) -> Bill:
    """The bill of the first invoice as it was written."""
    base: dict[str, Any] = {
        "id": "00n1", "vendor": "009AAA", "invoice_number": "INV-1", "amount": "100", "updated": STAMP,
        "approval_status": "UNASSIGNED", "due_date": date(2026, 6, 3),
        "lines": (BillLine(id="bli1", amount=Decimal(100), coding=BillCoding(account="0ca6100")),),
    }  # fmt: skip
    return Bill.model_validate(base | changes)


def approver(user: str, status: ApproverStatus) -> BillApprover:
    """An approver who was asked at noon."""
    return BillApprover(user=user, status=status, order=0, changed=STAMP)


def linked(*, approval: str = "erp", **changes: Any) -> World:
    """The first invoice stands in BILL as 00n1."""
    world = World(active=False)
    world.feed(SettingsFact(generation=1, settings=settings(policy={"approval": approval})))
    masters(world)
    see(world, **changes)
    world.answer(Result.APPLIED, target="00n1")
    return world


def show(world: World, after: int = 0, **changes: Any) -> Decision:
    """BILL showed the bill, so many days after the first time."""
    return world.feed(BillObserved(bill=bill(updated=STAMP + timedelta(days=after), **changes)))


def part_paid() -> World:
    """100, of which 30 were paid before: the bill is there, and the payment is asked for."""
    world = linked(approval="bill", open="70.00")
    frame = world.issued[-1].frame
    assert isinstance(frame, PaymentRecordCommand)
    assert str(frame.content.parts[0].amount) == "30.00"
    return world


def refuse(world: World) -> None:
    """BILL takes no payment of a bill that is not approved."""
    command = next(one for one in reversed(world.issued) if one.frame.link == PAID)
    world.answer(Result.REJECTED, command, code="awaits_approval", message="ASSIGNED")
