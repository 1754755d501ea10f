"""What settles an invoice in the ERP and not in BILL, told to BILL as a payment made outside.

That is what was paid before its bill existed, and a payment discount that was taken with a payment of BILL's. BILL
takes no payment of a bill that it still wants approved, so that one is held, and goes by itself once it is.
"""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from tieout.decide import bill_side, lifecycle, names, rows, waiting
from tieout.decide.frames import frame_of
from tieout.decide.rows import (
    HoldRow,
    IndexRow,
    InvoiceRow,
    LinkRow,
    OrderRow,
    PaymentRow,
    Phase,
    SettingsRow,
    ShownRow,
    WantRow,
)
from tieout.decide.state import Draft
from tieout.domain.bill import BillApprovalStatus
from tieout.domain.bill_payments import AWAITS_APPROVAL, BillPayment, PaymentStage, RecordedPart, RecordedPaymentContent
from tieout.domain.bill_written import canonical_amount
from tieout.events.commands import Intent, PaymentRecordCommand, Priority
from tieout.events.facts import Candidate, OutcomeFact, Result
from tieout.events.identity import content_hash, mark

KIND = "paid"
# How often it is tried again at once when BILL has approved the bill meanwhile; after that a person is asked.
TRIES: Final = 3
TAKE_BACK: Final = "paid.take_back"
# Holds of what BILL may have, although that is not known.
MAYBE_THERE: Final = frozenset({"doubt.unsettled", "match.ambiguous", "match.taken"})
# Discounts of one invoice that are looked at: each is of another payment that closed it.
DISCOUNTS: Final = 20


def want(draft: Draft, record: str) -> None:
    """Tell BILL what was paid of an invoice (by the ERP's id) before its bill was created, if anything was."""
    link = f"{KIND}/{record}"
    invoice = draft.read(rows.invoice_row(record), InvoiceRow)
    if invoice is None or invoice.open is None or draft.read(rows.link_row(link), LinkRow) is not None:
        return
    amount = invoice.total - invoice.open
    if amount <= 0:
        return
    _tell(draft, record, record, amount, f"Paid before {invoice.number} came to BILL")


def discount(draft: Draft, record: str, payment: str, amount: Decimal) -> None:
    """Tell BILL of the discount that a payment took of an invoice, so that the rest of its bill is not paid again.

    One of that invoice that stands in BILL already, of a payment that is void by now, is this payment's from now on.
    """
    own = f"{record}/{payment}"
    if amount <= 0 or draft.read(rows.link_row(f"{KIND}/{own}"), LinkRow) is not None:
        return
    standing = [(link, row) for link, row in _discounts(draft, record) if _stands(row)]
    for link, row in standing:
        _let_go(draft, link, row, "a later payment took the discount")
    if not standing:
        _tell(draft, own, record, amount, "Payment discount")


def take_back(draft: Draft, record: str, payment: str) -> None:
    """A payment that took a discount of an invoice is void: what BILL was not told yet is dropped, the rest is held."""
    for link, row in _discounts(draft, record):
        if link == f"{KIND}/{record}/{payment}" or _is_undone(draft, row):
            _take_back(draft, link, row)


def shown(draft: Draft, payment: BillPayment) -> bool:
    """Whether BILL showed a payment that Tieout recorded there; undone there, nobody has to take it back any more."""
    owner = draft.read(rows.index_row(KIND, payment.id), IndexRow)
    row = None if owner is None else draft.read(rows.link_row(owner.link), LinkRow)
    if owner is None or row is None:
        return False
    if payment.stage is PaymentStage.UNDONE and row.usable:
        row = row.model_copy(update={"usable": False})
        draft.write(rows.link_row(owner.link), row, "paid.gone", "BILL shows it undone")
        _let_go(draft, owner.link, row, "BILL shows it undone")
    return True


def _discounts(draft: Draft, record: str) -> list[tuple[str, LinkRow]]:
    """What BILL was told, or is to be told, of discounts on an invoice."""
    found = []
    for key in draft.keys(rows.link_row(f"{KIND}/{record}/"), DISCOUNTS):
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
    taken = draft.read(rows.order_row(f"payment/{payment}"), OrderRow)
    bill = waiting.target_of(draft, names.bill(record))
    applied = () if taken is None else taken.order.applications
    params = {
        "number": row.number,
        "amount": ", ".join(format(one.discount, "f") for one in applied if one.document == record),
        "currency": "" if taken is None else taken.order.cash.currency,
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


def _tell(draft: Draft, own: str, record: str, amount: Decimal, description: str) -> None:
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
    """Refused because the bill is not approved: it waits for that, if it is still to come, and not for a person.

    One whose payment is void by now is dropped, or taken back.
    """
    if _is_undone(draft, row):
        _take_back(draft, fact.link, row)
        return
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
    """The bill was approved in BILL; or a person has taken it back there."""
    link = f"{KIND}/{row.record}"
    held = draft.read(rows.hold_row(link), HoldRow)
    if held is not None and held.reason == TAKE_BACK:
        return
    if held is None and draft.read(rows.want_row(link), WantRow) is None:
        lifecycle.settle(draft, link, row.model_copy(update={"usable": False}))
        return
    draft.remove(rows.hold_row(link), "hold.gone", "BILL has approved the bill")
    lifecycle.request(draft, link, row, build)
