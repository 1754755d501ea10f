"""Payments proved from the ERP's ledger: applied to the invoice, payables debited, clearing credited. Pure.

An answer of the ERP's API proves nothing; the vendor ledger, its applications and the general ledger do.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tieout_cli.demo.figures import Difference, posted
from tieout_sandbox.business_central.worlds.building import CLEARING
from tieout_sandbox.company.bill_side import ORGANIZATION

Json = Mapping[str, Any]
Application = tuple[str, Decimal]
"""An invoice's number, and what was applied to it in its currency."""


@dataclass(frozen=True)
class Payment:
    """A payment of BILL's ledger that has left the bank; ``parts`` by the ERP's invoice number."""

    id: str
    void: bool
    parts: tuple[Application, ...]


@dataclass
class Proof:
    """What the ERP's ledger shows of BILL's payments."""

    applied: int = 0
    reversed: int = 0
    differences: list[Difference] = field(default_factory=list)


def prove(erp: Json, bill: Json) -> Proof:
    """Compare BILL's payments with what was posted and applied through clearing in the ERP."""
    books, there = erp["companies"][0], bill["organizations"][ORGANIZATION]
    standing, undone = Counter(applications(books)), Counter(reversals(books))
    proof = Proof()
    for payment in payments(books, there):
        pool = undone if payment.void else standing
        missing = Counter(payment.parts) - pool
        pool.subtract(Counter(payment.parts) - missing)
        if not missing:
            proof.applied += not payment.void
            proof.reversed += payment.void
            continue
        kind = "payment not reversed" if payment.void else "payment not applied"
        proof.differences += [_difference(kind, payment.id, *part) for part in missing.elements()]
    for part in (+standing).elements():
        proof.differences.append(_difference("payment unknown to BILL", "", *part))
    return proof


def payments(books: Json, there: Json) -> Iterator[Payment]:
    """BILL's own payments whose money has left; those recorded from outside are in the ERP already."""
    names = {one["id"]: one.get("shortName", "") for one in there["vendors"]}
    numbers = {key: row["number"] for key, row in posted(books).items()}
    of_bill = {
        row["id"]: numbers.get((names[row["vendorId"]], row["invoice"]["invoiceNumber"]), row["id"])
        for row in there["bills"]
    }
    for row in there["payments"]:
        if row["onlinePayment"] and row["status"] in ("PAID", "VOID"):
            parts = tuple((of_bill[part["billId"]], Decimal(part["amount"])) for part in row["billPayments"])
            yield Payment(row["id"], row["status"] == "VOID", parts)


def applications(books: Json) -> Iterator[Application]:
    """What payments through clearing have applied to invoices, and still apply."""
    entries = {row["number"]: row for row in books["vendor_entries"]}
    clearing = _through_clearing(books)
    for row in books["applications"]:
        invoice, paying = entries[row["vendor_entry"]], entries.get(row["applied_entry"])
        if row["kind"] != "Application" or row["unapplied"] or invoice["document_type"] != "Invoice":
            continue
        if paying is not None and paying["document_type"] == "Payment" and paying["transaction"] in clearing:
            yield invoice["document_number"], Decimal(row["amount"])


def reversals(books: Json) -> Iterator[Application]:
    """What payments through clearing had applied that are reversed by now, with the invoice open again."""
    entries = {row["number"]: row for row in books["vendor_entries"]}
    clearing = _through_clearing(books)
    for row in books["applications"]:
        invoice, paying = entries[row["vendor_entry"]], entries.get(row["applied_entry"])
        if row["kind"] != "Application" or not row["unapplied"] or Decimal(row["amount"]) < 0:
            continue
        if invoice["document_type"] != "Invoice" or paying is None or paying["transaction"] not in clearing:
            continue
        if paying["document_type"] == "Payment" and paying["reversed"] and invoice["open"]:
            yield invoice["document_number"], Decimal(row["amount"])


def documents_of(books: Json, parts: tuple[Application, ...]) -> list[str]:
    """The document numbers under which a payment's parts are posted, for who has to reverse them."""
    entries = {row["number"]: row for row in books["vendor_entries"]}
    clearing = _through_clearing(books)
    wanted = {number for number, _amount in parts}
    found = []
    for row in books["applications"]:
        invoice, paying = entries[row["vendor_entry"]], entries.get(row["applied_entry"])
        if row["kind"] != "Application" or row["unapplied"] or invoice["document_number"] not in wanted:
            continue
        if paying is not None and paying["document_type"] == "Payment" and paying["transaction"] in clearing:
            found.append(str(paying["document_number"]))
    return list(dict.fromkeys(found))


def _through_clearing(books: Json) -> set[int]:
    """Transactions that credited the clearing account with what they debited to payables."""
    sums: dict[int, Decimal] = {}
    for row in books["entries"]:
        if row["account"] == CLEARING:
            sums[row["transaction"]] = sums.get(row["transaction"], Decimal(0)) + Decimal(row["amount"])
    return {transaction for transaction, amount in sums.items() if amount < 0}


def _difference(kind: str, payment: str, invoice: str, amount: Decimal) -> Difference:
    documents = tuple(one for one in (payment, invoice) if one)
    return Difference(kind, documents, amount, "", f"{kind}: {amount} of invoice {invoice} {payment}".strip())
