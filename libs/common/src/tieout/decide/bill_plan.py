"""From a posted invoice to the bill it asks for, still in the ERP's terms: accounts by number, vendor by number.

The bill's total equals what the ERP owes, to the smallest unit, or there is no plan: nothing is rounded away and
nothing is made up. Comment lines are dropped; tax is a line of its own or part of each line; the invoice's discount,
its rounding and what is withheld are lines.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from tieout.decide import names
from tieout.decide.line_accounts import LineAccounts, line_accounts
from tieout.decide.mapping import Unmappable, fit
from tieout.domain.capabilities import TargetField
from tieout.domain.capabilities_bill import BILL
from tieout.domain.erp import ZERO, DimensionCode, InvoiceLine, LineKind, PurchaseInvoice
from tieout.domain.money import smallest_unit
from tieout.domain.settings import Classification, ConnectionSettings

NUMBER_LENGTH: Final = BILL.lengths[TargetField.INVOICE_NUMBER]
TEXT_LENGTH: Final = BILL.lengths[TargetField.DESCRIPTION]
CONFIGURED: Final = (LineKind.ITEM, LineKind.CHARGE, LineKind.ASSET, LineKind.RESOURCE)


@dataclass(frozen=True)
class PlanLine:
    """A line of the bill: amount in document currency, coding by names, and text."""

    amount: Decimal
    account: str
    description: str
    coding: tuple[tuple[str, str], ...] = ()
    """Pairs of BILL's classification and the name of the dimension value."""

    def as_json(self) -> dict[str, Any]:
        """For the row of what is wanted."""
        return {
            "amount": format(self.amount, "f"),
            "account": self.account,
            "description": self.description,
            "coding": [list(pair) for pair in self.coding],
        }


@dataclass(frozen=True)
class BillPlan:
    """A bill in the ERP's terms."""

    vendor: str
    invoice_number: str
    original_number: str
    invoice_date: date
    due_date: date
    description: str
    purchase_order: str
    lines: tuple[PlanLine, ...]

    def as_json(self) -> dict[str, Any]:
        """For the row of what is wanted."""
        return {
            "vendor": self.vendor,
            "invoice_number": self.invoice_number,
            "original_number": self.original_number,
            "invoice_date": self.invoice_date.isoformat(),
            "due_date": self.due_date.isoformat(),
            "description": self.description,
            "purchase_order": self.purchase_order,
            "lines": [line.as_json() for line in self.lines],
        }

    def needs(self) -> tuple[str, ...]:
        """Names that must be in BILL before the bill, each once, in order: vendor, accounts, classifications."""
        coded = [name for line in self.lines for _kind, name in line.coding]
        return tuple(dict.fromkeys([self.vendor, *(line.account for line in self.lines), *coded]))


def bill_number(original: str) -> str:
    """A vendor's invoice number within BILL's 21 characters: as it is, or with a hash for a tail."""
    number = original.strip()
    if len(number) <= NUMBER_LENGTH:
        return number
    tail = hashlib.sha256(number.encode()).hexdigest()[:6].upper()
    return f"{number[: NUMBER_LENGTH - len(tail) - 1].rstrip()}~{tail}"


def plan_bill(invoice: PurchaseInvoice, settings: ConnectionSettings) -> BillPlan | Unmappable:
    """The bill an invoice asks for, or why there can be none."""
    number = {"number": invoice.number}
    if not invoice.vendor_invoice_number.strip():
        return Unmappable("bill.number_missing", number)
    if invoice.due_date is None:
        return Unmappable("bill.due_date_missing", number)
    step = smallest_unit(invoice.currency)
    if step < Decimal(1).scaleb(-BILL.decimals) and invoice.payable % Decimal(1).scaleb(-BILL.decimals) != 0:
        return Unmappable("bill.decimals", {**number, "currency": invoice.currency})
    lines = _lines(invoice, settings)
    if isinstance(lines, Unmappable):
        return lines
    off = invoice.payable - sum((line.amount for line in lines), ZERO)
    if off != 0:
        return Unmappable("bill.total_unexplained", {**number, "difference": f"{off:f} {invoice.currency}"})
    original = invoice.vendor_invoice_number.strip()
    short = bill_number(original)
    note = f"{invoice.number}" if short == original else f"{invoice.number}, invoice number {original}"
    return BillPlan(
        vendor=names.vendor(invoice.pay_to.number, invoice.currency),
        invoice_number=short,
        original_number=original,
        invoice_date=invoice.document_date,
        due_date=invoice.due_date,
        description=fit(note, TEXT_LENGTH),
        purchase_order=invoice.order_number,
        lines=lines,
    )


def _lines(invoice: PurchaseInvoice, settings: ConnectionSettings) -> tuple[PlanLine, ...] | Unmappable:
    configured = {kind: getattr(settings.mapping.line_accounts, kind.value) or "" for kind in CONFIGURED}
    accounts = line_accounts(invoice, configured)
    real = [line for line in invoice.lines if line.kind is not LineKind.COMMENT and (line.net != 0 or line.tax != 0)]
    unknown = [line for line in real if not accounts.lines.get(line.id)]
    if unknown:
        kinds = ", ".join(sorted({line.kind.value for line in unknown}))
        params = {"number": invoice.number, "lines": str(len(unknown)), "kinds": kinds}
        return Unmappable("bill.line_account_unknown", params)
    gross_up = settings.mapping.tax == "gross-up"
    taxes = _taxes(invoice, real) if gross_up else {}
    planned = [_line(invoice, line, accounts, settings, line.net + taxes.get(line.id, ZERO)) for line in real]
    if invoice.tax != 0 and not gross_up:
        if not accounts.tax:
            return Unmappable("bill.tax_account_unknown", {"number": invoice.number})
        planned.append(PlanLine(invoice.tax, names.account(accounts.tax), "Tax"))
    return tuple(planned + _adjustments(invoice, real, accounts))


def _line(
    invoice: PurchaseInvoice, line: InvoiceLine, accounts: LineAccounts, settings: ConnectionSettings, amount: Decimal
) -> PlanLine:
    coding, notes = _coding(line.dimensions or invoice.dimensions, settings)
    text = "; ".join(part for part in (line.description.strip(), *notes) if part)
    return PlanLine(amount, names.account(accounts.lines[line.id]), fit(text, TEXT_LENGTH), coding)


def _coding(
    dimensions: tuple[DimensionCode, ...], settings: ConnectionSettings
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Dimensions as BILL's classifications; one that has none there is written into the text, never dropped."""
    mapped = {code.upper(): kind for code, kind in settings.mapping.dimensions.items()}
    coding, notes = [], []
    for one in sorted(dimensions, key=lambda d: d.dimension):
        kind = mapped.get(one.dimension.upper(), Classification.DESCRIPTION)
        if kind is Classification.DESCRIPTION:
            notes.append(f"{one.dimension}={one.value}")
        else:
            coding.append((kind.value, names.dimension(one.dimension, one.value)))
    return tuple(coding), notes


def _adjustments(invoice: PurchaseInvoice, lines: list[InvoiceLine], accounts: LineAccounts) -> list[PlanLine]:
    """Discount, rounding and what is withheld, each a line, on the account it was posted to if that is known."""
    if not lines:
        return []
    largest = max(lines, key=lambda line: (abs(line.net), line.id))
    by_default = names.account(accounts.lines[largest.id])
    found = []
    if invoice.discount != 0:
        found += _discounts(invoice, lines, accounts, by_default)
    if invoice.rounding != 0:
        account = names.account(accounts.rounding) if accounts.rounding else by_default
        found.append(PlanLine(invoice.rounding, account, "Rounding"))
    if invoice.withheld != 0:
        found.append(PlanLine(-invoice.withheld, by_default, "Withheld"))
    return found


def _discounts(
    invoice: PurchaseInvoice, lines: list[InvoiceLine], accounts: LineAccounts, by_default: str
) -> list[PlanLine]:
    if accounts.discount:
        return [PlanLine(-invoice.discount, names.account(accounts.discount), "Invoice discount")]
    shares: dict[str, Decimal] = {}
    for line in lines:
        account = names.account(accounts.lines[line.id])
        shares[account] = shares.get(account, ZERO) + line.invoice_discount
    if sum(shares.values(), ZERO) != invoice.discount:
        shares = {by_default: invoice.discount}
    return [PlanLine(-amount, account, "Invoice discount") for account, amount in shares.items() if amount != 0]


def _taxes(invoice: PurchaseInvoice, lines: list[InvoiceLine]) -> dict[str, Decimal]:
    """Each line's share of the tax: its own, else by net; what rounding leaves goes to the largest."""
    if sum((line.tax for line in lines), ZERO) == invoice.tax:
        return {line.id: line.tax for line in lines}
    base = sum((line.net for line in lines), ZERO)
    if base == 0 or not lines:
        return {}
    step = smallest_unit(invoice.currency)
    shares = {line.id: (invoice.tax * line.net / base).quantize(step, ROUND_DOWN) for line in lines}
    largest = max(lines, key=lambda line: (abs(line.net), line.id))
    shares[largest.id] += invoice.tax - sum(shares.values(), ZERO)
    return shares
