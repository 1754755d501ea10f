"""Equation (a): the vendor subledger against the control accounts of the general ledger."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Final

from tieout.domain.erp_ledger import AccountRole, VendorLedgerEntry
from tieout.domain.snapshots import AccountPosting, StrayDocument
from tieout.tie_out.classes import Class
from tieout.tie_out.inputs import Inputs
from tieout.tie_out.paying import ZERO
from tieout.tie_out.results import Difference, Equation, Status, Subledger, difference, status_of, tidy

NOT_CONFIGURED = (
    "accounts.control names no account: give the general ledger accounts that payables are posted on "
    "(accounts: {control: [...]}), and apply the connection"
)
# Documents of which every set is tried: a few thousand sets, in milliseconds. Of more, too many sets fit by chance.
TRIED: Final = 12


class Strays:
    """Documents that control accounts and vendor ledger show differently; fed entry by entry, in any order.

    Holds a few values for each document, so a year of a large company fits in memory.
    """

    def __init__(self) -> None:
        self._general: dict[str, dict[str, Decimal]] = {}
        self._vendor: dict[str, Decimal | None] = {}
        self._first: dict[str, AccountPosting | VendorLedgerEntry] = {}

    def general(self, posting: AccountPosting) -> None:
        """An entry of a control account."""
        key = posting.document_number.upper()
        accounts = self._general.setdefault(key, {})
        accounts[posting.account] = accounts.get(posting.account, ZERO) + posting.amount
        self._first.setdefault(key, posting)

    def vendor(self, entry: VendorLedgerEntry) -> None:
        """An entry of the vendor ledger; one whose local amount is not shown makes its document incomparable."""
        key = entry.document_number.upper()
        before = self._vendor.get(key, ZERO)
        known = entry.local_amount is not None and before is not None
        self._vendor[key] = before - entry.local_amount if known else None  # type: ignore[operator]  # both are known
        self._first.setdefault(key, entry)

    def found(self) -> tuple[StrayDocument, ...]:
        """The documents that differ, by number."""
        return tuple(stray for key in sorted(self._first) for stray in self._of(key))

    def _of(self, key: str) -> Iterator[StrayDocument]:
        accounts = self._general.get(key, {})
        if key not in self._vendor:
            for account, amount in sorted(accounts.items()):
                if amount != 0:
                    yield self._stray(key, amount, None, f"on {account}" if len(accounts) > 1 else "")
            return
        general, vendor = sum(accounts.values(), ZERO), self._vendor[key]
        if vendor is not None and vendor != general:
            yield self._stray(key, general, vendor)

    def _stray(self, key: str, general: Decimal, vendor: Decimal | None, where: str = "") -> StrayDocument:
        first = self._first[key]
        return StrayDocument(
            document_number=first.document_number,
            posting_date=first.posting_date,
            description=f"{first.description} {where}".strip(),
            general=general,
            vendor=vendor,
        )


def compare_subledger(inputs: Inputs) -> tuple[Subledger, tuple[Difference, ...]]:
    """Equation (a) with its differences."""
    accounts = inputs.scope.control
    if not accounts:
        return Subledger(status=Status.UNKNOWN, problem=NOT_CONFIGURED), ()
    balances = inputs.erp.balances
    ledger = [each.balance for each in balances if each.query.role is AccountRole.SUBLEDGER and each.as_of is None]
    control = [each.balance for each in balances if each.query.role is AccountRole.CONTROL and each.as_of is None]
    if not ledger or len(control) != len(accounts):
        problem = "the ERP did not give all balances of vendors and control accounts: tieout check"
        return Subledger(status=Status.UNKNOWN, problem=problem, accounts=accounts), ()
    subledger, total, currency = sum(ledger, ZERO), sum(control, ZERO), inputs.erp.currency
    found = tuple(_named(inputs, total - subledger))
    return (
        Subledger(
            status=status_of(found),
            accounts=accounts,
            currency=currency,
            subledger=tidy(subledger, currency),
            control=tidy(total, currency),
            difference=tidy(total - subledger, currency),
        ),
        found,
    )


def _named(inputs: Inputs, rest: Decimal) -> Iterable[Difference]:
    """Documents that only one of both shows, then those that differ in amount, and whatever is left.

    The second kind is only looked at while something is left, see ``_unlike``.
    """
    currency = inputs.erp.currency
    certain = [stray for stray in inputs.erp.strays if stray.vendor is None or stray.general == 0]
    others = [stray for stray in inputs.erp.strays if stray not in certain]
    for stray in certain:
        kind = Class.DIRECT_POSTING_ON_CONTROL if stray.vendor is None else Class.MISSING_ON_CONTROL
        rest -= stray.difference
        yield _difference(kind, stray, currency)
    found = _unlike(others, rest, _in_other_currencies(inputs))
    for stray in found:
        yield _difference(Class.DIRECT_POSTING_ON_CONTROL, stray, currency)
    rest -= _sum(found)
    if rest != 0:
        yield difference(Equation.SUBLEDGER, Class.UNEXPLAINED, (), rest, currency)


def _unlike(strays: Sequence[StrayDocument], rest: Decimal, exchanged: frozenset[str]) -> Sequence[StrayDocument]:
    """Of the documents that both ledgers show, and in different amounts, those that make up what is left.

    An exchange gain or a discount is posted on the control account under the payment's document, and in the vendor
    ledger under the invoice's or under none: nothing is wrong then. So opposite amounts go first, and Tieout's own
    payments in other currencies, ``exchanged``. If the others are not just what is left, the fewest of them that are.
    """
    if rest == 0:
        return ()
    left = [stray for stray in _without_pairs(strays) if stray.document_number.upper() not in exchanged]
    if _sum(left) == rest:
        return left
    for size in range(1, len(left) if len(left) <= TRIED else 0):
        sets = [each for each in combinations(left, size) if _sum(each) == rest]
        if sets:
            # Two sets of one size prove nothing, and no document is accused by chance.
            return sets[0] if len(sets) == 1 else ()
    return ()


def _in_other_currencies(inputs: Inputs) -> frozenset[str]:
    """Documents of Tieout's payments whose posting comes with an exchange gain or loss."""
    paid = (link for link in inputs.links.payments if link.currency not in ("", inputs.erp.currency))
    return frozenset(part.mark.upper() for link in paid for part in link.parts)


def _without_pairs(strays: Sequence[StrayDocument]) -> list[StrayDocument]:
    """Those whose amount does not come as often with the opposite sign; which of them are halves is not known then."""
    count = Counter(stray.difference for stray in strays)
    return [stray for stray in strays if count[stray.difference] != count[-stray.difference]]


def _sum(strays: Iterable[StrayDocument]) -> Decimal:
    return sum((stray.difference for stray in strays), ZERO)


def _difference(kind: Class, stray: StrayDocument, currency: str) -> Difference:
    detail = f"{stray.posting_date}: {stray.description}".rstrip(": ")
    return difference(
        Equation.SUBLEDGER, kind, (stray.document_number,), stray.difference, currency, detail=f"{detail}."
    )
