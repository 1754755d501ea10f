"""Bill links: one per posted purchase invoice that is inside the connection's cut-over."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.decide import bill_side, documents, lifecycle, names, paid_outside, rows, vendors, waiting
from tieout.decide.bill_plan import BillPlan, plan_bill
from tieout.decide.frames import frame_of
from tieout.decide.mapping import Unmappable
from tieout.decide.rows import HoldRow, IndexRow, InvoiceRow, LinkRow, Phase, RunRow, SettingsRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill import BillCoding, BillContent, BillLineContent
from tieout.domain.bill_written import canonical_amount
from tieout.domain.erp import DocumentStatus, PurchaseInvoice
from tieout.domain.records import Kind
from tieout.domain.settings import ConnectionSettings
from tieout.events.commands import BillCommand, Intent, Priority
from tieout.events.facts import Candidate, InvoiceObserved, OutcomeFact, Result
from tieout.events.identity import content_hash
from tieout.events.requests import RowsAsked

KIND = "bill"
DUPLICATE = "bill.duplicate"


def observed(draft: Draft, fact: InvoiceObserved) -> None:
    """A purchase invoice was seen."""
    newest = draft.read(rows.run_row(Kind.PURCHASE_INVOICE), RunRow)
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is None or (newest is not None and fact.run < newest.number):
        return
    invoice = fact.invoice
    draft.remove(
        rows.hold_row(f"unreadable/{Kind.PURCHASE_INVOICE}/{invoice.id}"), "hold.gone", "the record can be read again"
    )
    link = f"{KIND}/{invoice.id}"
    row = draft.read(rows.link_row(link), LinkRow)
    if row is None:
        if not in_scope(invoice, settings.settings):
            return
        row = LinkRow(
            kind=KIND,
            phase=Phase.IGNORED,
            record=invoice.id,
            number=invoice.number,
            name=names.bill(invoice.id),
            priority=Priority.DOCUMENT,
        )
        waiting.claim_name(draft, link, row.name)
    elif not row.target and not row.command and not in_scope(invoice, settings.settings):
        _drop(draft, link, row, invoice)
        return
    _want(draft, link, row, invoice, settings.settings)


def in_scope(invoice: PurchaseInvoice, settings: ConnectionSettings) -> bool:
    """Posted, approved where that exists, and inside the cut-over.

    One that is paid is in scope too, to be looked for only: its bill may be in BILL, with payments to come.
    """
    if not invoice.is_posted() or invoice.corrects or invoice.approved is False:
        return False
    if invoice.status not in (DocumentStatus.OPEN, DocumentStatus.PAID) or invoice.total == 0:
        return False
    cutover = settings.cutover
    if cutover is None:
        return False
    return invoice.posting_date >= cutover.date or invoice.number in cutover.also


def _is_paid(invoice: PurchaseInvoice) -> bool:
    return invoice.status is DocumentStatus.PAID or invoice.open == 0


def _remember(draft: Draft, invoice: PurchaseInvoice) -> None:
    """What payments need to know of the invoice, kept for as long as a payment may come."""
    row = InvoiceRow(
        number=invoice.number,
        vendor_number=invoice.pay_to.number,
        vendor=names.vendor(invoice.pay_to.number, invoice.currency),
        currency=invoice.currency,
        posting_date=invoice.posting_date,
        total=invoice.payable,
        ledger_entry=invoice.ledger_entry,
        dimensions=invoice.dimensions,
        open=invoice.open,
        due=invoice.due_date,
        on_hold=invoice.on_hold,
        terms=invoice.terms,
    )
    if invoice.ledger_entry:
        entry = rows.entry_row(invoice.ledger_entry)
        if draft.read(entry, IndexRow) is None:
            draft.write(entry, IndexRow(link=invoice.id), "indexed")
    if draft.read(rows.invoice_row(invoice.id), InvoiceRow) != row:
        draft.write(rows.invoice_row(invoice.id), row, "invoice")


def _drop(draft: Draft, link: str, row: LinkRow, invoice: PurchaseInvoice) -> None:
    """It was paid, cancelled or drawn back before it ever reached BILL: nothing is sent for it any more."""
    draft.remove(rows.want_row(link), "want.gone")
    draft.remove(rows.hold_row(link), "hold.gone", "nothing is open any more")
    draft.remove(rows.key_row(_claim(invoice)), "unclaimed")
    if row.phase is not Phase.IGNORED or row.wanted:
        lifecycle.settle(draft, link, row.model_copy(update={"wanted": ""}))


def _let_go(draft: Draft, link: str, row: LinkRow) -> None:
    """What the ERP said against sending it concerns nobody any more: it is there, and it is paid."""
    held = draft.read(rows.hold_row(link), HoldRow)
    if held is not None and held.mapping and held.reason not in bill_side.REASONS and not row.command:
        draft.remove(rows.hold_row(link), "hold.gone", "it is paid")
        lifecycle.settle(draft, link, row)


def _want(draft: Draft, link: str, row: LinkRow, invoice: PurchaseInvoice, settings: ConnectionSettings) -> None:
    _remember(draft, invoice)
    stop = _stop(draft, row, invoice)
    if stop is not None:
        lifecycle.hold_mapping(draft, link, row, stop)
        return
    if row.target and _is_paid(invoice):
        # Paid: its payments are links of their own. What was wanted before is wanted no more.
        bill_side.judge(draft, link, row)
        _let_go(draft, link, row)
        return
    vendors.needed_in(draft, invoice.pay_to.number, invoice.currency)
    plan = plan_bill(invoice, settings)
    if isinstance(plan, Unmappable) and _is_paid(invoice):
        _drop(draft, link, row, invoice)
        return
    unusable = None if isinstance(plan, Unmappable) or _is_paid(invoice) else _unusable(draft, plan, invoice)
    if isinstance(plan, Unmappable) or unusable is not None:
        why = plan if isinstance(plan, Unmappable) else unusable
        assert why is not None  # noqa: S101 - one of the two is there
        lifecycle.hold_mapping(draft, link, row, why)
        return
    # What a bill is created with stays: BILL refuses a later change that does not ask for approvals again.
    approvals = row.approvals if row.target or row.command else settings.policy.approval == "bill"
    row = row.model_copy(update={"original": plan.original_number, "approvals": approvals})
    if _is_paid(invoice) and row.phase is Phase.IGNORED and row.looked:
        return
    # A paid invoice is only looked for: if its bill is in BILL, BILL may have paid it, and tells so itself.
    flags = {"find": _is_paid(invoice), "approvals": approvals}
    content = plan.as_json() | {name: True for name, is_set in flags.items() if is_set}
    want = WantRow(content=content, needs=plan.needs())
    hashed = content_hash(content)
    changed = bill_side.trouble(draft, row)
    if changed is not None and hashed == row.accepted and not row.command:
        # The ERP says what it said before; what people did in BILL still stands.
        lifecycle.hold_mapping(draft, link, row, changed)
        return
    twin = _twin(draft, link, row, invoice)
    if twin is None:
        lifecycle.want(draft, link, row, want, hashed, build)
    elif row.phase is not Phase.HELD or row.wanted != hashed:
        draft.write(rows.want_row(link), want, "wanted")
        origin = draft.origin
        params = {"number": invoice.number, "original": plan.original_number, **twin}
        held = HoldRow(reason=DUPLICATE, params=params, since=origin.time, fact=origin.fact)
        lifecycle.hold(draft, link, row.model_copy(update={"wanted": hashed}), held)


def _stop(draft: Draft, row: LinkRow, invoice: PurchaseInvoice) -> Unmappable | None:  # noqa: PLR0911 - one per reason
    """What keeps an invoice from being sent, or from being left as it is, before its content matters."""
    number = {"number": invoice.number}
    if invoice.status is DocumentStatus.CANCELLED:
        return Unmappable("bill.cancelled_in_erp", number)
    if invoice.on_hold:
        return Unmappable("bill.on_hold_in_erp", {**number, "hold": invoice.on_hold})
    if row.target or _is_paid(invoice):
        return None
    if invoice.open is None:
        return Unmappable("bill.open_unknown", number)
    if invoice.payable < 0:
        return Unmappable("bill.negative_total", number)
    vendor = waiting.named(draft, names.vendor(invoice.pay_to.number, invoice.currency))
    if vendor is not None and not vendor.usable:
        return Unmappable("bill.vendor_blocked", {**number, "vendor": invoice.pay_to.number}, until=vendor.name)
    return None


def _unusable(draft: Draft, plan: BillPlan, invoice: PurchaseInvoice) -> Unmappable | None:
    """Accounts and dimension values that the ERP no longer lets be used."""
    closed = []
    for name in plan.needs()[1:]:
        found = waiting.named(draft, name)
        if found is not None and not found.usable:
            closed.append(name)
    if not closed:
        return None
    coding = ", ".join(name.replace(":", " ", 1) for name in closed)
    return Unmappable("bill.coding_blocked", {"number": invoice.number, "coding": coding}, until=closed[0])


def _claim(invoice: PurchaseInvoice) -> str:
    """One vendor's invoice number, as people mean it: without case, blanks, punctuation and leading zeros."""
    parts = re.findall(r"[^\W_]+", invoice.vendor_invoice_number.casefold())
    plain = "".join(part.lstrip("0") or "0" for part in re.findall(r"\d+|\D+", "".join(parts)))
    vendor = names.vendor(invoice.pay_to.number, invoice.currency)
    return f"{KIND}/{vendor}/{plain}"


def _twin(draft: Draft, link: str, row: LinkRow, invoice: PurchaseInvoice) -> dict[str, str] | None:
    """The other invoice of this vendor with the same number, if there is one and nobody has overruled it."""
    key = rows.key_row(_claim(invoice))
    owner = draft.read(key, IndexRow)
    if owner is None:
        draft.write(key, IndexRow(link=link), "claimed")
        return None
    if owner.link == link or DUPLICATE in row.released or row.target:
        return None
    other = draft.read(rows.link_row(owner.link), LinkRow)
    return {"twin": other.number if other else owner.link, "twin_original": other.original if other else ""}


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> BillCommand:
    """The command that makes the bill be there. Everything it names is in BILL by now."""
    plan = want.content
    content = BillContent(
        vendor=waiting.target_of(draft, plan["vendor"]),
        invoice_number=plan["invoice_number"],
        invoice_date=date.fromisoformat(plan["invoice_date"]),
        due_date=date.fromisoformat(plan["due_date"]),
        description=plan["description"],
        purchase_order=plan["purchase_order"],
        lines=_lines(draft, plan),
        approvals=plan.get("approvals", False),
    )
    hashed = content_hash(content.model_dump(mode="json", exclude_defaults=True))
    ensured = Intent.BILL_FIND if plan.get("find") else Intent.BILL_ENSURE
    intent = Intent.BILL_UPDATE if row.target else ensured
    lane = f"{KIND}/{content.vendor}/{content.invoice_number.casefold()}"
    frame = frame_of(draft, link, row, settings, intent, hashed, lane)
    return BillCommand(**frame, content=content, original_number=plan["original_number"])


def _lines(draft: Draft, plan: dict[str, Any]) -> tuple[BillLineContent, ...]:
    return tuple(_line(draft, line) for line in plan["lines"])


def _line(draft: Draft, line: dict[str, Any]) -> BillLineContent:
    coding = {kind: waiting.target_of(draft, name) for kind, name in line["coding"]}
    return BillLineContent(
        amount=canonical_amount(Decimal(line["amount"])),
        description=line["description"],
        coding=BillCoding(account=waiting.target_of(draft, line["account"]), **coding),
    )


def fits(row: LinkRow, candidate: Candidate, _want: dict[str, Any]) -> bool:
    """Only a bill that is exactly as it would be written is ours; any other is a person's to judge."""
    return candidate.content == row.sent


def answered(draft: Draft, before: LinkRow, row: LinkRow, fact: OutcomeFact) -> None:
    """BILL has the bill. For the first time: its documents follow, and what was paid before, if we created it.

    A bill that was found may have been paid in BILL already, by what the ERP's open amount lacks too: nothing is told
    to BILL of it.
    """
    if not row.target or fact.result not in (Result.APPLIED, Result.FOUND):
        return
    row = _with_coding(draft, before, row)
    bill_side.written(draft, fact.link, row, fact.version)
    if before.target or fact.intent == Intent.BILL_FIND:
        return
    documents.ask(draft, row)
    if fact.result is Result.APPLIED:
        paid_outside.want(draft, row.record)


def _with_coding(draft: Draft, before: LinkRow, row: LinkRow) -> LinkRow:
    """Remember what BILL accepted of due date and coding, so that a change made there is seen."""
    asked = draft.before(rows.want_row(f"{KIND}/{row.record}"), WantRow)
    if asked is None or before.wanted != before.asked or row.command:
        return row
    lines = [(line.amount, line.coding) for line in _lines(draft, asked.content)]
    coded = bill_side.coded(asked.content["due_date"], lines)
    if coded == row.coded:
        return row
    row = row.model_copy(update={"coded": coded})
    draft.write(rows.link_row(f"{KIND}/{row.record}"), row, row.phase.value)
    return row


def reconsider(draft: Draft, row: LinkRow) -> None:
    """What it was held for has changed, and its record is not kept: it is read again and then decided anew."""
    asked = RowsAsked(connection=draft.origin.connection, kind=Kind.PURCHASE_INVOICE, keys=(row.record,))
    draft.requests.append(asked)
