"""Payment discounts that were taken in the ERP with a payment of BILL's, told to BILL so that nobody pays them again.

BILL's API cannot undo what it was told: when the payment becomes void, a person takes the discount back there, unless
the next payment of the invoice takes it over.
"""

from decimal import Decimal
from typing import Final

from tieout.decide import lifecycle, names, paid_outside, rows, waiting
from tieout.decide.rows import HoldRow, IndexRow, LinkRow, OrderRow, PaymentRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill_payments import BillPayment, PaymentStage
from tieout.events.facts import OutcomeFact

TAKE_BACK: Final = "paid.take_back"
# Holds of what BILL may have, although that is not known.
MAYBE_THERE: Final = frozenset({"doubt.unsettled", "match.ambiguous", "match.taken"})
# Discounts of one invoice that are looked at: each is of another payment that closed it.
MOST: Final = 20


def taken(draft: Draft, record: str, payment: str, amount: Decimal) -> None:
    """Tell BILL of the discount that a payment took of an invoice, so that the rest of its bill is not paid again.

    One of that invoice that stands in BILL already, of a payment that is void by now, is this payment's from now on.
    """
    own = f"{record}/{payment}"
    if amount <= 0 or draft.read(rows.link_row(f"{paid_outside.KIND}/{own}"), LinkRow) is not None:
        return
    standing = [(link, row) for link, row in _discounts(draft, record) if _stands(row)]
    for link, row in standing:
        _let_go(draft, link, row, "a later payment took the discount")
    if not standing:
        paid_outside.tell(draft, own, record, amount, "Payment discount")


def take_back(draft: Draft, record: str, payment: str) -> None:
    """A payment that took a discount of an invoice is void: what BILL was not told yet is dropped, the rest is held."""
    for link, row in _discounts(draft, record):
        if link == f"{paid_outside.KIND}/{record}/{payment}" or _is_undone(draft, row):
            _take_back(draft, link, row)


def shown(draft: Draft, payment: BillPayment) -> bool:
    """Whether BILL showed a payment that Tieout recorded there; undone there, nobody has to take it back any more."""
    owner = draft.read(rows.index_row(paid_outside.KIND, payment.id), IndexRow)
    row = None if owner is None else draft.read(rows.link_row(owner.link), LinkRow)
    if owner is None or row is None:
        return False
    if payment.stage is PaymentStage.UNDONE and row.usable:
        row = row.model_copy(update={"usable": False})
        draft.write(rows.link_row(owner.link), row, "paid.gone", "BILL shows it undone")
        _let_go(draft, owner.link, row, "BILL shows it undone")
    return True


def answered(draft: Draft, before: LinkRow, row: LinkRow, fact: OutcomeFact) -> None:
    """One whose payment is void by now is dropped, or taken back; else as anything that was paid outside."""
    if _is_undone(draft, row):
        _take_back(draft, fact.link, row)
    else:
        paid_outside.answered(draft, before, row, fact)


def reconsider(draft: Draft, row: LinkRow) -> None:
    """A person has taken it back in BILL; else as anything that was paid outside."""
    link = f"{paid_outside.KIND}/{row.record}"
    held = draft.read(rows.hold_row(link), HoldRow)
    if held is not None and held.reason == TAKE_BACK:
        return
    if held is None and draft.read(rows.want_row(link), WantRow) is None:
        lifecycle.settle(draft, link, row.model_copy(update={"usable": False}))
        return
    paid_outside.reconsider(draft, row)


def _discounts(draft: Draft, record: str) -> list[tuple[str, LinkRow]]:
    """What BILL was told, or is to be told, of discounts on an invoice."""
    found = []
    for key in draft.keys(rows.link_row(f"{paid_outside.KIND}/{record}/"), MOST):
        row = draft.read(key, LinkRow)
        if row is not None:
            found.append((key.removeprefix(rows.link_row("")), row))
    return found


def _stands(row: LinkRow) -> bool:
    """BILL has it, or is to have it."""
    return row.usable and bool(row.target or row.wanted)


def _is_undone(draft: Draft, row: LinkRow) -> bool:
    """Whether the payment that took the discount is void."""
    seen = draft.read(rows.payment_row(row.record.rpartition("/")[2]), PaymentRow)
    return "/" in row.record and seen is not None and seen.undo


def _take_back(draft: Draft, link: str, row: LinkRow) -> None:
    held = draft.read(rows.hold_row(link), HoldRow)
    doubtful = held is not None and held.reason in MAYBE_THERE
    if not row.usable or (held is not None and held.reason == TAKE_BACK):
        return
    draft.remove(rows.want_row(link), "want.gone", "the payment is void")
    row = row.model_copy(update={"wanted": ""})
    if row.command:
        # Its answer tells whether it stands there; it is not asked for again.
        draft.write(rows.link_row(link), row, "unwanted", "the payment is void")
        return
    if not row.target and not doubtful:
        draft.remove(rows.hold_row(link), "hold.gone", "the payment is void")
        lifecycle.settle(draft, link, row)
        return
    record, _, payment = row.record.rpartition("/")
    order = draft.read(rows.order_row(f"payment/{payment}"), OrderRow)
    bill = waiting.target_of(draft, names.bill(record))
    applied = () if order is None else order.order.applications
    params = {
        "number": row.number,
        "amount": ", ".join(format(one.discount, "f") for one in applied if one.document == record),
        "currency": "" if order is None else order.order.cash.currency,
        "target": row.target,
        "bill": bill,
    }
    origin = draft.origin
    take_back = HoldRow(reason=TAKE_BACK, params=params, since=origin.time, fact=origin.fact)
    lifecycle.hold(draft, link, row, take_back)


def _let_go(draft: Draft, link: str, row: LinkRow, why: str) -> None:
    held = draft.read(rows.hold_row(link), HoldRow)
    if held is not None and held.reason == TAKE_BACK:
        draft.remove(rows.hold_row(link), "hold.gone", why)
        lifecycle.settle(draft, link, row)
