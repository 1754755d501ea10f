"""What the outside worlds' own ledgers say, and what of it nobody can explain. Pure: JSON in, figures out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tieout.decide.bill_plan import bill_number
from tieout.decide.mapping import VENDOR_SHORT_NAME, fit
from tieout_cli.demo.logview import Held
from tieout_sandbox.company import Company
from tieout_sandbox.company.bill_side import ORGANIZATION, USERNAME

Json = Mapping[str, Any]

EXPLAINED: Final[dict[str, str]] = {
    "bill.on_hold_in_erp": "on hold in the ERP",
    "bill.vendor_blocked": "the vendor is blocked in the ERP",
    "vendor.address_incomplete": "the vendor has no address in the ERP",
}
"""Reasons for which an open invoice of this company may be no bill. Any other hold is a difference of its own."""


@dataclass(frozen=True)
class Difference:
    """Something that stands otherwise than it should, and nobody said why. ``amount`` is the ERP's less BILL's."""

    kind: str
    documents: tuple[str, ...]
    amount: Decimal
    currency: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "class": self.kind,
            "documents": list(self.documents),
            "amount": str(self.amount),
            "currency": self.currency,
            "text": self.text,
        }


@dataclass(frozen=True)
class Invoice:
    """A posted invoice of the ERP's ledger that is open, in its own currency."""

    id: str
    number: str
    vendor: str
    original: str
    total: Decimal
    open: Decimal
    currency: str
    on_hold: bool
    in_scope: bool


@dataclass(frozen=True)
class BillSeen:
    """A bill of BILL's ledger. ``vendor`` is its vendor's short name."""

    id: str
    vendor: str
    number: str
    amount: Decimal
    currency: str
    text: str


@dataclass
class Standing:
    """Where both sides stand."""

    vendors: int = 0
    vendors_linked: int = 0
    invoices_open: int = 0
    invoices_in_scope: int = 0
    bills: list[BillSeen] = field(default_factory=list)
    bills_total: dict[str, Decimal] = field(default_factory=dict)
    erp_total: dict[str, Decimal] = field(default_factory=dict)
    """Of the invoices that the bills are for."""
    documents: int = 0
    differences: list[Difference] = field(default_factory=list)


def standing(company: Company, erp: Json, bill: Json, holds: Iterable[Held]) -> Standing:
    """Compare both ledgers."""
    books, there = erp["companies"][0], bill["organizations"][ORGANIZATION]
    names = {one["id"]: one.get("shortName", "") for one in there["vendors"] if not one["archived"]}
    wanted = {fit(one["number"], VENDOR_SHORT_NAME): one["number"] for one in books["vendors"]}
    invoices = list(open_invoices(company, books))
    found = Standing(
        vendors=len(books["vendors"]),
        vendors_linked=len({wanted[name] for name in names.values() if name in wanted}),
        invoices_open=len(invoices),
        invoices_in_scope=sum(one.in_scope for one in invoices),
        bills=list(_bills(there, names)),
        documents=len(there["documents"]),
    )
    found.bills_total = _sum((one.currency, one.amount) for one in found.bills)
    found.differences += list(_unexplained_holds(holds))
    _compare(found, invoices, posted(books), list(holds))
    found.differences += list(_broken_books(books, there))
    return found


def open_invoices(company: Company, books: Json) -> Iterator[Invoice]:
    """The posted invoices that are open by the vendor ledger."""
    entries = _entries(books)
    local = books["setup"].get("local_currency", "USD")
    for row in books["invoices"]:
        entry = entries.get(row["number"])
        if row["status"] == "Draft" or entry is None or not entry["open"]:
            continue
        in_scope = row["posting_date"] >= company.cutover.isoformat() or row["number"] in company.also
        yield Invoice(
            id=row["id"],
            number=row["number"],
            vendor=row["pay_to"],
            original=row["vendor_invoice_number"],
            total=Decimal(row["including_tax"]),
            open=-Decimal(entry["remaining"]),
            currency=row["currency_code"] or local,
            on_hold=bool(entry["on_hold"].strip()),
            in_scope=in_scope,
        )


def posted(books: Json) -> dict[tuple[str, str], Json]:
    """Every posted invoice by vendor and the number it has in BILL."""
    rows = (row for row in books["invoices"] if row["status"] != "Draft")
    return {_key(row["pay_to"], row["vendor_invoice_number"]): row for row in rows}


def _key(vendor: str, original: str) -> tuple[str, str]:
    return fit(vendor, VENDOR_SHORT_NAME), bill_number(original)


def _entries(books: Json) -> dict[str, Json]:
    rows = books["vendor_entries"]
    return {row["document_number"]: row for row in rows if row["document_type"] == "Invoice"}


def _bills(there: Json, names: Mapping[str, str]) -> Iterator[BillSeen]:
    ours = {user["id"] for user in there["users"] if user["username"] == USERNAME}
    currencies = {one["id"]: one["billCurrency"] for one in there["vendors"]}
    for row in there["bills"]:
        if row["createdBy"] in ours and not row["archived"]:
            yield BillSeen(
                id=row["id"],
                vendor=names.get(row["vendorId"], ""),
                number=row["invoice"]["invoiceNumber"],
                amount=Decimal(row["amount"]),
                currency=currencies[row["vendorId"]],
                text=row.get("description", ""),
            )


def _compare(
    found: Standing, invoices: list[Invoice], all_posted: Mapping[tuple[str, str], Json], holds: list[Held]
) -> None:
    by_key: dict[tuple[str, str], list[BillSeen]] = {}
    for one in found.bills:
        by_key.setdefault((one.vendor, one.number), []).append(one)
    due = {_key(one.vendor, one.original): one for one in invoices}
    explained = {held.params.get("number", "") for held in holds if held.reason in EXPLAINED}
    totals: list[tuple[str, Decimal]] = []
    for key, invoice in due.items():
        bills = by_key.get(key, [])
        totals += [(invoice.currency, invoice.total)] * bool(bills)
        found.differences += list(_of_invoice(invoice, bills, explained))
    for key, bills in by_key.items():
        if key in due:
            continue
        row = all_posted.get(key)
        if row is not None and row["status"] == "Paid":
            totals.append((bills[0].currency, Decimal(row["including_tax"])))
            continue
        for one in bills:
            text = f"bill {one.number} of {one.vendor} belongs to no posted invoice"
            found.differences.append(Difference("bill without invoice", (one.id,), -one.amount, one.currency, text))
    found.erp_total = _sum(totals)


def _of_invoice(invoice: Invoice, bills: list[BillSeen], explained: set[str]) -> Iterator[Difference]:
    documents = (invoice.number, *(one.id for one in bills))
    if not invoice.in_scope:
        if bills:
            text = f"invoice {invoice.number} lies before the cut-over and has a bill"
            yield Difference("outside the cut-over", documents, -bills[0].amount, invoice.currency, text)
    elif not bills:
        if invoice.number not in explained and invoice.vendor not in explained:
            text = f"invoice {invoice.number} is open and has no bill"
            yield Difference("missing bill", documents, invoice.total, invoice.currency, text)
    elif len(bills) > 1:
        text = f"invoice {invoice.number} has {len(bills)} bills"
        yield Difference("bill twice", documents, -bills[0].amount, invoice.currency, text)
    elif invoice.on_hold:
        text = f"invoice {invoice.number} is on hold and has a bill"
        yield Difference("bill on hold", documents, -bills[0].amount, invoice.currency, text)
    elif bills[0].amount != invoice.total or bills[0].currency != invoice.currency:
        text = f"invoice {invoice.number} is {invoice.total} {invoice.currency}, its bill {bills[0].amount}"
        text += f" {bills[0].currency}"
        yield Difference("amount", documents, invoice.total - bills[0].amount, invoice.currency, text)


def _unexplained_holds(holds: Iterable[Held]) -> Iterator[Difference]:
    for held in holds:
        if held.reason not in EXPLAINED:
            told = ", ".join(f"{name} {value}" for name, value in held.params.items())
            text = f"{held.link} is held: {held.reason} ({told})"
            yield Difference("hold", (held.params.get("number", held.link),), Decimal(0), "", text)


def _broken_books(books: Json, there: Json) -> Iterator[Difference]:
    if not books["balanced"]:
        yield Difference("books", (books["name"],), Decimal(0), "", "the ERP's ledger does not balance")
    if Decimal(there["imbalance"]) != 0:
        yield Difference("books", (there["name"],), Decimal(there["imbalance"]), "", "BILL's journal does not balance")


def _sum(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return dict(sorted(sums.items()))


def holds_by_reason(holds: Iterable[Held]) -> dict[str, int]:
    """How many links wait for a person, by reason."""
    return dict(sorted(Counter(held.reason for held in holds).items()))
