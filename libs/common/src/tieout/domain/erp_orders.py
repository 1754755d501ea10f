"""What an ERP is asked to record: a payment, a funds transfer, or that a payment is undone.

An order carries every resolved value, so that the same order gives the same steps at every attempt. It is found again
in the ERP by its mark. Amounts are in the order's currency, dates are the company's own.
"""

import base64
import hashlib
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from tieout.domain.erp import ZERO, DimensionCode, VendorRef
from tieout.domain.money import Amount, Money, smallest_unit
from tieout.domain.records import Record

# The shortest field of the five ERPs that can carry a mark holds 20 characters.
MARK_LENGTH: Final = 20

Mark = Annotated[str, Field(pattern=rf"^[A-Z0-9]{{1,{MARK_LENGTH}}}$")]
"""Upper case and digits, because ERPs fold the case of their code fields."""


def part_mark(mark: str, part: str) -> str:
    """The mark of one part of an order, for ERPs that need a line or a document per invoice.

    A hash, because the field that carries it has no room for the mark and a suffix.
    """
    digest = hashlib.sha256(f"{len(mark)}:{mark}{part}".encode()).digest()
    return "T" + base64.b32encode(digest).decode()[: MARK_LENGTH - 1]


class AccountKind(StrEnum):
    """Which ledger an account of a posting belongs to."""

    GENERAL = "general"
    BANK = "bank"
    """A bank account (or checkbook) of the ERP's cash module, which posts to its own general ledger account."""


class PostingAccount(Record):
    """An account as a posting names it."""

    kind: AccountKind
    number: str = Field(min_length=1)


class EntryRef(Record):
    """An entry of one of the ERP's ledgers (``vendor``, ``general``, ``bank``, or a posted document)."""

    ledger: Literal["vendor", "general", "bank", "document"]
    id: str


class Settled(StrEnum):
    """What an application settles."""

    INVOICE = "invoice"
    CREDIT = "credit"


class Application(Record):
    """What of a payment settles one document or one of its instalments.

    Attributes:
        document, number, ledger_entry: the invoice's or credit's id, posted number and vendor ledger entry.
        amount: in cash; positive for an invoice, negative for a credit that is consumed.
        discount: taken beside the cash, 0 unless the policy and the terms allow it.
    """

    settles: Settled = Settled.INVOICE
    document: str = Field(min_length=1)
    number: str
    ledger_entry: str = ""
    instalment: int | None = None
    amount: Amount
    discount: Amount = ZERO
    dimensions: tuple[DimensionCode, ...] = ()

    @model_validator(mode="after")
    def _has_the_right_sign(self) -> Self:
        if self.settles is Settled.INVOICE and (self.amount <= 0 or self.discount < 0):
            raise ValueError(f"an invoice is settled by a positive amount, not {self.amount} and {self.discount}")
        if self.settles is Settled.CREDIT and (self.amount >= 0 or self.discount != 0):
            raise ValueError(f"a credit is consumed by a negative amount and no discount, not {self.amount}")
        return self

    @property
    def part(self) -> str:
        """What tells it from the other applications of its payment."""
        return f"{self.settles}:{self.document}:{'' if self.instalment is None else self.instalment}"

    @property
    def reduces(self) -> Decimal:
        """By how much the document's open amount falls (rises towards zero for a credit)."""
        return self.amount + self.discount


class PaymentOrder(Record):
    """Record a payment that BILL has made: Dr payables of the vendor, applied / Cr clearing.

    Attributes:
        vendor: who is paid, the pay-to vendor of every invoice in it.
        applications: at least one; their amounts sum to ``cash``, so nothing is left on account by intent.
        process_date: when BILL took the money. posting_date: the ledger's, never earlier.
        clearing: the account credited; cards and wallet have their own.
        exchange_rate: local currency per unit of the payment's, as the funding implies it; None to use the ERP's.
        reference: BILL's payment id; transaction: check or trace number, once there is one. Both for people.
    """

    order: Literal["payment"] = "payment"
    mark: Mark
    vendor: VendorRef
    applications: tuple[Application, ...] = Field(min_length=1)
    cash: Money
    process_date: date
    posting_date: date
    clearing: PostingAccount
    exchange_rate: Amount | None = None
    dimensions: tuple[DimensionCode, ...] = ()
    reference: str = ""
    transaction: str = ""
    description: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum((each.amount for each in self.applications), ZERO)
        if total != self.cash.amount or total <= 0:
            raise ValueError(f"applications of {total} are no payment of {self.cash.amount} {self.cash.currency}")
        unit = smallest_unit(self.cash.currency)
        if any(each.amount % unit or each.discount % unit for each in self.applications):
            raise ValueError(f"an amount is finer than {unit} {self.cash.currency}")
        if len({each.part for each in self.applications}) != len(self.applications):
            raise ValueError("a document is settled twice by one payment")
        if self.posting_date < self.process_date:
            raise ValueError(f"posted {self.posting_date}, before the money left on {self.process_date}")
        return self

    def mark_of(self, application: Application) -> str:
        """The mark of one application's line, where each needs its own; the order's own mark if there is only one."""
        return self.mark if len(self.applications) == 1 else part_mark(self.mark, application.part)


class FundsTransferOrder(Record):
    """Book what left a bank for BILL: Dr clearing / Cr bank, one entry per bank, process date and currency."""

    order: Literal["funds_transfer"] = "funds_transfer"
    mark: Mark
    amount: Money
    process_date: date
    posting_date: date
    clearing: PostingAccount
    bank: PostingAccount
    dimensions: tuple[DimensionCode, ...] = ()
    reference: str = ""
    description: str = ""

    @model_validator(mode="after")
    def _moves_money(self) -> Self:
        if self.amount.amount <= 0 or not self.amount.is_exact():
            raise ValueError(f"no amount to transfer: {self.amount.amount} {self.amount.currency}")
        if self.clearing == self.bank:
            raise ValueError("clearing and bank are the same account")
        if self.posting_date < self.process_date:
            raise ValueError(f"posted {self.posting_date}, before the money left on {self.process_date}")
        return self


class ReversalOrder(Record):
    """Undo a payment: take it back while nobody has posted it, reverse it once posted; its invoices are open again.

    Attributes:
        mark: its own; ``payment`` is the order it undoes, with the original mark.
        posted: the original's ledger entries, empty if it was recorded and not posted.
        reversal_date: the day of the void; posting_date: the ledger's, never before the original's.
        reason: for people: the kind of void.
    """

    order: Literal["reversal"] = "reversal"
    mark: Mark
    payment: PaymentOrder
    posted: tuple[EntryRef, ...] = ()
    reversal_date: date
    posting_date: date
    reason: str = ""

    @model_validator(mode="after")
    def _is_another_act(self) -> Self:
        if self.mark == self.payment.mark:
            raise ValueError("a reversal needs a mark of its own")
        if self.posting_date < max(self.reversal_date, self.payment.posting_date):
            raise ValueError(f"reversed {self.posting_date}, before the void or the payment itself")
        return self


ErpOrder = Annotated[PaymentOrder | FundsTransferOrder | ReversalOrder, Field(discriminator="order")]
"""Anything an ERP is asked to record. Further kinds join here, with the same verbs."""
