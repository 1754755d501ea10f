"""Page 29, vendor ledger entries, published as an ODataV4 web service under a name of the site's choice."""

from typing import Any

from tieout_sandbox.business_central.books.dimensions import set_id
from tieout_sandbox.business_central.odata.schema import Getter, entity
from tieout_sandbox.business_central.odata.sets import EntitySet, Scope
from tieout_sandbox.business_central.sets.ledgers import DOCUMENT_TYPES


def _global(position: int) -> Getter:
    def get(row: Any, books: Any) -> str:
        codes = books.setup.shortcut_dimensions
        return str(row.dimensions.get(codes[position], "")) if position < len(codes) else ""

    return get


ENTRY = entity(
    "VendorLedgerEntries",
    """
Entry_No int R
Posting_Date date R
Document_Type enum R
Document_No code20 R
External_Document_No code35 R
Vendor_No code20 R
Description text100 R
Global_Dimension_1_Code code20 R
Global_Dimension_2_Code code20 R
Currency_Code code10 R
Original_Amount decimal R
Original_Amt_LCY decimal R
Amount decimal R
Amount_LCY decimal R
Remaining_Amount decimal R
Remaining_Amt_LCY decimal R
Due_Date date R
Pmt_Discount_Date date R
Original_Pmt_Disc_Possible decimal R
Remaining_Pmt_Disc_Possible decimal R
Open bool R
On_Hold code3 R
Reversed bool R
Reversed_by_Entry_No int R
Reversed_Entry_No int R
Dimension_Set_ID int R
""",
    members={"Document_Type": DOCUMENT_TYPES},
    getters={
        "Entry_No": lambda row, _books: row.number,
        "Posting_Date": lambda row, _books: row.posting_date,
        "Document_Type": lambda row, _books: row.document_type,
        "Document_No": lambda row, _books: row.document_number,
        "External_Document_No": lambda row, _books: row.external_document_number,
        "Vendor_No": lambda row, _books: row.vendor,
        "Global_Dimension_1_Code": _global(0),
        "Global_Dimension_2_Code": _global(1),
        "Currency_Code": lambda row, _books: row.currency_code,
        "Original_Amount": lambda row, _books: row.amount,
        "Original_Amt_LCY": lambda row, _books: row.amount_local,
        "Amount": lambda row, _books: row.amount,
        "Amount_LCY": lambda row, _books: row.amount_local,
        "Remaining_Amount": lambda row, _books: row.remaining,
        "Remaining_Amt_LCY": lambda row, _books: row.remaining_local,
        "Due_Date": lambda row, _books: row.due_date,
        "Pmt_Discount_Date": lambda row, _books: row.discount_date,
        "Original_Pmt_Disc_Possible": lambda row, _books: row.discount_possible,
        "Remaining_Pmt_Disc_Possible": lambda row, _books: row.discount_left,
        "On_Hold": lambda row, _books: row.on_hold,
        "Reversed_by_Entry_No": lambda row, _books: row.reversed_by,
        "Reversed_Entry_No": lambda row, _books: row.reverses,
        "Dimension_Set_ID": lambda row, books: set_id(books, row.dimensions),
    },
)


def _by_number(scope: Scope, key: str) -> Any:
    return scope.books.vendor_ledger.find(int(key)) if key.isdigit() else None


def published(name: str) -> dict[str, EntitySet]:
    """The registry of web services with the page under its published name."""
    page = EntitySet(
        name,
        ENTRY,
        "Vendor Ledger Entry",
        table=lambda books: books.vendor_ledger,
        get=_by_number,
        key=lambda row: str(row.number),
        key_field="Entry_No",
        number_field="Entry_No",
    )
    return {name: page}
