"""What BILL can do and hold, as the decider sees it."""

from typing import Final

from tieout.domain.capabilities import HandWork, TargetAbility, TargetCapabilities, TargetField, TargetRecord
from tieout_connectors.bill import bills, classifications, documents, vendors

CAPABILITIES: Final = TargetCapabilities(
    target="bill",
    can=frozenset({TargetAbility.BANK_DETAILS_UNSEEN}),
    lacking={
        TargetAbility.CURRENCY_PER_BILL: HandWork(
            page="BILL: Vendors",
            action="Nothing: Tieout keeps one BILL vendor for each currency of an ERP vendor.",
            until="each currency has its vendor",
        ),
        TargetAbility.ADDRESS_PER_BILL: HandWork(
            page="BILL: Vendors",
            action="Nothing: Tieout keeps one BILL vendor for each remit-to address.",
            until="each address has its vendor",
        ),
        TargetAbility.THREE_DECIMALS: HandWork(
            page="the ERP's payment journal",
            action="Pay invoices in currencies with three decimals outside BILL.",
            until="the ERP shows the invoice as paid",
        ),
        TargetAbility.TAX_PER_LINE: HandWork(
            page="the connection's settings",
            action="Choose whether tax is a line of its own or part of each line.",
            until="mapping.tax is set",
        ),
        TargetAbility.IDEMPOTENT_WRITES: HandWork(
            page="Tieout: holds",
            action="Decide on a hold that a lost answer left open.",
            until="the record is linked or written",
        ),
        TargetAbility.EXTERNAL_IDS: HandWork(
            page="Tieout: holds",
            action="Choose the record where several in BILL answer to one description.",
            until="the record is linked",
        ),
        TargetAbility.DELETE_DOCUMENTS: HandWork(
            page="BILL: the bill, Documents",
            action="Ignore a document that was attached by mistake; nobody can delete it.",
            until="never; it stays",
        ),
        TargetAbility.RESTORE_CREDITS: HandWork(
            page="BILL: Vendor credits",
            action="Enter an archived credit again.",
            until="a new credit of that number is seen",
        ),
    },
    lengths={
        TargetField.VENDOR_NAME: 100,
        TargetField.VENDOR_SHORT_NAME: 40,
        TargetField.INVOICE_NUMBER: 21,
        TargetField.DESCRIPTION: 4000,
    },
    bulk={
        TargetRecord.VENDOR: vendors.MOST_AT_ONCE,
        TargetRecord.BILL: bills.MOST_AT_ONCE,
        TargetRecord.CREDIT: 1,
        TargetRecord.CLASSIFICATION: classifications.MOST_AT_ONCE,
        TargetRecord.PAYMENT: 1,
    },
    decimals=2,
    document_bytes=documents.LARGEST,
)
