"""Which account each line of an invoice was posted to, read off the ledger entries its posting made.

Account lines name theirs. Item, charge, asset and resource lines do not, and an ERP adds several lines into one entry;
so the lines, the tax, the discount and the rounding are laid onto the accounts' sums until every sum is explained. A
placing counts only if it is the only one: two that differ say nothing, and then a configured account is used, or none.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Final

from tieout.domain.erp import ZERO, InvoiceLine, LineKind, PurchaseInvoice

TAX: Final = "tax"
DISCOUNT: Final = "discount"
ROUNDING: Final = "rounding"
# Placings tried before an invoice counts as ambiguous: enough for thirty lines on five accounts, a few milliseconds.
TRIES: Final = 20_000
# Placings compared for what they agree on; more of them than this agree on nothing worth having.
PLACINGS: Final = 50
# Each entry in the local currency was rounded by itself, so a foreign invoice's sums may be off by a cent per line.
CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class LineAccounts:
    """Accounts by line id, and of the parts that are no lines; ``""`` or absent where nothing is certain."""

    lines: Mapping[str, str]
    tax: str = ""
    discount: str = ""
    rounding: str = ""


@dataclass(frozen=True)
class _Part:
    name: str
    amount: Decimal


@dataclass
class _Search:
    """Lay parts onto accounts, largest first."""

    parts: list[_Part]
    left: dict[str, Decimal]
    tolerance: Decimal
    tries: int = 0
    placed: dict[str, str] = field(default_factory=dict)

    def solutions(self, at: int = 0) -> Iterator[dict[str, str]]:
        """Placings that leave nothing unexplained."""
        self.tries += 1
        if self.tries > TRIES:
            return
        if at == len(self.parts):
            if all(abs(rest) <= self.tolerance for rest in self.left.values()):
                yield dict(self.placed)
            return
        part = self.parts[at]
        for account in sorted(self.left):
            rest = self.left[account] - part.amount
            if part.amount > 0 and rest < -self.tolerance and not self._negatives(at):
                continue
            self.left[account], self.placed[part.name] = rest, account
            yield from self.solutions(at + 1)
            self.left[account] = rest + part.amount
            del self.placed[part.name]

    def _negatives(self, at: int) -> bool:
        return any(part.amount < 0 for part in self.parts[at + 1 :])


def line_accounts(invoice: PurchaseInvoice, configured: Mapping[LineKind, str]) -> LineAccounts:
    """The accounts of an invoice's lines. A line that is in nobody's certain place is left out of the result."""
    lines = [line for line in invoice.lines if line.kind is not LineKind.COMMENT]
    own = {line.id: line.account for line in lines if line.account}
    found = _from_postings(invoice, lines) if invoice.postings else None
    certain = dict(found.lines) if found is not None else {}
    for line in lines:
        account = own.get(line.id) or certain.get(line.id) or configured.get(line.kind, "")
        if account:
            certain[line.id] = account
    if found is None:
        return LineAccounts(certain)
    return LineAccounts(certain, found.tax, found.discount, found.rounding)


def _from_postings(invoice: PurchaseInvoice, lines: list[InvoiceLine]) -> LineAccounts | None:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for posting in invoice.postings or ():
        amount = posting.amount if posting.document_amount is None else posting.document_amount
        sums[posting.account] += amount
    scale = _scale(invoice, sums)
    if scale is None:
        return None
    payables = [account for account, amount in sums.items() if abs(amount + invoice.total * scale) <= CENT]
    if len(payables) != 1:
        return None
    del sums[payables[0]]
    tolerance = ZERO if scale == 1 else CENT * (len(lines) + 2)
    for net_of_discount in (True, False):
        result = _placed(invoice, lines, dict(sums), scale, tolerance, net_of_discount=net_of_discount)
        if result is not None:
            return result
    return None


def _scale(invoice: PurchaseInvoice, sums: Mapping[str, Decimal]) -> Decimal | None:
    """Local currency per document currency, from the payables entry: the largest credit."""
    if not sums or invoice.total == 0:
        return None
    payables = -min(sums.values())
    return Decimal(1) if abs(payables - invoice.total) <= CENT else payables / invoice.total


def _placed(
    invoice: PurchaseInvoice,
    lines: list[InvoiceLine],
    sums: dict[str, Decimal],
    scale: Decimal,
    tolerance: Decimal,
    *,
    net_of_discount: bool,
) -> LineAccounts | None:
    def booked(line: InvoiceLine) -> Decimal:
        return (line.net - (line.invoice_discount if net_of_discount else ZERO)) * scale

    for line in lines:
        if line.account:
            sums[line.account] = sums.get(line.account, ZERO) - booked(line)
    parts = [_Part(line.id, booked(line)) for line in lines if not line.account and booked(line) != 0]
    extra = {TAX: invoice.tax, ROUNDING: invoice.rounding, DISCOUNT: ZERO if net_of_discount else -invoice.discount}
    parts += [_Part(f"#{name}", amount * scale) for name, amount in extra.items() if amount != 0]
    parts.sort(key=lambda part: (-abs(part.amount), part.name))
    search = _Search(parts, {account: rest for account, rest in sums.items() if abs(rest) > tolerance}, tolerance)
    found = list(islice(search.solutions(), PLACINGS))
    if not found or len(found) == PLACINGS or search.tries > TRIES:
        return None
    agreed = {name: account for name, account in found[0].items() if all(other[name] == account for other in found)}
    return LineAccounts(
        {name: account for name, account in agreed.items() if not name.startswith("#")},
        tax=agreed.get(f"#{TAX}", ""),
        discount=agreed.get(f"#{DISCOUNT}", ""),
        rounding=agreed.get(f"#{ROUNDING}", ""),
    )
