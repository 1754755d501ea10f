"""What Business Central can and cannot do through API v2.0 and the published vendor ledger page."""

from typing import Final

from tieout.domain.capabilities import Ability, ErpCapabilities, HandWork, MarkField, Polling
from tieout.domain.records import Kind

ERP: Final = "business-central"

_CAN: Final = frozenset(
    {
        Ability.OPEN_AMOUNT,
        Ability.ON_HOLD,
        Ability.POSTED_ACCOUNTS,
        Ability.PERIOD_STATE,
        Ability.BALANCES,
        Ability.DOCUMENTS,
        Ability.CHANGE_NOTICES,
        Ability.RECORD_PAYMENT,
        Ability.POST,
        Ability.ALL_OR_NONE,
        Ability.PAYMENT_DIMENSIONS,
        Ability.CLEARING_PER_PAYMENT,
        Ability.WITHDRAW,
        Ability.FUNDS_TRANSFER,
    }
)

_JOURNAL: Final = "Payment Journals"
_ENTRIES: Final = "Vendor Ledger Entries"

_LACKING: Final = {
    Ability.APPROVED_FLAG: HandWork(
        page="Purchase Invoices",
        action="Post an invoice only once it is approved; posted counts as approved.",
        until="the invoice is posted",
    ),
    Ability.DIMENSION_STATE: HandWork(
        page="Dimension Values",
        action="Take blocked values and headings out of the mapping of this connection.",
        until="bills no longer name the value",
    ),
    Ability.REMIT_TO: HandWork(
        page="Vendor Card",
        action="Keep the address that is paid on the vendor itself, or on a pay-to vendor of its own.",
        until="the vendor shows the address",
    ),
    Ability.BANK_CHANGE: HandWork(
        page="Vendor Bank Accounts",
        action="Confirm changed bank details with the vendor by another channel before the next payment.",
        until="the change is confirmed by a second person",
    ),
    Ability.BALANCES_AS_OF: HandWork(
        page="Aged Accounts Payable",
        action="Print the report for the past day and compare it with the tie-out.",
        until="the tie-out of that day is stored",
    ),
    Ability.SEVERAL_INVOICES: HandWork(
        page=_JOURNAL,
        action="Nothing to do: a payment of several invoices is recorded as one line for each, posted together.",
        until="all of its invoices are applied",
    ),
    Ability.APPLY_CREDITS: HandWork(
        page=_ENTRIES,
        action="Apply the credit memo to the invoice before it is paid.",
        until="the invoice's remaining amount is net of the credit",
    ),
    Ability.INSTALMENTS: HandWork(
        page="Purchase Invoices",
        action="Post one invoice for each instalment; Business Central keeps one due date for an invoice.",
        until="each instalment is an invoice of its own",
    ),
    Ability.DISCOUNT_AMOUNT: HandWork(
        page=_ENTRIES,
        action="Change the remaining payment discount possible of the invoice's entry before the payment is posted.",
        until="the invoice is closed with the discount that was agreed",
    ),
    Ability.NO_DISCOUNT: HandWork(
        page=_ENTRIES,
        action="Set the remaining payment discount possible of the invoice's entry to 0 before it is paid in full.",
        until="the entry shows no discount",
    ),
    Ability.PAYMENT_CURRENCY: HandWork(
        page=_JOURNAL,
        action="Enter the payment with the invoice's currency, if that is neither the vendor's nor the bank's.",
        until="the payment's entry has the invoice's currency",
    ),
    Ability.EXCHANGE_RATE: HandWork(
        page="Currency Exchange Rates",
        action="Enter the rate of the payment's day before it is posted.",
        until="the payment's entry has that rate",
    ),
    Ability.REVERSE: HandWork(
        page=_ENTRIES,
        action="Unapply the payment's entry, then reverse its transaction.",
        until="the payment's entry is reversed and the invoice is open again",
    ),
    Ability.REVERSAL_DATE: HandWork(
        page=_ENTRIES,
        action="Choose the day when unapplying; the reversal itself takes the payment's own posting date.",
        until="the payment's entry is reversed and the invoice is open again",
    ),
}

_POLLING: Final = {
    Kind.VENDOR: Polling.STAMP,
    Kind.ACCOUNT: Polling.STAMP,
    Kind.DIMENSION: Polling.STAMP,
    Kind.DIMENSION_VALUE: Polling.STAMP,
    Kind.PURCHASE_INVOICE: Polling.STAMP,
    Kind.VENDOR_CREDIT: Polling.NONE,
    Kind.LEDGER_ENTRY: Polling.SEQUENCE,
    Kind.PERIOD: Polling.WHOLE,
}

DECLARED: Final = ErpCapabilities(
    erp=ERP,
    can=_CAN,
    lacking=_LACKING,
    polling=_POLLING,
    payment_mark=MarkField(field="Document No.", length=20, searchable=True, where_posted="Document No."),
    transfer_mark=MarkField(field="Document No.", length=20, searchable=True, where_posted="Document No."),
)
"""What every site can do that is set up as the documentation of this connector says."""

_PUBLISH: Final = HandWork(
    page="Web Services",
    action="Publish page 29 (Vendor Ledger Entries) under the name given as ledger_page, and allow reading table 25.",
    until="tieout check finds the vendor ledger page",
)

WITHOUT_LEDGER: Final = {
    Ability.OPEN_AMOUNT: _PUBLISH,
    Ability.ON_HOLD: _PUBLISH,
    Ability.BALANCES: _PUBLISH,
    Ability.RECORD_PAYMENT: _PUBLISH,
    Ability.ALL_OR_NONE: _PUBLISH,
    Ability.PAYMENT_DIMENSIONS: _PUBLISH,
    Ability.CLEARING_PER_PAYMENT: _PUBLISH,
    Ability.WITHDRAW: _PUBLISH,
}
"""What a site lacks that has not published the vendor ledger page: what is paid could be neither found nor proved."""
