"""What settles an invoice in the ERP and not in BILL, told to BILL as a payment made outside.

That is what was paid before its bill existed, and payment discounts (``discounts``). BILL takes no payment of a bill
that it still wants approved, so that one is held, and goes by itself once it is.
"""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from tieout.decide import bill_side, lifecycle, names, rows, waiting
from tieout.decide.frames import frame_of
from tieout.decide.rows import (
    HoldRow,
    InvoiceRow,
    LinkRow,
    Phase,
    SettingsRow,
    ShownRow,
    WantRow,
)
from tieout.decide.state import Draft
from tieout.domain.bill import BillApprovalStatus
from tieout.domain.bill_payments import AWAITS_APPROVAL, RecordedPart, RecordedPaymentContent
from tieout.domain.bill_written import canonical_amount
from tieout.events.commands import Intent, PaymentRecordCommand, Priority
from tieout.events.facts import Candidate, OutcomeFact, Result
from tieout.events.identity import content_hash, mark

KIND = "paid"
# How often it is tried again at once when BILL has approved the bill meanwhile; after that a person is asked.
TRIES: Final = 3


def want(draft: Draft, record: str) -> None:
    """Tell BILL what was paid of an invoice (by the ERP's id) before its bill was created, if anything was."""
    link = f"{KIND}/{record}"
    invoice = draft.read(rows.invoice_row(record), InvoiceRow)
    if invoice is None or invoice.open is None or draft.read(rows.link_row(link), LinkRow) is not None:
        return
    amount = invoice.total - invoice.open
    if amount <= 0:
        return
    tell(draft, record, record, amount, f"Paid before {invoice.number} came to BILL")


def tell(draft: Draft, own: str, record: str, amount: Decimal, description: str) -> None:
    """Ask for the link ``own`` of this kind: so much of an invoice (by the ERP's id) was settled outside BILL."""
    invoice = draft.read(rows.invoice_row(record), InvoiceRow)
    if invoice is None:
        return
    row = LinkRow(kind=KIND, phase=Phase.IGNORED, record=own, number=invoice.number, priority=Priority.DOCUMENT)
    vendor, bill = invoice.vendor, names.bill(record)
    content = {
        "vendor": vendor,
        "bill": bill,
        "amount": format(amount, "f"),
        "date": draft.origin.time.date().isoformat(),
        "description": description,
    }
    want = WantRow(content=content, needs=(vendor, bill))
    lifecycle.want(draft, f"{KIND}/{own}", row, want, content_hash(content), build)


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> PaymentRecordCommand:
    """The command that tells BILL; the mark is the payment's reference there."""
    plan = want.content
    bill, erp = settings.settings.bill, settings.settings.erp
    content = RecordedPaymentContent(
        vendor=waiting.target_of(draft, plan["vendor"]),
        process_date=date.fromisoformat(plan["date"]),
        parts=(
            RecordedPart(bill=waiting.target_of(draft, plan["bill"]), amount=canonical_amount(Decimal(plan["amount"]))),
        ),
        sync_reference=mark(bill.organization, erp.identity, link, row.kind),
        description=plan["description"],
    )
    hashed = content_hash(content.model_dump(mode="json", exclude_defaults=True))
    frame = frame_of(draft, link, row, settings, Intent.PAYMENT_RECORD, hashed, f"{KIND}/{content.parts[0].bill}")
    return PaymentRecordCommand(**frame, content=content)


def fits(_row: LinkRow, _candidate: Candidate, _want: dict[str, Any]) -> bool:
    """The writer finds it by the mark, which nothing else carries."""
    return True


def answered(draft: Draft, _before: LinkRow, row: LinkRow, fact: OutcomeFact) -> None:
    """Refused because the bill is not approved: it waits for that, if it is still to come, and not for a person."""
    if fact.result is not Result.REJECTED or fact.code != AWAITS_APPROVAL:
        return
    asked = draft.read(rows.want_row(fact.link), WantRow)
    bill = "" if asked is None else waiting.target_of(draft, asked.content["bill"])
    told = draft.read(rows.shown_row(bill), ShownRow)
    if told is not None and told.approval in bill_side.PAYABLE:
        # Its approval has come already and is waited for by nobody: after a few tries a person releases the refusal.
        if row.attempt <= TRIES:
            draft.remove(rows.hold_row(fact.link), "hold.gone", "it was approved meanwhile")
            lifecycle.request(draft, fact.link, row, build)
        return
    if told is None:
        draft.write(rows.shown_row(bill), ShownRow(approval=BillApprovalStatus.ASSIGNED), "bill.shown", "ASSIGNED")
    params = {"number": row.number, "bill": bill}
    origin = draft.origin
    held = HoldRow(reason="paid.awaits_approval", params=params, since=origin.time, fact=origin.fact, mapping=True)
    lifecycle.hold(draft, fact.link, row, held)
    waiting.watch(draft, fact.link, names.approved(bill))


def reconsider(draft: Draft, row: LinkRow) -> None:
    """The bill was approved in BILL."""
    link = f"{KIND}/{row.record}"
    draft.remove(rows.hold_row(link), "hold.gone", "BILL has approved the bill")
    lifecycle.request(draft, link, row, build)
