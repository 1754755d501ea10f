"""Payments made outside BILL and recorded there. The mark stands in the one field that BILL has for a reference."""

from typing import Final

from tieout.domain.bill import BillApprovalStatus
from tieout.domain.bill_payments import AWAITS_APPROVAL, BillPayment, PaymentStage
from tieout.domain.errors import Reject
from tieout.effects.port import Done
from tieout.events.commands import PaymentRecordCommand
from tieout.events.facts import Candidate
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.writes.effect import version_of

UNAPPROVED: Final = frozenset({BillApprovalStatus.ASSIGNED, BillApprovalStatus.APPROVING, BillApprovalStatus.DENIED})
"""Bills of which BILL takes no payment, not even one that was made elsewhere."""


class RecordPayment:
    """A payment that BILL is to know of. No money moves, but the bill's open amount falls: never twice."""

    name = "POST /v3/bills/record-payment"
    slow = 0.0

    def __init__(self, organization: Organization, command: PaymentRecordCommand) -> None:
        self._payments = organization.client.payments
        self._bills = organization.client.bills
        self._command = command
        self._content = command.content
        if not self._content.sync_reference:
            self._content = self._content.model_copy(update={"sync_reference": command.mark})

    async def look(self) -> tuple[Candidate, ...]:
        """The vendor's recorded payments of that day with our reference, or divided alike and without one.

        Raises:
            Reject: code ``awaits_approval``, if there is none and BILL does not let one of the bills be paid yet.
        """
        found = tuple(self._candidate(payment) for payment in await self._found())
        for part in () if found else self._content.parts:
            bill = await self._bills.get(part.bill)
            if bill.approval_status in UNAPPROVED:
                reason = f"bill {bill.id} is {bill.approval_status.value} in BILL, which takes no payment of it"
                raise Reject(reason, code=AWAITS_APPROVAL, call=self.name, cure="Have the bill approved in BILL.")
        return found

    async def perform(self, deadline: float) -> Done:
        """Record it."""
        payment = await self._payments.record(self._content, deadline=deadline)
        return Done(payment.id, version_of(payment.updated))

    async def settle(self) -> tuple[Done, ...]:
        """The same; before the call there was none."""
        return tuple(Done(payment.id, version_of(payment.updated)) for payment in await self._found())

    async def _found(self) -> list[BillPayment]:
        found = await self._payments.find_recorded(self._content)
        return [payment for payment in found if payment.id not in self._command.exclude]

    def _candidate(self, payment: BillPayment) -> Candidate:
        ours = {(part.bill, part.amount) for part in self._content.parts}
        same = {(part.bill, part.amount) for part in payment.parts} == ours
        undone = payment.stage is PaymentStage.UNDONE
        amount = "?" if payment.amount is None else format(payment.amount, "f")
        return Candidate(
            id=payment.id,
            number=payment.sync_reference,
            name=payment.vendor,
            detail=f"{amount} on {payment.process_date}, {payment.status_said or payment.status.value}",
            archived=undone,
            content=self._command.content_hash if same and not undone else "",
        )
