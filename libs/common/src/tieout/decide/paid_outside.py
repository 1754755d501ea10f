"""What was paid in the ERP before an invoice's bill existed, told to BILL as a payment made outside."""

from datetime import date
from decimal import Decimal
from typing import Any

from tieout.decide import lifecycle, names, rows, waiting
from tieout.decide.masters import frame_of
from tieout.decide.rows import InvoiceRow, LinkRow, Phase, SettingsRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill_payments import RecordedPart, RecordedPaymentContent
from tieout.events.commands import Intent, PaymentRecordCommand, Priority
from tieout.events.facts import Candidate
from tieout.events.identity import content_hash, mark

KIND = "paid"


def want(draft: Draft, record: str) -> None:
    """Tell BILL what was paid of an invoice (by the ERP's id) before its bill was created, if anything was."""
    link = f"{KIND}/{record}"
    invoice = draft.read(rows.invoice_row(record), InvoiceRow)
    if invoice is None or invoice.open is None or draft.read(rows.link_row(link), LinkRow) is not None:
        return
    amount = invoice.total - invoice.open
    if amount <= 0:
        return
    row = LinkRow(kind=KIND, phase=Phase.IGNORED, record=record, number=invoice.number, priority=Priority.DOCUMENT)
    vendor, bill = invoice.vendor, names.bill(record)
    content = {
        "vendor": vendor,
        "bill": bill,
        "amount": format(amount, "f"),
        "date": draft.origin.time.date().isoformat(),
        "description": f"Paid before {invoice.number} came to BILL",
    }
    lifecycle.want(draft, link, row, WantRow(content=content, needs=(vendor, bill)), content_hash(content), build)


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> PaymentRecordCommand:
    """The command that tells BILL; the mark is the payment's reference there."""
    plan = want.content
    bill, erp = settings.settings.bill, settings.settings.erp
    content = RecordedPaymentContent(
        vendor=waiting.target_of(draft, plan["vendor"]),
        process_date=date.fromisoformat(plan["date"]),
        parts=(RecordedPart(bill=waiting.target_of(draft, plan["bill"]), amount=Decimal(plan["amount"])),),
        sync_reference=mark(bill.organization, erp.identity, link, row.kind),
        description=plan["description"],
    )
    hashed = content_hash(content.model_dump(mode="json", exclude_defaults=True))
    frame = frame_of(draft, link, row, settings, Intent.PAYMENT_RECORD, hashed, f"{KIND}/{content.parts[0].bill}")
    return PaymentRecordCommand(**frame, content=content)


def fits(_row: LinkRow, _candidate: Candidate, _want: dict[str, Any]) -> bool:
    """The writer finds it by the mark, which nothing else carries."""
    return True
