"""How large a company is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts of what there is; the invoices of the different fields are different invoices.

    Attributes:
        vendors: all of them, the odd ones of ``vendors.ODD`` included.
        open: posted within the cut-over and not paid. discounted: so many of them with an invoice discount.
        documents: so many of them with a file.
        part_paid: open, a part paid by hand. on_hold: open, on hold.
        blocked: open, of the vendor that was blocked for payment afterwards.
        older: open from before the cut-over, not to be moved. also: the same, but named in the cut-over.
        paid: paid before the cut-over. paid_since: posted within it, and paid by hand since.
        drafts, orders: not posted, not to be moved.
    """

    vendors: int
    open: int
    discounted: int
    documents: int
    part_paid: int
    on_hold: int
    blocked: int
    older: int
    also: int
    paid: int
    paid_since: int
    drafts: int
    orders: int


FULL = Size(
    vendors=45,
    open=300,
    discounted=20,
    documents=24,
    part_paid=20,
    on_hold=15,
    blocked=2,
    older=10,
    also=2,
    paid=488,
    paid_since=12,
    drafts=12,
    orders=12,
)
SMALL = Size(
    vendors=14,
    open=24,
    discounted=3,
    documents=3,
    part_paid=4,
    on_hold=3,
    blocked=1,
    older=3,
    also=1,
    paid=12,
    paid_since=2,
    drafts=2,
    orders=2,
)
"""For tests: one of everything, in seconds."""
