"""The classifications named by a bill, a credit or one of their lines."""

from typing import Any, Final

from tieout.domain.bill import BillCoding
from tieout_connectors.bill.wire.fields import Fields, filled

KEYS: Final = {
    "account": "chartOfAccountId",
    "department": "departmentId",
    "location": "locationId",
    "job": "jobId",
    "accounting_class": "accountingClassId",
    "item": "itemId",
    "employee": "employeeId",
    "customer": "customerId",
}

# BILL takes these on lines only.
LINE_ONLY: Final = frozenset({"job", "employee", "customer"})


def read_coding(fields: Fields) -> BillCoding:
    """The ids that are there. BILL's older data writes "none" as an id of zeros."""
    ids = {name: fields.text(key) for name, key in KEYS.items()}
    return BillCoding(**{name: value for name, value in ids.items() if value.strip("0")})


def write_coding(coding: BillCoding) -> dict[str, Any]:
    """The classifications of a line."""
    return filled(**{key: getattr(coding, name) for name, key in KEYS.items()})


def write_header_coding(coding: BillCoding) -> dict[str, Any]:
    """The classifications of a whole bill.

    Raises:
        ValueError: for one that BILL takes on lines only; it would be dropped in silence.
    """
    wrong = sorted(name for name in LINE_ONLY if getattr(coding, name))
    if wrong:
        raise ValueError(f"BILL takes {', '.join(wrong)} on lines only")
    return write_coding(coding)
