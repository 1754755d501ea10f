"""What an ERP's ledgers say: vendor entries, balances of accounts, and when they may be posted to."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import model_validator

from tieout.domain.erp import DimensionCode, Terms
from tieout.domain.money import Amount
from tieout.domain.records import Record


class EntryType(StrEnum):
    """What made a vendor ledger entry."""

    INVOICE = "invoice"
    CREDIT = "credit"
    PAYMENT = "payment"
    REFUND = "refund"
    FINANCE_CHARGE = "finance_charge"
    OTHER = "other"
    """Opening balances, journal entries of a person, rounding: out of scope, yet part of the control account."""


class VendorLedgerEntry(Record):
    """One entry of the vendor subledger. One of Kind.LEDGER_ENTRY, and the row of the open-items snapshot.

    Attributes:
        id: the ERP's identifier of the entry; payments are applied to it.
        document: id of the invoice or credit it belongs to, as their records have it, ``""`` if it cannot be told.
        document_number, external_number: as posted; the second is the vendor's, or our mark on a payment of ours.
        amount, open: in ``currency``; positive is owed to the vendor, so that payments and credits are negative.
            ``open`` is None where the ERP shows no remainder.
        local_amount, local_open: the same in the ledger's currency, for the control account.
        is_open: whether anything can still be applied to it.
        on_hold: the ERP's own text, ``""`` if there is none, None if it cannot be read.
        reverses, reversed_by: entry ids, ``""`` for none.
    """

    id: str
    type: EntryType
    vendor_number: str
    document: str = ""
    document_number: str
    external_number: str = ""
    description: str = ""
    posting_date: date
    due_date: date | None = None
    currency: str
    amount: Amount
    open: Amount | None
    local_amount: Amount | None = None
    local_open: Amount | None = None
    is_open: bool
    on_hold: str | None = ""
    approved: bool | None = None
    terms: Terms | None = None
    instalment: int | None = None
    reverses: str = ""
    reversed_by: str = ""
    posting_group: str = ""
    dimensions: tuple[DimensionCode, ...] = ()
    version: str = ""
    modified: datetime | None = None


class AccountRole(StrEnum):
    """Why a balance is asked for."""

    SUBLEDGER = "subledger"
    """The sum over the vendors of a posting group, as the vendor ledger has it; it has no account of its own."""
    CONTROL = "control"
    """What the general ledger says the company owes them; equals the subledger."""
    CLEARING = "clearing"
    """Between BILL and the bank; equals payments posted less transfers booked less refunds due."""


class BalanceQuery(Record):
    """A balance that a tie-out needs. ``posting_group`` is ``""`` for the vendors of all groups together."""

    role: AccountRole
    account: str = ""
    posting_group: str = ""


class AccountBalance(Record):
    """The answer to one query: debit positive, local currency, so that what is owed to vendors is negative.

    ``as_of`` is the last posting date counted, None for everything posted so far.
    """

    query: BalanceQuery
    currency: str
    balance: Amount
    as_of: date | None = None


class DateRange(Record):
    """Days from ``first`` to ``last``, both included; None is without end on that side."""

    first: date | None = None
    last: date | None = None

    @model_validator(mode="after")
    def _is_forward(self) -> "DateRange":
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError(f"a range of days ends before it begins: {self.first} to {self.last}")
        return self

    def holds(self, day: date) -> bool:
        """Whether the day lies in it."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class PeriodState(Record):
    """When the ERP's ledger takes postings. One of Kind.PERIOD; there is one record per company.

    ``open`` is what the setup allows everybody; a restriction of our own user is found by a refusal only.
    """

    open: tuple[DateRange, ...]
    version: str = ""

    def allows(self, day: date) -> bool:
        """Whether a posting of that day would be taken."""
        return any(each.holds(day) for each in self.open)


def merged(ranges: Iterable[DateRange]) -> tuple[DateRange, ...]:
    """The same days as fewest ranges in order; for ERPs that hold one range per period."""
    earliest, latest = date.min, date.max
    joined: list[tuple[date, date]] = []
    for first, last in sorted((each.first or earliest, each.last or latest) for each in ranges):
        touches = bool(joined) and (joined[-1][1] == latest or first <= joined[-1][1] + timedelta(days=1))
        if touches:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(
        DateRange(first=None if first == earliest else first, last=None if last == latest else last)
        for first, last in joined
    )
