"""Reversal links: a recorded payment that BILL has voided, undone in the ERP and never by an opposing entry."""

from datetime import date
from typing import Any

from tieout.decide import discounts, lifecycle, rows
from tieout.decide.frames import frame_of
from tieout.decide.rows import LinkRow, OrderRow, PaymentRow, Phase, SettingsRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill_payments import BillPayment
from tieout.domain.erp_orders import ReversalOrder
from tieout.events.commands import ErpCommand, Intent, Priority
from tieout.events.facts import Candidate
from tieout.events.identity import content_hash, mark

KIND = "reversal"


def want(draft: Draft, link: str, seen: PaymentRow) -> None:
    """Ask for the reversal of what ``link`` recorded; nothing happens if it was asked for."""
    recorded = draft.read(rows.order_row(link), OrderRow)
    settings = draft.read(rows.SETTINGS, SettingsRow)
    own = f"{KIND}/{seen.payment.id}"
    if recorded is None or settings is None or draft.read(rows.link_row(own), LinkRow) is not None:
        return
    bill, erp = settings.settings.bill, settings.settings.erp
    day = _void_date(seen.payment, draft.origin.time.date())
    order = ReversalOrder(
        mark=mark(bill.organization, erp.identity, own, KIND),
        payment=recorded.order,
        posted=recorded.entries,
        reversal_date=day,
        posting_date=max(day, recorded.order.posting_date),
        reason=seen.payment.status_said or seen.payment.single_status.value,
    )
    payment = draft.read(rows.link_row(link), LinkRow)
    number = payment.number if payment is not None else seen.payment.id
    row = LinkRow(kind=KIND, phase=Phase.IGNORED, record=seen.payment.id, number=number, priority=Priority.PAYMENT)
    content = {"order": order.model_dump(mode="json", exclude_defaults=True)}
    for application in recorded.order.applications:
        if application.discount > 0:
            discounts.take_back(draft, application.document, seen.payment.id)
    lifecycle.want(draft, own, row, WantRow(content=content), content_hash(content), build)


def _void_date(payment: BillPayment, seen: date) -> date:
    """When BILL undid the payment: the last word on its void, else the day it was seen."""
    stamps = [void.updated for void in payment.voids if void.updated is not None]
    last = max(stamps) if stamps else payment.updated
    return seen if last is None else last.date()


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> ErpCommand:
    """The command that undoes the payment."""
    order = ReversalOrder.model_validate(want.content["order"])
    hashed = content_hash(want.content)
    lane = f"vendor/{order.payment.vendor.number}"
    frame = frame_of(draft, link, row, settings, Intent.ERP_REVERSAL, hashed, lane)
    return ErpCommand(**(frame | {"mark": order.mark}), order=order)


def fits(_row: LinkRow, _candidate: Candidate, _want: dict[str, Any]) -> bool:
    """A reversal is found by the payment it undoes, never by likeness."""
    return False
