"""What the two sides of a connection can and cannot do, as data.

A capability that is lacking names the work that a person has to do instead, so that it can be shown, planned and
counted; there is no other way to be incomplete. Branches on an ERP's name are never needed: ask its capabilities.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import Field, PlainSerializer, model_validator

from tieout.domain.records import Kind, Record

Member = TypeVar("Member", bound=StrEnum)
Members = Annotated[frozenset[Member], PlainSerializer(sorted)]
"""A set that is written in order, because the log of a replay is compared byte for byte."""


class Ability(StrEnum):
    """What an ERP may or may not be able to do. The list is closed: every ERP takes a stand on each."""

    # Reading
    OPEN_AMOUNT = "open_amount"
    """Shows what is still open of an invoice. Without it no invoice of that ERP is ever sent."""
    ON_HOLD = "on_hold"
    """Shows a payment block on a single invoice."""
    APPROVED_FLAG = "approved_flag"
    """Knows posted invoices that are not approved yet."""
    POSTED_ACCOUNTS = "posted_accounts"
    """Shows the general ledger entries of one invoice, for lines that name no account."""
    DIMENSION_STATE = "dimension_state"
    """Tells blocked and heading dimension values from those that can be posted to."""
    REMIT_TO = "remit_to"
    """Shows which of several addresses an invoice is to be paid to."""
    BANK_CHANGE = "bank_change"
    """Shows that a vendor's bank details changed."""
    PERIOD_STATE = "period_state"
    """Shows which posting dates are open."""
    BALANCES = "balances"
    """Shows the balances of vendors, control and clearing accounts."""
    BALANCES_AS_OF = "balances_as_of"
    """Shows them as of a posting date, not only as of now."""
    DOCUMENTS = "documents"
    """Lets the files of an invoice be downloaded."""
    CHANGE_NOTICES = "change_notices"
    """Pushes hints that something changed."""

    # Recording a payment
    RECORD_PAYMENT = "record_payment"
    """Takes a payment of a vendor applied to invoices, over the wire."""
    POST = "post"
    """Posts what was recorded, over the wire, rather than leaving it to a person."""
    SEVERAL_INVOICES = "several_invoices"
    """One payment document applied to several invoices with an amount for each; else one line per invoice."""
    ALL_OR_NONE = "all_or_none"
    """Everything one payment needs is posted together or not at all."""
    APPLY_CREDITS = "apply_credits"
    """A payment may consume a vendor's credits, with an amount for each."""
    INSTALMENTS = "instalments"
    """A payment may name the instalment it settles."""
    DISCOUNT_AMOUNT = "discount_amount"
    """A payment says how much discount it takes."""
    NO_DISCOUNT = "no_discount"
    """A payment in full inside the discount's window can be kept from taking it."""
    PAYMENT_CURRENCY = "payment_currency"
    """A payment says its currency; else it is the vendor's or the account's."""
    EXCHANGE_RATE = "exchange_rate"
    """A payment in a foreign currency says its rate."""
    PAYMENT_DIMENSIONS = "payment_dimensions"
    """A payment carries dimensions."""
    CLEARING_PER_PAYMENT = "clearing_per_payment"
    """Each payment names its clearing account, rather than a journal set up beforehand."""

    # What comes after
    WITHDRAW = "withdraw"
    """Takes back a recorded payment that nobody has posted yet, over the wire."""
    REVERSE = "reverse"
    """Reverses a posted payment and opens its invoices again, over the wire."""
    REVERSAL_DATE = "reversal_date"
    """Reverses on a posting date of our choice, rather than on today's or the original's."""
    FUNDS_TRANSFER = "funds_transfer"
    """Takes an entry between the clearing account and a bank, over the wire."""


class HandWork(Record):
    """What a person does where an ERP or a target cannot.

    Attributes:
        page: where: page, window or menu path, as people of that system call it.
        action: what to do there, in one sentence.
        until: what the ledger (or the next read) shows once it is done, so that the task closes by itself.
    """

    page: str = Field(min_length=1)
    action: str = Field(min_length=1)
    until: str = Field(min_length=1)


class MarkField(Record):
    """Where an ERP carries our mark on what it was asked to record.

    Attributes:
        field: its name as people see it.
        length: characters it holds; never less than a mark has.
        searchable: it can be looked for on what is posted, not only on what is not posted yet.
        where_posted: the field that shows it after posting.
    """

    field: str
    length: int = Field(ge=20)
    searchable: bool
    where_posted: str


class Polling(StrEnum):
    """How changes of a kind are found."""

    STAMP = "stamp"
    """By a time of change, read again with an overlap."""
    SEQUENCE = "sequence"
    """By an ever growing number; what changes later without a new number is found by reading open ones again."""
    WHOLE = "whole"
    """By reading everything and leaving out what is known."""
    NONE = "none"
    """The ERP does not show the kind."""


class ErpCapabilities(Record):
    """What one ERP site can do. Declared by its connector, corrected by what the site itself answers.

    ``can`` and ``lacking`` together name every ability exactly once; ``polling`` names every kind.
    """

    erp: str
    can: Members[Ability]
    lacking: Mapping[Ability, HandWork]
    polling: Mapping[Kind, Polling]
    payment_mark: MarkField | None
    transfer_mark: MarkField | None

    @model_validator(mode="after")
    def _takes_a_stand_on_everything(self) -> Self:
        both = self.can & self.lacking.keys()
        neither = set(Ability) - self.can - self.lacking.keys()
        if both or neither:
            raise ValueError(f"{self.erp}: both can and cannot {sorted(both)}, no stand on {sorted(neither)}")
        if unnamed := set(Kind) - self.polling.keys():
            raise ValueError(f"{self.erp}: no way of polling is named for {sorted(unnamed)}")
        for ability, mark in (
            (Ability.RECORD_PAYMENT, self.payment_mark),
            (Ability.FUNDS_TRANSFER, self.transfer_mark),
        ):
            if (ability in self.can) != (mark is not None):
                raise ValueError(f"{self.erp}: {ability} and its mark field do not agree")
        return self

    def allows(self, ability: Ability) -> bool:
        """Whether the ERP can do it over the wire."""
        return ability in self.can

    def without(self, found_missing: Mapping[Ability, HandWork]) -> "ErpCapabilities":
        """The same ERP at a site that lacks these too: a service not published, a right not given."""
        return ErpCapabilities(
            erp=self.erp,
            can=self.can - found_missing.keys(),
            lacking={**self.lacking, **found_missing},
            polling=self.polling,
            payment_mark=None if Ability.RECORD_PAYMENT in found_missing else self.payment_mark,
            transfer_mark=None if Ability.FUNDS_TRANSFER in found_missing else self.transfer_mark,
        )


class TargetAbility(StrEnum):
    """What the side that bills are sent to may or may not be able to do."""

    CURRENCY_PER_BILL = "currency_per_bill"
    """A bill names its currency; else it is its vendor's, and a vendor in two currencies is two vendors."""
    ADDRESS_PER_BILL = "address_per_bill"
    """A bill names where it is paid to; else that too belongs to the vendor."""
    THREE_DECIMALS = "three_decimals"
    """Amounts may have more than two decimals."""
    TAX_PER_LINE = "tax_per_line"
    """A line carries its tax apart; else tax is a line or part of the amount."""
    IDEMPOTENT_WRITES = "idempotent_writes"
    """A repeated write is recognised; else it is looked for before it is made."""
    EXTERNAL_IDS = "external_ids"
    """Records carry our id where it can be searched; else the natural key is the mark."""
    DELETE_DOCUMENTS = "delete_documents"
    """An uploaded file can be taken away again."""
    RESTORE_CREDITS = "restore_credits"
    """An archived vendor credit can be brought back."""
    BANK_DETAILS_UNSEEN = "bank_details_unseen"
    """Vendors' bank details are kept there without ever passing through us."""


class TargetField(StrEnum):
    """Texts with a limit. A longer text is never cut in silence: mapping shortens it visibly or the record waits."""

    VENDOR_NAME = "vendor_name"
    VENDOR_SHORT_NAME = "vendor_short_name"
    INVOICE_NUMBER = "invoice_number"
    DESCRIPTION = "description"


class TargetRecord(StrEnum):
    """What can be written many at a time."""

    VENDOR = "vendor"
    BILL = "bill"
    CREDIT = "credit"
    CLASSIFICATION = "classification"
    PAYMENT = "payment"


class TargetCapabilities(Record):
    """What the target can do and hold.

    Attributes:
        lengths: characters per text.
        bulk: records per call, all of them written or none.
        decimals: of any amount, whatever the currency.
        document_bytes: the largest file.
    """

    target: str
    can: Members[TargetAbility]
    lacking: Mapping[TargetAbility, HandWork]
    lengths: Mapping[TargetField, int]
    bulk: Mapping[TargetRecord, int]
    decimals: int
    document_bytes: int

    @model_validator(mode="after")
    def _takes_a_stand_on_everything(self) -> Self:
        both = self.can & self.lacking.keys()
        neither = set(TargetAbility) - self.can - self.lacking.keys()
        if both or neither:
            raise ValueError(f"{self.target}: both can and cannot {sorted(both)}, no stand on {sorted(neither)}")
        if unlimited := (set(TargetField) - self.lengths.keys()) | (set(TargetRecord) - self.bulk.keys()):
            raise ValueError(f"{self.target}: no limit is given for {sorted(unlimited)}")
        return self

    def allows(self, ability: TargetAbility) -> bool:
        """Whether the target can do it."""
        return ability in self.can

    def fits(self, field: TargetField, text: str) -> bool:
        """Whether the target holds the whole text."""
        return len(text) <= self.lengths[field]
