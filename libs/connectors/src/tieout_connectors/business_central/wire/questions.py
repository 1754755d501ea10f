"""How Business Central is asked: the options of each question, as OData has them.

``or`` is only allowed between conditions on one field, which is how several records are asked for at once. Options of
an enumeration are not filtered on: servers differ on how they want them written.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

# Records asked for in one call. A condition is about 55 characters once encoded, and some proxies in front of servers
# on premises refuse addresses above 2 KB.
AT_ONCE: Final = 20

WHOLE_INVOICE = {"$expand": "dimensionSetLines,purchaseInvoiceLines($expand=dimensionSetLines)"}
WHOLE_LINES = {"$expand": "dimensionSetLines"}


def chunks(keys: Sequence[str]) -> Iterator[list[str]]:
    """Keys, each once, in groups small enough for one call."""
    once = list(dict.fromkeys(keys))
    for start in range(0, len(once), AT_ONCE):
        yield once[start : start + AT_ONCE]


def changed_since(moment: datetime | None) -> dict[str, str]:
    """All rows written at or after a moment, in the order of their change; all rows for None."""
    question = {"$orderby": "lastModifiedDateTime"}
    if moment is not None:
        question["$filter"] = f"lastModifiedDateTime ge {literal(moment)}"
    return question


def by_ids(ids: Iterable[str]) -> dict[str, str]:
    """The records of these ids."""
    return {"$filter": " or ".join(f"id eq {one}" for one in ids)}


def whole_invoices(ids: Iterable[str]) -> dict[str, str]:
    """These purchase invoices with lines and dimensions."""
    return {**by_ids(ids), **WHOLE_INVOICE}


def postings_of(numbers: Iterable[str]) -> dict[str, str]:
    """The general ledger entries of these documents, with dimensions."""
    conditions = " or ".join(f"documentNumber eq {quoted(one)}" for one in numbers)
    return {"$filter": conditions, "$expand": "dimensionSetLines"}


def ledger_of(numbers: Iterable[str]) -> dict[str, str]:
    """The vendor ledger entries of these documents."""
    return {"$filter": " or ".join(f"Document_No eq {quoted(one)}" for one in numbers)}


def ledger_entries(numbers: Iterable[str]) -> dict[str, str]:
    """These vendor ledger entries."""
    return {"$filter": " or ".join(f"Entry_No eq {int(one)}" for one in numbers)}


def ledger_after(entry: int, *, only_open: bool) -> dict[str, str]:
    """Vendor ledger entries above a number, in order."""
    condition = f"Entry_No gt {entry}"
    return {"$filter": f"{condition} and Open eq true" if only_open else condition, "$orderby": "Entry_No"}


def account_named(number: str) -> dict[str, str]:
    """The general ledger account of a number."""
    return {"$filter": f"number eq {quoted(number)}"}


def postings_until(account: str, day: date, after: int) -> dict[str, str]:
    """An account's entries above a number with posting dates up to a day, in order."""
    conditions = f"accountNumber eq {quoted(account)} and postingDate le {day.isoformat()} and entryNumber gt {after}"
    return {"$filter": conditions, "$orderby": "entryNumber", "$select": "entryNumber,debitAmount,creditAmount"}


def postings_since(account: str, day: date, after: int) -> dict[str, str]:
    """An account's entries above a number with posting dates from a day on, in order."""
    conditions = f"accountNumber eq {quoted(account)} and postingDate ge {day.isoformat()} and entryNumber gt {after}"
    return {"$filter": conditions, "$orderby": "entryNumber"}


def ledger_since(day: date, after: int) -> dict[str, str]:
    """Vendor ledger entries above a number with posting dates from a day on, in order."""
    return {"$filter": f"Posting_Date ge {day.isoformat()} and Entry_No gt {after}", "$orderby": "Entry_No"}


def bank_named(number: str) -> dict[str, str]:
    """The bank account of a number."""
    return {"$filter": f"number eq {quoted(number)}"}


def batch_coded(code: str) -> dict[str, str]:
    """The journal batch of a code."""
    return {"$filter": f"code eq {quoted(code)}"}


def batches_named(beginning: str) -> dict[str, str]:
    """The journal batches whose display name begins with a text."""
    return {"$filter": f"startswith(displayName,{quoted(beginning)})"}


def ledger_of_external(numbers: Iterable[str]) -> dict[str, str]:
    """The vendor ledger entries of these external document numbers."""
    return {"$filter": " or ".join(f"External_Document_No eq {quoted(one)}" for one in numbers)}


def ledger_of_vendor(vendor: str, first_day: date, last_day: date) -> dict[str, str]:
    """A vendor's ledger entries posted from one day to another, both included."""
    days = f"Posting_Date ge {first_day.isoformat()} and Posting_Date le {last_day.isoformat()}"
    return {"$filter": f"Vendor_No eq {quoted(vendor)} and {days}"}


def postings_numbered(numbers: Iterable[str]) -> dict[str, str]:
    """The general ledger entries of these documents, without dimensions."""
    return {"$filter": " or ".join(f"documentNumber eq {quoted(one)}" for one in numbers)}


def postings_between(account: str, first_day: date, last_day: date) -> dict[str, str]:
    """An account's entries posted from one day to another, both included."""
    days = f"postingDate ge {first_day.isoformat()} and postingDate le {last_day.isoformat()}"
    return {"$filter": f"accountNumber eq {quoted(account)} and {days}"}


def first(number: int) -> dict[str, str]:
    """A few rows only."""
    return {"$top": str(number)}


def literal(moment: datetime) -> str:
    """A point in time as a filter has it: UTC, milliseconds, bare."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def quoted(text: str) -> str:
    """Text as a filter has it: quotes are doubled."""
    return "'" + text.replace("'", "''") + "'"
