"""What every answer of the service has in common: envelope, stamps, versions, errors, and how questions are asked."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from json import JSONDecodeError, dumps, loads
from typing import Any, Final

from tieout.domain.records import Kind
from tieout_connectors.business_central.wire.fields import Fields
from tieout_connectors.spi.wire import Unreadable

SETS: Final[dict[Kind, str]] = {
    Kind.VENDOR: "vendors",
    Kind.ACCOUNT: "accounts",
    Kind.DIMENSION: "dimensions",
    Kind.DIMENSION_VALUE: "dimensionValues",
    Kind.PURCHASE_INVOICE: "purchaseInvoices",
}
"""The entity set of each kind that has a stamp of its last change and so can be read by delta."""

GLOBAL: Final = ("global_dimension_1", "global_dimension_2")
"""Names of the context's settings that say which dimensions are the global ones."""

_TAG: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_LONGEST: Final = 1000


def rows(page: Any) -> list[Mapping[str, Any]]:
    """The rows of a collection's page."""
    value = Fields(page, "page")
    return [dict(one.raw) for one in value.items("value")]


def next_link(page: Any) -> str:
    """Address of the next page, ``""`` on the last one."""
    return Fields(page, "page").text("@odata.nextLink")


def key(row: Mapping[str, Any]) -> str:
    """The identifier of a row of API v2.0."""
    return Fields(row).needed("id").lower()


def version(row: Mapping[str, Any]) -> str:
    """The row's ETag: changes with every write, compared for equality only. Without one, a digest of the row."""
    etag = Fields(row).text("@odata.etag")
    return etag or blake2b(dumps(row, sort_keys=True, default=str).encode(), digest_size=9).hexdigest()


def stamp(row: Mapping[str, Any]) -> datetime | None:
    """When the row was last written, UTC; None for rows older than the server's stamps."""
    return Fields(row).moment("lastModifiedDateTime")


def problem(body: bytes) -> tuple[str, str]:
    """Code and message of an error's body; no code and the visible text if it is no JSON (a gateway's page)."""
    try:
        raw = loads(body)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return "", " ".join(_TAG.sub(" ", body.decode("utf-8", "replace")).split())[:_LONGEST]
    inner = raw.get("error") if isinstance(raw, dict) else None
    if isinstance(inner, dict):
        return _plain(inner.get("code")), _plain(inner.get("message"))[:_LONGEST]
    return "", ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""


def currency_of(company_information: Any) -> str:
    """The ledger's local currency, from the one row of ``companyInformation``; ``""`` if none is set up there."""
    found = rows(company_information)
    return Fields(found[0], "companyInformation").text("currencyCode") if found else ""


def company(row: Mapping[str, Any]) -> tuple[str, str]:
    """Id and name of a company."""
    one = Fields(row, "company")
    return one.needed_reference("id"), one.needed("name")


def count(answer: Any) -> int:
    """The number that ``$count`` answers with."""
    if not isinstance(answer, int) or isinstance(answer, bool):
        raise Unreadable("$count", "a whole number was expected")
    return answer


LEDGER_FIELDS: Final = (
    "Entry_No",
    "Posting_Date",
    "Document_Type",
    "Document_No",
    "External_Document_No",
    "Vendor_No",
    "Currency_Code",
    "Amount",
    "Remaining_Amount",
    "Due_Date",
    "Open",
    "On_Hold",
    "Reversed",
)
"""What the published vendor ledger page must show; a page under the right name may be another one."""


def ledger_fields_missing(page: Any) -> list[str]:
    """Fields that the published page lacks; none if it has no rows to tell from."""
    found = rows(page)
    return [name for name in LEDGER_FIELDS if found and name not in found[0]]


def global_dimensions(general_ledger_setup: Any) -> dict[str, str]:
    """The codes of the two global dimensions, under the names that the ledger's reader asks the context for."""
    for row in Fields(general_ledger_setup, "generalLedgerSetup").items("value"):
        named = {name: row.text(f"shortcutDimension{number}Code") for number, name in enumerate(GLOBAL, start=1)}
        return {name: code for name, code in named.items() if code}
    return {}


def posting_dates(general_ledger_setup: Any) -> tuple[date | None, date | None]:
    """The first and the last day everybody may post on; None for no bound."""
    for row in Fields(general_ledger_setup, "generalLedgerSetup").items("value"):
        return row.day("allowPostingFrom"), row.day("allowPostingTo")
    return None, None


def dimension_of(row: Mapping[str, Any]) -> str:
    """Id of the dimension that a dimension value belongs to."""
    return Fields(row, "dimensionValue").needed_reference("dimensionId")


def dimension_value(row: Mapping[str, Any], dimension: Mapping[str, Any]) -> dict[str, Any]:
    """The raw row of a dimension value: it names its dimension by id only, so that one's row stands beside it."""
    return {"dimensionValue": row, "dimension": dimension}


def net_change(accounts: Any) -> Decimal | None:
    """The balance of the account that was asked for, debit positive; None if there is no such account."""
    for row in Fields(accounts, "accounts").items("value"):
        return row.amount("netChange")
    return None


def debit(posting: Mapping[str, Any]) -> Decimal:
    """A general ledger entry's amount, debit positive."""
    row = Fields(posting, "generalLedgerEntry")
    return row.amount("debitAmount") - row.amount("creditAmount")


def posting_number(posting: Mapping[str, Any]) -> int:
    """The ever growing number of a general ledger entry."""
    return Fields(posting, "generalLedgerEntry").whole("entryNumber")


def local_remainder(entry: Mapping[str, Any]) -> Decimal:
    """What is still open of a vendor ledger entry in the local currency, debit positive as the page has it."""
    return Fields(entry, "ledger").amount("Remaining_Amt_LCY")
