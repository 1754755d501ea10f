"""Equation (a): the vendor subledger against the control accounts of the general ledger."""

from collections.abc import Iterable
from decimal import Decimal

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


class Strays:
    """Documents that control accounts and vendor ledger show differently; fed entry by entry, in any order.

    Holds three values for each document, so a year of a large company fits in memory.
    """

    def __init__(self) -> None:
        self._general: dict[str, Decimal] = {}
        self._vendor: dict[str, Decimal | None] = {}
        self._first: dict[str, AccountPosting | VendorLedgerEntry] = {}

    def general(self, posting: AccountPosting) -> None:
        """An entry of a control account."""
        key = posting.document_number.upper()
        self._general[key] = self._general.get(key, ZERO) + posting.amount
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
        return tuple(
            StrayDocument(
                document_number=self._first[key].document_number,
                posting_date=self._first[key].posting_date,
                description=self._first[key].description,
                general=self._general.get(key, ZERO),
                vendor=self._vendor.get(key),
            )
            for key in sorted(self._first)
            if self._differs(key)
        )

    def _differs(self, key: str) -> bool:
        vendor = self._vendor.get(key, ZERO)
        return vendor is not None and vendor != self._general.get(key, ZERO)


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

    The second kind is only looked at while something is left: an exchange gain is posted on the control account under
    the payment's document, and in the vendor ledger under the invoice's, so that both differ and nothing is wrong.
    """
    currency = inputs.erp.currency
    certain = [stray for stray in inputs.erp.strays if stray.vendor is None or stray.general == 0]
    others = [stray for stray in inputs.erp.strays if stray not in certain]
    for stray in certain:
        kind = Class.DIRECT_POSTING_ON_CONTROL if stray.vendor is None else Class.MISSING_ON_CONTROL
        rest -= stray.difference
        yield _difference(kind, stray, currency)
    if rest != 0 and sum((stray.difference for stray in others), ZERO) == rest:
        for stray in others:
            yield _difference(Class.DIRECT_POSTING_ON_CONTROL, stray, currency)
        rest = ZERO
    if rest != 0:
        yield difference(Equation.SUBLEDGER, Class.UNEXPLAINED, (), rest, currency)


def _difference(kind: Class, stray: StrayDocument, currency: str) -> Difference:
    detail = f"{stray.posting_date}: {stray.description}".rstrip(": ")
    return difference(
        Equation.SUBLEDGER, kind, (stray.document_number,), stray.difference, currency, detail=f"{detail}."
    )
