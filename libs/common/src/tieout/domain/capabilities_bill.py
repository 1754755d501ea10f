"""What BILL can hold and do (its v3 API)."""

from typing import Final

from tieout.domain.capabilities import HandWork, TargetAbility, TargetCapabilities, TargetField, TargetRecord

BILL: Final = TargetCapabilities(
    target="bill",
    can=frozenset({TargetAbility.BANK_DETAILS_UNSEEN}),
    lacking={
        TargetAbility.CURRENCY_PER_BILL: HandWork(
            page="Vendors in BILL",
            action="Enter the payment details on each of the vendor's records, one per currency.",
            until="The vendor's record of that currency has an account to pay to.",
        ),
        TargetAbility.ADDRESS_PER_BILL: HandWork(
            page="Vendors in BILL",
            action="Enter the payment details on each of the vendor's records, one per remit-to address.",
            until="The vendor's record of that address has an account to pay to.",
        ),
        TargetAbility.THREE_DECIMALS: HandWork(
            page="Payment journal of the ERP",
            action="Pay an invoice in a currency of three decimals outside BILL, unless its amounts end in a zero.",
            until="The ERP shows the invoice closed.",
        ),
        TargetAbility.TAX_PER_LINE: HandWork(
            page="Settings of the connection, mapping.tax",
            action="Choose whether tax becomes a line of its own or part of each line's amount.",
            until="The settings name the choice.",
        ),
        TargetAbility.IDEMPOTENT_WRITES: HandWork(
            page="Holds",
            action="Say which of several candidates is the record, when a lost answer leaves more than one.",
            until="One record is linked and the others are archived or known as another's.",
        ),
        TargetAbility.EXTERNAL_IDS: HandWork(
            page="Holds",
            action="Confirm a record that was keyed by hand before it is linked.",
            until="The record is linked.",
        ),
        TargetAbility.DELETE_DOCUMENTS: HandWork(
            page="The bill's documents in BILL",
            action="Ignore a superseded file; BILL keeps every file of a bill.",
            until="The current file is listed on the bill.",
        ),
        TargetAbility.RESTORE_CREDITS: HandWork(
            page="Vendor credits in BILL",
            action="Enter again a vendor credit that was archived by mistake.",
            until="An active credit of the same number, date and amount is listed.",
        ),
    },
    lengths={
        TargetField.VENDOR_NAME: 100,
        TargetField.VENDOR_SHORT_NAME: 40,
        TargetField.INVOICE_NUMBER: 21,
        TargetField.DESCRIPTION: 4_000,
    },
    bulk={
        TargetRecord.VENDOR: 20,
        TargetRecord.BILL: 100,
        TargetRecord.CREDIT: 50,
        TargetRecord.CLASSIFICATION: 50,
        TargetRecord.PAYMENT: 50,
    },
    decimals=2,
    # "6 MB" is read as decimal: a file between that and 6 MiB is reported as too large rather than refused half sent.
    document_bytes=6_000_000,
)
