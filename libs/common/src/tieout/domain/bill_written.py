"""What stands in BILL, in the terms of what Tieout writes, so that both can be compared.

``like`` is the content to compare with. It settles what no comparison should turn on: what BILL leaves out, how many
zeros an amount is written with, in which order BILL lists lines, and fields that the content leaves to people.
"""

from collections.abc import Sequence
from decimal import Decimal

from tieout.domain.bill import (
    Bill,
    BillClassification,
    BillClassificationContent,
    BillCoding,
    BillContent,
    BillLine,
    BillLineContent,
    BillVendor,
    BillVendorContent,
)

_CENT = Decimal("0.01")


def vendor_as_written(vendor: BillVendor, like: BillVendorContent | None = None) -> BillVendorContent:
    """A vendor. BILL may leave out a currency, which then is whatever was asked for."""
    return BillVendorContent(
        name=vendor.name,
        short_name=vendor.short_name,
        currency=vendor.currency or ("" if like is None else like.currency),
        address=vendor.address,
        email=vendor.email,
        phone=vendor.phone,
    )


def classification_as_written(
    row: BillClassification, like: BillClassificationContent | None = None
) -> BillClassificationContent:
    """An account, department, location or job. Description and parent are people's where the content has none."""
    return BillClassificationContent(
        kind=row.kind,
        name=row.name,
        number=row.number,
        account_type=row.account_type,
        description="" if like is not None and not like.description else row.description,
        parent="" if like is not None and not like.parent else row.parent,
    )


def bill_as_written(bill: Bill, like: BillContent | None = None) -> BillContent | None:
    """A bill, its lines without their ids; None where the reading leaves out a date, the lines or an amount.

    Credits and the wish for approvals cannot be read from a bill: they are those of ``like``, unless BILL shows credits
    of another sum.
    """
    lines = [_line(line) for line in bill.lines]
    if bill.invoice_date is None or bill.due_date is None or not lines or None in lines:
        return None
    known = [line for line in lines if line is not None]
    same_credits = like is not None and sum((use.amount for use in like.credits), Decimal(0)) == _sum(bill)
    return BillContent(
        vendor=bill.vendor,
        invoice_number=bill.invoice_number,
        invoice_date=bill.invoice_date,
        due_date=bill.due_date,
        lines=tuple(known if like is None else _ordered(known, like.lines)),
        description=bill.description,
        purchase_order=bill.purchase_order,
        coding=BillCoding() if like is not None and like.coding == BillCoding() else bill.coding,
        credits=like.credits if like is not None and same_credits else (),
        approvals=like is not None and like.approvals,
    )


def with_line_ids(content: BillContent, bill: Bill) -> BillContent:
    """The content with each line named after the bill's line that it changes, ``""`` for a new one.

    Equal lines find each other first, so that an edit touches as few as it can; the rest are paired in their order.
    """
    free = [line for line in bill.lines if line.id]
    ids: list[str] = [""] * len(content.lines)
    for position, line in enumerate(content.lines):
        equal = next((one for one in free if _line(one) == line.model_copy(update={"id": ""})), None)
        if equal is not None:
            ids[position] = equal.id
            free.remove(equal)
    for position, identity in enumerate(ids):
        if not identity and free:
            ids[position] = free.pop(0).id
    lines = zip(content.lines, ids, strict=True)
    return content.model_copy(update={"lines": tuple(line.model_copy(update={"id": new}) for line, new in lines)})


def canonical_amount(amount: Decimal) -> Decimal:
    """An amount with two decimals, as BILL writes them; one with more is left as it is."""
    rounded = amount.quantize(_CENT)
    return rounded if rounded == amount else amount


def _line(line: BillLine) -> BillLineContent | None:
    if line.amount is None:
        return None
    return BillLineContent(amount=canonical_amount(line.amount), description=line.description, coding=line.coding)


def _ordered(lines: list[BillLineContent], wanted: Sequence[BillLineContent]) -> list[BillLineContent]:
    """The lines in the order and spelling of equal wanted ones, those that have no equal behind them."""
    left, found = list(lines), []
    for one in wanted:
        plain = one.model_copy(update={"id": ""})
        if plain in left:
            left.remove(plain)
            found.append(plain)
    return found + left


def _sum(bill: Bill) -> Decimal:
    return bill.credited or Decimal(0)
