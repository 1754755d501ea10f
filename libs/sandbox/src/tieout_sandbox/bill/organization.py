"""One organization of BILL: its records, its books, and what a change of them is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill.books import Books
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.gate import User
from tieout_sandbox.bill.ids import Ids
from tieout_sandbox.bill.store import Collection, Row

CLASSIFICATIONS = (
    "chart-of-accounts",
    "departments",
    "locations",
    "jobs",
    "accounting-classes",
    "employees",
    "items",
)


RATES = {
    "USD": Decimal(1),
    "CAD": Decimal("0.7312"),
    "EUR": Decimal("1.0842"),
    "GBP": Decimal("1.2715"),
    "JPY": Decimal("0.006611"),
    "MXN": Decimal("0.0497"),
}


@dataclass
class Organization:
    """Everything of one organization. ``publish`` takes an event's type and its row."""

    id: str
    profile: dict[str, Any]
    ids: Ids
    switches: Mapping[str, Any]
    vendors: Collection = field(default_factory=lambda: Collection(("name",)))
    bills: Collection = field(default_factory=lambda: Collection(("vendorId", "invoice.invoiceNumber")))
    credits: Collection = field(default_factory=lambda: Collection(("vendorId",)))
    payments: Collection = field(default_factory=lambda: Collection(("vendorId", "transactionNumber")))
    documents: Collection = field(default_factory=lambda: Collection(("subjectId", "documentId")))
    banks: Collection = field(default_factory=Collection)
    cards: Collection = field(default_factory=Collection)
    classifications: dict[str, Collection] = field(
        default_factory=lambda: {kind: Collection(("name",)) for kind in CLASSIFICATIONS}
    )
    users: dict[str, User] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    # Which payments have a part for a bill, which bills and payments use a credit: ids in order of first use.
    payments_of_bill: dict[str, dict[str, None]] = field(default_factory=dict)
    users_of_credit: dict[str, dict[str, None]] = field(default_factory=dict)
    # Dollars for one unit of a currency, as BILL would quote them.
    rates: dict[str, Decimal] = field(default_factory=lambda: dict(RATES))
    books: Books = field(default_factory=Books)
    publish: Callable[[str, Row], None] = lambda _event, _row: None


@dataclass(frozen=True)
class Act:
    """A change under way: where, by whom, when."""

    org: Organization
    by: str
    now: datetime

    def add(self, rows: Collection, kind: str, fields: dict[str, Any], row_id: str | None = None) -> Row:
        """Store a new row of a kind."""
        new_id = row_id or self.org.ids.new(kind)
        return rows.add(Row(new_id, fields, self.now, self.now, created_by=self.by))

    def change(self, rows: Collection, row: Row, alter: Callable[[Row], None], *, touch: bool = True) -> None:
        """Alter a row; ``touch`` moves its updated time."""
        lagging = float(self.org.switches["list_lag_seconds"]) > 0
        rows.change(row, self.now if touch else None, alter, keep=lagging)


def find(rows: Collection, row_id: Any) -> Row:
    """A row by its id, or BILL's 404."""
    row = rows.get(row_id) if isinstance(row_id, str) else None
    if row is None:
        raise refuse("BDC_1205", str(row_id))
    return row
