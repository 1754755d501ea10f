"""The proof of a payment, from entries that were read. Pure.

Page 29 does not show which payment settled which invoice. What does: each invoice has a line and so an entry of its
own, which can only have been applied to that invoice; what of the entry is used up; and by how much the invoice fell.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from tieout.domain.erp import ZERO
from tieout.domain.erp_ledger import VendorLedgerEntry
from tieout.domain.erp_orders import AccountKind, Application, EntryRef, PaymentOrder, PostingAccount
from tieout.domain.erp_outcomes import Applied, OpenAmount, PostedPayment
from tieout.domain.money import Money
from tieout_connectors.business_central import fitness
from tieout_connectors.business_central.wire.postings import Entry, Posting

T = TypeVar("T", str, date)


def posted_payment(
    order: PaymentOrder,
    entries: Sequence[VendorLedgerEntry],
    invoices: Sequence[Entry],
    postings: Sequence[Posting],
    before: Sequence[OpenAmount],
    local_currency: str,
) -> PostedPayment:
    """The payment as the ledgers show it; ``entries`` are those of the order's applications, in their order.

    ``before`` is what was open before it was posted. Where that is not known, or was measured after the posting, an
    application counts as far as its entry is used up and its invoice is settled at all.
    """
    nets = {one.document_number: _nets(postings, one.document_number) for one in entries}
    clearing = _clearing(order, nets.values())
    currency = entries[0].currency
    is_local = currency == local_currency
    earlier = {(one.document, one.instalment): one.open for one in before}
    applied = []
    for application, entry in zip(order.applications, entries, strict=True):
        invoice = fitness.entry_of(order, application, invoices)
        was = earlier.get((application.document, application.instalment))
        net = nets[entry.document_number] if is_local else None
        applied.append(_applied(application, entry, invoice, was, _discount(net, clearing.number)))
    return PostedPayment(
        mark=order.mark,
        entries=(
            *(EntryRef(ledger="vendor", id=one.id) for one in entries),
            *(EntryRef(ledger="general", id=one.number) for one in postings),
        ),
        document_numbers=tuple(one.document_number for one in entries),
        vendor_number=_odd(order.vendor.number, [one.vendor_number for one in entries]),
        posting_date=_odd(order.posting_date, [one.posting_date for one in entries]),
        cash=Money(amount=sum((-one.amount for one in entries), ZERO), currency=currency),
        applied=tuple(applied),
        unapplied=sum((-(one.open or ZERO) for one in entries), ZERO),
        clearing=clearing,
        cleared=_cleared(entries, nets.values(), clearing.number, is_local=is_local),
    )


def _odd(wanted: T, have: Sequence[T]) -> T:
    """What is as wanted everywhere, or the first that is not."""
    return next((one for one in have if one != wanted), wanted)


def _nets(postings: Sequence[Posting], document: str) -> dict[str, Decimal]:
    """Per account, what a document moved in all; debit positive, so that what was undone is 0."""
    nets: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in postings:
        if one.document == document:
            nets[one.account] += one.amount
    return dict(nets)


def _clearing(order: PaymentOrder, nets: Collection[Mapping[str, Decimal]]) -> PostingAccount:
    """The account that was credited: the ordered one, or the one that got most of it instead."""
    total: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for each in nets:
        for account, amount in each.items():
            total[account] += amount
    if not total or total.get(order.clearing.number, ZERO) < 0:
        return order.clearing
    return PostingAccount(kind=AccountKind.GENERAL, number=min(total, key=lambda account: (total[account], account)))


def _cleared(
    entries: Sequence[VendorLedgerEntry], nets: Collection[Mapping[str, Decimal]], clearing: str, *, is_local: bool
) -> Decimal | None:
    """What was credited to clearing, in the payment's currency; None where that cannot be told.

    The general ledger is in local currency. A foreign payment is credited in full if that is what its entries are
    worth there.
    """
    credited = -sum((each.get(clearing, ZERO) for each in nets), ZERO)
    if is_local:
        return credited
    worth = [one.local_amount for one in entries]
    if credited == -sum((one for one in worth if one is not None), ZERO) and None not in worth:
        return -sum((one.amount for one in entries), ZERO)
    return None if None in worth else credited


def _discount(nets: Mapping[str, Decimal] | None, clearing: str) -> Decimal | None:
    """What else was credited: the discount, with its tax. None in a foreign currency, where gains are credited too."""
    if nets is None:
        return None
    return -sum((amount for account, amount in nets.items() if account != clearing and amount < 0), ZERO)


def _applied(
    application: Application,
    entry: VendorLedgerEntry,
    invoice: VendorLedgerEntry | None,
    was: Decimal | None,
    discount: Decimal | None,
) -> Applied:
    still = None if invoice is None else invoice.open
    used = -entry.amount + (entry.open or ZERO)
    settled = ZERO if invoice is None or still is None else invoice.amount - still
    measured = was is not None and still is not None and was > still
    fallen = was - still if measured and was is not None and still is not None else settled
    if discount is None:
        discount = max(fallen - used, ZERO) if measured else ZERO
    return Applied(
        settles=application.settles,
        document=application.document,
        instalment=application.instalment,
        amount=max(min(used, fallen - discount), ZERO),
        discount=discount,
        open_after=still,
    )
