"""What BILL shows of a bill: whether people changed, archived, denied or passed it on there. Shown, and never undone.

A changed amount or vendor also holds the payments of the bill before they are posted; everything else is for people to
see and stops no payment. What is not plainly as it was written is kept in a row by BILL's id, because BILL may show a
bill before its creation was answered.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from tieout.decide import lifecycle, names, rows, waiting
from tieout.decide.mapping import Unmappable
from tieout.decide.rows import HoldRow, IndexRow, InvoiceRow, LinkRow, SettingsRow, ShownRow
from tieout.decide.state import Draft
from tieout.domain.bill import (
    ApproverStatus,
    Bill,
    BillApprovalStatus,
    BillApprover,
    BillCoding,
    BillPaymentStatus,
)
from tieout.domain.bill_written import canonical_amount
from tieout.domain.money import in_minor_units
from tieout.events.envelope import time_text
from tieout.events.facts import BillObserved
from tieout.events.identity import content_hash

KIND: Final = "bill"
CHANGED: Final = "bill.changed_in_bill"
RECODED: Final = "bill.recoded_in_bill"
REASONS: Final = frozenset(
    {
        CHANGED,
        "bill.archived_in_bill",
        RECODED,
        "bill.denied_in_bill",
        "bill.rerouted_in_bill",
        "bill.approval_missing",
    }
)
"""The holds that come and go with what BILL shows."""

OPEN: Final = frozenset({BillApprovalStatus.ASSIGNED, BillApprovalStatus.APPROVING})
PAYABLE: Final = frozenset({BillApprovalStatus.UNASSIGNED, BillApprovalStatus.APPROVED})
"""With these BILL lets a bill be paid."""


def shown(draft: Draft, fact: BillObserved) -> None:
    """BILL showed a bill. What it showed earlier never overwrites what it showed later."""
    bill = fact.bill
    key = rows.shown_row(bill.id)
    before = draft.read(key, ShownRow)
    if before is not None and before.updated and bill.updated and bill.updated < before.updated:
        return
    owner = draft.read(rows.index_row(KIND, bill.id), IndexRow)
    row = None if owner is None else draft.read(rows.link_row(owner.link), LinkRow)
    now = _seen(draft, bill, row, before)
    if _is_worth_keeping(draft, now, row) if before is None else _is_news(now, before):
        said = (now.approval.value, now.who, now.reason)
        draft.write(key, now, "bill.shown", ", ".join(part for part in said if part))
    if before is not None and now.approval in PAYABLE and before.approval not in PAYABLE:
        waiting.arrived(draft, names.approved(bill.id))
    if before is not None and before.reason == CHANGED and (now.reason, now.params) != (CHANGED, before.params):
        waiting.arrived(draft, names.target(KIND, bill.id))
    if owner is not None and row is not None:
        judge(draft, owner.link, row)


def judge(draft: Draft, link: str, row: LinkRow) -> None:
    """Hold a linked bill for what BILL shows of it, or let it go. While it is to be updated, the answer decides."""
    if row.command or row.wanted or not row.target:
        return
    why = trouble(draft, row)
    held = draft.read(rows.hold_row(link), HoldRow)
    if why is not None:
        if held is None or held.reason in REASONS:
            lifecycle.hold_mapping(draft, link, row, why)
    elif held is not None and held.reason in REASONS:
        draft.remove(rows.hold_row(link), "hold.gone", "BILL shows it as it should be")
        lifecycle.settle(draft, link, row)
        waiting.arrived(draft, names.target(KIND, row.target))


def written(draft: Draft, link: str, row: LinkRow, version: str) -> None:
    """BILL accepted the bill as it is wanted, as its ``version``: of what was shown before it, nothing stands."""
    told = draft.read(rows.shown_row(row.target), ShownRow)
    if told is not None and told.reason and not _is_changed_since(told, version):
        plain = told.model_copy(update={"reason": "", "params": {}})
        draft.write(rows.shown_row(row.target), plain, "bill.written", "BILL has it as the ERP does")
        waiting.arrived(draft, names.target(KIND, row.target))
    judge(draft, link, row)


def _is_changed_since(told: ShownRow, version: str) -> bool:
    """Whether it was changed after that version. Due date and coding do not tell: they are compared with older ones."""
    return told.reason != RECODED and told.updated is not None and time_text(told.updated) > version > ""


def trouble(draft: Draft, row: LinkRow) -> Unmappable | None:
    """What people did to a linked bill in BILL, as a hold says it; None if nothing that matters, or it is settled."""
    told = draft.read(rows.shown_row(row.target), ShownRow) if row.target else None
    invoice = draft.read(rows.invoice_row(row.record), InvoiceRow)
    if told is None or (invoice is not None and invoice.open == 0):
        return None
    number = {"number": row.number}
    if told.reason:
        return Unmappable(told.reason, {**number, **told.params})
    who = {"who": told.who or "an approver", "since": "some time ago" if told.since is None else time_text(told.since)}
    if told.approval is BillApprovalStatus.DENIED:
        return Unmappable("bill.denied_in_bill", {**number, **who})
    if told.rerouted and told.approval in OPEN:
        return Unmappable("bill.rerouted_in_bill", {**number, **who})
    if row.approvals and told.approval is BillApprovalStatus.UNASSIGNED:
        return Unmappable("bill.approval_missing", number)
    return None


def change_of(draft: Draft, bill: str) -> str:
    """How amount or vendor of a bill, by BILL's id, is another one in BILL than in the ERP; ``""`` if it is not."""
    told: ShownRow | HoldRow | None = draft.read(rows.shown_row(bill), ShownRow)
    if told is None:
        # What was shown is not kept: what its bill is held for stands instead.
        owner = draft.read(rows.index_row(KIND, bill), IndexRow)
        told = None if owner is None else draft.read(rows.hold_row(owner.link), HoldRow)
    if told is None or told.reason != CHANGED:
        return ""
    return "{what} is {there} in BILL and {here} in the ERP".format_map(told.params)


def coded(due: str, lines: list[tuple[Decimal, BillCoding]]) -> str:
    """Due date and coding of a bill in one text, in whatever order BILL lists the lines."""
    said = sorted(
        [format(canonical_amount(amount), "f"), coding.account, coding.department, coding.location, coding.job]
        for amount, coding in lines
    )
    return f"{due}/{content_hash({'lines': said})[:16]}"


def _seen(draft: Draft, bill: Bill, row: LinkRow | None, before: ShownRow | None) -> ShownRow:
    approval = bill.approval_status
    asked = ApproverStatus.DENIED if approval is BillApprovalStatus.DENIED else ApproverStatus.WAITING
    approvers = [one for one in bill.approvers if one.status is asked]
    reason, params = ("", {}) if before is None else (before.reason, before.params)
    invoice = None if row is None else draft.read(rows.invoice_row(row.record), InvoiceRow)
    if row is not None and invoice is not None:
        why = _changed(draft, bill, row, invoice)
        reason, params = ("", {}) if why is None else (why.reason, why.params)
    return ShownRow(
        updated=bill.updated,
        approval=approval,
        who=", ".join(one.user for one in approvers),
        since=_last(approvers),
        rerouted=any(one.status is ApproverStatus.REROUTED for one in bill.approvers),
        reason=reason,
        params=params,
    )


def _last(approvers: list[BillApprover]) -> datetime | None:
    return max((one.changed for one in approvers if one.changed is not None), default=None)


def _is_news(now: ShownRow, before: ShownRow) -> bool:
    """A newer stamp alone is news only of what stands against a bill, so that no late reading lifts that."""
    if now.model_copy(update={"updated": before.updated}) != before:
        return True
    return now != before and (bool(now.reason) or now.approval not in PAYABLE)


def _is_worth_keeping(draft: Draft, now: ShownRow, row: LinkRow | None) -> bool:
    """Most bills are as they were written and need nobody: no row is kept of them."""
    if now.reason or now.approval not in (BillApprovalStatus.UNASSIGNED, BillApprovalStatus.UNDEFINED):
        return True
    if now.approval is BillApprovalStatus.UNDEFINED:
        return False
    if row is not None:
        return row.approvals
    settings = draft.read(rows.SETTINGS, SettingsRow)
    return settings is not None and settings.settings.policy.approval == "bill"


def _changed(draft: Draft, bill: Bill, row: LinkRow, invoice: InvoiceRow) -> Unmappable | None:
    """What was changed of it; also while an update is under way, whose answer then says what it has overwritten."""
    if bill.amount is not None and bill.amount != invoice.total:
        there, here = (f"{in_minor_units(one, invoice.currency):f}" for one in (bill.amount, invoice.total))
        return Unmappable(CHANGED, {"what": "the amount", "there": there, "here": here})
    vendor = waiting.target_of(draft, invoice.vendor)
    if vendor and bill.vendor != vendor:
        return Unmappable(CHANGED, {"what": "the vendor", "there": bill.vendor, "here": vendor})
    if bill.archived and bill.payment_status is BillPaymentStatus.UNPAID:
        return Unmappable("bill.archived_in_bill")
    return _recoded(bill, row)


def _recoded(bill: Bill, row: LinkRow) -> Unmappable | None:
    """The due date or the coding; told only where BILL showed both and it is known what it had accepted."""
    lines = [(line.amount, line.coding) for line in bill.lines if line.amount is not None]
    if not row.coded or bill.due_date is None or not lines or len(lines) != len(bill.lines):
        return None
    here, there = row.coded, coded(bill.due_date.isoformat(), lines)
    if here == there:
        return None
    due, was = bill.due_date.isoformat(), here.partition("/")[0]
    what = f"it is due on {due}, not on {was}" if due != was else "its lines are coded otherwise"
    return Unmappable(RECODED, {"what": what})
