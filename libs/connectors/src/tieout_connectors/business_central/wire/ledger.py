"""Rows of the published vendor ledger page (page 29): raw row to record.

Business Central writes what is owed as negative; here it is positive. Remaining amounts are computed by the server
when the row is read and do not touch its ETag, so a row's version is a digest of what it says.
"""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from json import dumps
from typing import Any, Final

from tieout.domain.erp import DimensionCode, Terms
from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.records import ReadContext
from tieout_connectors.business_central.wire.fields import Fields
from tieout_connectors.business_central.wire.protocol import GLOBAL

TYPES: Final = {
    "": EntryType.OTHER,
    "payment": EntryType.PAYMENT,
    "invoice": EntryType.INVOICE,
    "credit memo": EntryType.CREDIT,
    "finance charge memo": EntryType.FINANCE_CHARGE,
    "reminder": EntryType.OTHER,
    "refund": EntryType.REFUND,
}

GLOBAL_DIMENSIONS: Final = {
    "Global_Dimension_1_Code": GLOBAL[0],
    "Global_Dimension_2_Code": GLOBAL[1],
}
"""The page's column of each global dimension, and the name of the context's setting that says which one it is."""


def ledger_entry(document: Mapping[str, Any], context: ReadContext) -> VendorLedgerEntry:
    """A row of the page. It names its document by number only."""
    row = Fields(document)
    return VendorLedgerEntry(
        id=str(row.whole("Entry_No")),
        type=row.option("Document_Type", TYPES),
        vendor_number=row.needed("Vendor_No"),
        document_number=row.text("Document_No"),
        external_number=row.text("External_Document_No"),
        description=row.text("Description"),
        posting_date=row.needed_day("Posting_Date"),
        due_date=row.day("Due_Date"),
        currency=row.currency("Currency_Code", context),
        amount=owed(row.amount("Amount")),
        open=owed(row.amount("Remaining_Amount")),
        local_amount=owed(row.amount("Amount_LCY")) if row.has("Amount_LCY") else None,
        local_open=owed(row.amount("Remaining_Amt_LCY")) if row.has("Remaining_Amt_LCY") else None,
        is_open=row.flag("Open"),
        on_hold=row.text("On_Hold").strip() if row.has("On_Hold") else None,
        terms=terms(row),
        reverses=_entry(row, "Reversed_Entry_No"),
        reversed_by=_entry(row, "Reversed_by_Entry_No"),
        dimensions=tuple(
            DimensionCode(dimension=context.settings[setting], value=row.text(column))
            for column, setting in GLOBAL_DIMENSIONS.items()
            if row.text(column) and context.settings.get(setting)
        ),
        version=ledger_version(document),
    )


def owed(amount: Decimal) -> Decimal:
    """An amount of the page as what is owed: the page writes that negative."""
    return -amount


def terms(row: Fields) -> Terms | None:
    """The discount that can still be taken; None if there is none, or none that the page shows."""
    until = row.day("Pmt_Discount_Date")
    if until is None or not row.has("Remaining_Pmt_Disc_Possible"):
        return None
    possible = owed(row.amount("Remaining_Pmt_Disc_Possible"))
    return Terms(possible=possible, until=until) if possible > 0 else None


def ledger_version(document: Mapping[str, Any]) -> str:
    """Changes with everything the row says, and with nothing else."""
    said = {name: str(value) for name, value in document.items() if not name.startswith("@")}
    return blake2b(dumps(said, sort_keys=True).encode(), digest_size=9).hexdigest()


def entry_number(document: Mapping[str, Any]) -> int:
    """The key of a row, ever growing."""
    return Fields(document).whole("Entry_No")


def _entry(row: Fields, key: str) -> str:
    number = row.whole(key) if row.has(key) else 0
    return str(number) if number else ""
