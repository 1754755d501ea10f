"""What a tie-out found. Written with ``by_alias``; amounts are text, and (b)'s are the ERP's less BILL's."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import ConfigDict, Field

from tieout.domain.money import Amount, smallest_unit
from tieout.domain.records import Record
from tieout.tie_out.classes import CLASSES, Class


class Equation(StrEnum):
    """Which equation a difference belongs to."""

    SUBLEDGER = "subledger"
    BILL = "bill"
    CLEARING = "clearing"


class Difference(Record):
    """A difference with its name.

    Attributes:
        kind: its class. documents: by the numbers that people look them up by, the ERP's first, then BILL's ids.
        amount: what it explains of its equation: (a) and (c) debit positive on the account, (b) the ERP's less BILL's;
            None for what cannot be read.
        link: the record it is about, ``""`` for none.
        expected: see ``classes.Meaning``.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    equation: Equation
    kind: Class = Field(alias="class")
    documents: tuple[str, ...]
    amount: Amount | None
    currency: str
    link: str = ""
    text: str = ""
    cure: str = ""
    expected: bool = False


def tidy(amount: Decimal, currency: str) -> Decimal:
    """An amount with the decimals of its currency; one that is finer stays as it is, for it has to be seen."""
    if not currency:
        return amount
    unit = smallest_unit(currency)
    return amount.quantize(unit) if amount % unit == 0 else amount


def difference(
    equation: Equation,
    kind: Class,
    documents: tuple[str, ...],
    amount: Decimal | None,
    currency: str,
    *,
    link: str = "",
    detail: str = "",
) -> Difference:
    """A difference with its class's sentence and cure."""
    meaning = CLASSES[kind]
    return Difference(
        equation=equation,
        kind=kind,
        documents=tuple(dict.fromkeys(each for each in documents if each)),
        amount=None if amount is None else tidy(amount, currency),
        currency=currency,
        link=link,
        text=f"{meaning.sentence} {detail}".strip(),
        cure=meaning.cure,
        expected=meaning.expected,
    )


class Status(StrEnum):
    """How an equation came out."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    """It differs, and by nothing but what Tieout expects: what is held, on its way, or somebody's task."""
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """Something it needs is missing; its ``problem`` says what and how to mend it."""


def status_of(found: Sequence[Difference]) -> Status:
    """How an equation with these differences came out."""
    if not found:
        return Status.EQUAL
    return Status.EXPLAINED if all(each.expected for each in found) else Status.DIFFERS


class Subledger(Record):
    """Equation (a), in the ledger's currency, debit positive."""

    status: Status
    problem: str = ""
    accounts: tuple[str, ...] = ()
    currency: str = ""
    subledger: Amount | None = None
    control: Amount | None = None
    difference: Amount | None = None


class OfCurrency(Record):
    """Equation (b) in one currency."""

    currency: str
    documents: int
    erp: Amount
    bill: Amount
    difference: Amount


class Bills(Record):
    """Equation (b)."""

    status: Status
    problem: str = ""
    currencies: tuple[OfCurrency, ...] = ()


class Standing(Record):
    """What of one payment stands in clearing, in the ledger's currency: posted less reversed less transferred.

    ``refund_due`` is what BILL owes for a payment that was undone.
    """

    payment: str
    number: str
    posted: Amount
    transferred: Amount
    refund_due: Amount
    standing: Amount


class Clearing(Record):
    """Equation (c), in the ledger's currency: balance = opening - posted + transferred + refunds due.

    ``balance`` and ``opening`` are debit positive; ``payments`` are those of which something stands there.
    """

    status: Status
    problem: str = ""
    account: str = ""
    currency: str = ""
    opening: Amount | None = None
    balance: Amount | None = None
    payments_posted: Amount | None = None
    transfers_booked: Amount | None = None
    refunds_due: Amount | None = None
    difference: Amount | None = None
    payments: tuple[Standing, ...] = ()


class OutOfScope(Record):
    """What is open and not compared, by reason and currency; positive is owed to vendors."""

    why: str
    currency: str
    count: int
    amount: Amount


class Result(Record):
    """A finished tie-out."""

    connection: str
    as_of: date
    taken: datetime
    subledger: Subledger
    bill: Bills
    clearing: Clearing
    differences: tuple[Difference, ...]
    out_of_scope: tuple[OutOfScope, ...]

    @property
    def complete(self) -> bool:
        """Whether all three equations could be compared."""
        return Status.UNKNOWN not in (self.subledger.status, self.bill.status, self.clearing.status)

    @property
    def clean(self) -> bool:
        """Whether it proves agreement: complete, and every difference is one that Tieout expects."""
        return self.complete and all(each.expected for each in self.differences)
