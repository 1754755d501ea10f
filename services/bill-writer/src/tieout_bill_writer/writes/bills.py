"""The effects of bill commands. A bill has no field for a mark: vendor and number find it, with date and amount."""

from datetime import timedelta

from tieout.domain.bill import Bill, BillContent, BillPaymentStatus
from tieout.domain.bill_written import bill_as_written, with_line_ids
from tieout.domain.errors import Reject
from tieout.effects.port import Done
from tieout.events.commands import BillCommand
from tieout.events.facts import Candidate
from tieout.events.identity import content_hash
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.writes.effect import Freshness, version_of

# Before the command was decided nothing of it can have been created; both clocks are a minute apart at the worst.
MARGIN = timedelta(minutes=10)
# More bills of one number and vendor than a person would look through; the first ones tell what is wrong.
MOST = 5

CLOSED = {
    BillPaymentStatus.SCHEDULED: "scheduled",
    BillPaymentStatus.IN_PROCESS: "scheduled",
    BillPaymentStatus.PARTIALLY_PAID: "paid",
    BillPaymentStatus.PAID: "paid",
    BillPaymentStatus.UNDEFINED: "status_unknown",
}
"""Bills that are not changed any more, with the code of the refusal."""


class EnsureBill:
    """A bill that BILL is to have."""

    name = "POST /v3/bills"
    slow = 0.0

    def __init__(self, organization: Organization, command: BillCommand) -> None:
        self._bills = organization.client.bills
        self._index = organization.bills
        self._command = command
        self._fresh = Freshness(command.attempt)
        self._index.expect(command.content.vendor)

    async def look(self) -> tuple[Candidate, ...]:
        """The vendor's bills of this number, archived ones too: a person may have keyed it, or archived ours."""
        content = self._command.content
        await self._index.refreshed(content.vendor, self._fresh.within)
        found = [one.id for one in self._index.find(content.vendor, content.invoice_number)]
        ids = [identity for identity in found if identity not in self._command.exclude]
        return tuple([candidate(await self._bills.get(identity), self._command) for identity in ids[:MOST]])

    async def perform(self, deadline: float) -> Done:
        """Create it."""
        self._fresh.used()
        bill = await self._bills.create(self._command.content, deadline=deadline)
        self._index.note(bill)
        return Done(bill.id, version_of(bill.updated))

    async def settle(self) -> tuple[Done, ...]:
        """The vendor's bills of this number, date and amount created since; a list asked for them, not the index."""
        content = self._command.content
        found = await self._bills.find(
            content.vendor,
            content.invoice_number,
            invoice_date=content.invoice_date,
            amount=content.total,
            created_since=self._command.issued - MARGIN,
        )
        ours = [bill for bill in found if bill.id not in self._command.exclude]
        for bill in ours:
            self._index.note(bill)
        return tuple(Done(bill.id, version_of(bill.updated)) for bill in ours)


class FindBill:
    """A bill that may be in BILL, and is not written if it is not."""

    name = "GET /v3/bills"
    slow = 0.0

    def __init__(self, organization: Organization, command: BillCommand) -> None:
        self._ensure = EnsureBill(organization, command)

    async def look(self) -> tuple[Candidate, ...]:
        """What is there.

        Raises:
            Reject: code ``not_there``, if nothing is.
        """
        found = await self._ensure.look()
        if not found:
            raise Reject("BILL has no bill of this vendor and number", code="not_there", call=self.name)
        return found

    async def perform(self, deadline: float) -> Done:  # noqa: ARG002 - the protocol's name
        """Never: the look ends it either way."""
        raise AssertionError("nothing is written for a bill that is only looked for")

    async def settle(self) -> tuple[Done, ...]:
        """What is there."""
        return await self._ensure.settle()


class UpdateBill:
    """A linked bill that is to become as wanted, unless BILL has begun to pay it."""

    name = "PATCH /v3/bills/{id}"
    slow = 0.0

    def __init__(self, organization: Organization, command: BillCommand) -> None:
        self._bills = organization.client.bills
        self._index = organization.bills
        self._command = command
        self._current: Bill | None = None

    async def look(self) -> tuple[Candidate, ...]:
        """The bill itself, if it is as wanted already.

        Raises:
            Reject: code ``scheduled``, ``paid`` or ``archived``, if it is not and must not be changed any more.
        """
        bill = self._current = await self._bills.get(self._command.target)
        if _is_as_wanted(bill, self._command.content):
            return (candidate(bill, self._command),)
        if bill.archived:
            cure = "Restore the bill in BILL, or leave it archived and release the hold."
            raise Reject(f"bill {bill.id} is archived in BILL", code="archived", cure=cure)
        code = CLOSED.get(bill.payment_status)
        if code is None and bill.scheduled:
            code = "scheduled"
        if code is not None:
            reason = f"bill {bill.id} is {bill.payment_status.value} in BILL and is not changed any more"
            raise Reject(reason, code=code, cure="Cancel the payment in BILL first, or correct it with the vendor.")
        return ()

    async def perform(self, deadline: float) -> Done:
        """Change what differs; lines that are as wanted are not touched."""
        current = self._current
        if current is None:
            raise AssertionError("look comes first")
        content = with_line_ids(self._command.content, current)
        kept = {line.id for line in content.lines}
        if kept == {line.id for line in current.lines}:
            bill = await self._bills.patch(content, current, deadline=deadline)
        else:
            bill = await self._bills.replace(content, current, deadline=deadline)
        self._index.note(bill)
        return Done(bill.id, version_of(bill.updated))

    async def settle(self) -> tuple[Done, ...]:
        """The bill, if the change is there."""
        bill = await self._bills.get(self._command.target)
        return (Done(bill.id, version_of(bill.updated)),) if _is_as_wanted(bill, self._command.content) else ()


def candidate(bill: Bill, command: BillCommand) -> Candidate:
    """A bill as the decider compares it: its content is the command's hash only if nothing is to do."""
    there = bill_as_written(bill, command.content)
    own = "" if there is None else content_hash(there.model_dump(mode="json", exclude_defaults=True))
    if bill.archived:
        own = f"{own}-archived"
    as_wanted = not bill.archived and _is_as_wanted(bill, command.content)
    amount = "?" if bill.amount is None else format(bill.amount, "f")
    return Candidate(
        id=bill.id,
        number=bill.invoice_number,
        name=bill.vendor,
        detail=f"dated {bill.invoice_date}, due {bill.due_date}, {amount}, {bill.payment_status.value}",
        archived=bill.archived,
        content=command.content_hash if as_wanted else own,
    )


def _is_as_wanted(bill: Bill, content: BillContent) -> bool:
    plain = content.model_copy(update={"lines": tuple(line.model_copy(update={"id": ""}) for line in content.lines)})
    return bill_as_written(bill, content) == plain
