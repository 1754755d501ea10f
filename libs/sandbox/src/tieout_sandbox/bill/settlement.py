"""What is paid, scheduled and due of a bill, from its payments and credits.

A payment counts as scheduled until it has cleared, then as paid; a canceled or void one no longer counts.
``dueAmount`` = amount less credits less scheduled less cleared; ``paidAmount`` = cleared plus credits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill.organization import Act, Organization, find
from tieout_sandbox.bill.stages import Stage, stage_of
from tieout_sandbox.bill.store import Row


@dataclass(frozen=True)
class Standing:
    """How a bill stands."""

    amount: Decimal
    scheduled: Decimal
    cleared: Decimal
    credited: Decimal
    under_way: bool

    @property
    def due(self) -> Decimal:
        """What can still be paid."""
        return self.amount - self.credited - self.scheduled - self.cleared

    @property
    def status(self) -> str:
        """BILL's paymentStatus."""
        if self.scheduled > 0:
            return "IN_PROCESS" if self.under_way else "SCHEDULED"
        settled = self.cleared + self.credited
        if settled == 0:
            return "UNPAID"
        return "PAID" if settled >= self.amount else "PARTIALLY_PAID"


def standing(org: Organization, bill: Row) -> Standing:
    """How a bill stands now."""
    scheduled = cleared = Decimal(0)
    credited = sum((use["amount"] for use in bill.fields.get("vendorCredits", [])), Decimal(0))
    under_way = False
    for payment, part in parts_of(org, bill.id):
        stage = stage_of(payment.fields)
        if stage is Stage.NONE:
            continue
        credited += sum((use["amount"] for use in part.get("vendorCredits", [])), Decimal(0))
        if stage is Stage.CLEARED:
            cleared += part["amount"]
        else:
            scheduled += part["amount"]
            under_way |= stage is Stage.IN_PROCESS
    return Standing(bill.fields["amount"], scheduled, cleared, credited, under_way)


def parts_of(org: Organization, bill_id: str) -> Iterator[tuple[Row, dict[str, Any]]]:
    """The parts of payments that are for a bill, with their payments."""
    for payment_id in org.payments_of_bill.get(bill_id, {}):
        payment = find(org.payments, payment_id)
        for part in payment.fields["billPayments"]:
            if part["billId"] == bill_id:
                yield payment, part


def settle(act: Act, bill: Row, *, touch: bool) -> bool:
    """Write how the bill stands into it; ``touch`` moves its updated time if that changed. True if it did."""
    now = standing(act.org, bill)
    derived = {
        "scheduledAmount": now.scheduled,
        "paidAmount": now.cleared + now.credited,
        "creditAmount": now.credited,
        "dueAmount": now.due,
        "paymentStatus": now.status,
    }
    if all(bill.fields.get(name) == value for name, value in derived.items()):
        return False
    act.change(act.org.bills, bill, lambda row: row.fields.update(derived), touch=touch)
    return True
