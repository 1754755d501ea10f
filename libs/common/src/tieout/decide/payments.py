"""Payment links: a payment that BILL has made, recorded once in the ERP's ledger and applied to its invoices.

Nothing is asked for before BILL has taken the money, and nothing that does not add up, or pays what Tieout does not
know, is ever posted. Payments made outside BILL never come this way: they are in the ERP already.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tieout.decide import bill_side, discounts, lifecycle, names, reversals, rows, transfers
from tieout.decide.frames import frame_of
from tieout.decide.mapping import Unmappable
from tieout.decide.rows import (
    HoldRow,
    IndexRow,
    InvoiceRow,
    LinkRow,
    OrderRow,
    PaymentRow,
    Phase,
    ReadyRow,
    SettingsRow,
    WantRow,
)
from tieout.decide.state import Draft
from tieout.domain.bill_payments import BillPayment, BillPaymentPart, FundingAccount, FundingType, PaymentStage
from tieout.domain.erp import ZERO, VendorRef
from tieout.domain.erp_orders import AccountKind, Application, EntryRef, PaymentOrder, PostingAccount
from tieout.domain.erp_outcomes import payment_differences
from tieout.domain.money import Money, in_minor_units
from tieout.domain.settings import ConnectionSettings
from tieout.events.commands import ErpCommand, Intent, Priority
from tieout.events.facts import BillPaymentObserved, Candidate, OutcomeFact, Result
from tieout.events.identity import content_hash, mark

KIND = "payment"
BILL_HELD: Final = "payment.bill_held"
CLEARING: Final = {
    FundingType.BANK_ACCOUNT: "clearing",
    FundingType.CARD_ACCOUNT: "cards",
    FundingType.AP_CARD: "cards",
    FundingType.WALLET: "wallet",
    FundingType.UNDEFINED: "",
}
"""By what BILL took the money from: the setting that names the account it stands on until the bank's line shows it."""


def link_of(payment: str) -> str:
    """The link of a payment, by BILL's id."""
    return f"{KIND}/{payment}"


def observed(draft: Draft, fact: BillPaymentObserved) -> None:
    """BILL showed a payment. What it showed earlier never overwrites what it showed later."""
    payment = fact.payment
    if discounts.shown(draft, payment) or payment.online is False:
        return
    key = rows.payment_row(payment.id)
    before = draft.read(key, PaymentRow)
    if before is not None and _is_older(payment, before.payment):
        return
    undo = payment.stage is PaymentStage.UNDONE
    now = PaymentRow(payment=payment, undo=undo)
    if before is not None and now == before:
        return
    draft.write(key, now, f"payment.{payment.stage.value}", payment.status_said or payment.single_status.value)
    consider(draft, now)


def _is_older(payment: BillPayment, known: BillPayment) -> bool:
    return payment.updated is not None and known.updated is not None and payment.updated < known.updated


def consider(draft: Draft, seen: PaymentRow) -> None:
    """Ask for what a payment's stage calls for."""
    payment = seen.payment
    link = link_of(payment.id)
    row = draft.read(rows.link_row(link), LinkRow)
    if seen.undo:
        _undo(draft, link, row, seen)
        return
    if not payment.stage.is_posted:
        return
    if row is not None and (row.target or row.command or row.begun):
        return
    if row is None:
        row = LinkRow(
            kind=KIND, phase=Phase.IGNORED, record=payment.id, number=_number(payment), priority=Priority.PAYMENT
        )
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is None:
        return
    plan = plan_payment(draft, payment, settings.settings, row.released)
    if isinstance(plan, Unmappable):
        lifecycle.hold_mapping(draft, link, row, plan)
        return
    content = {"order": plan.model_dump(mode="json", exclude_defaults=True)}
    lifecycle.want(draft, link, row, WantRow(content=content), content_hash(content), build)


def reconsider(draft: Draft, row: LinkRow) -> None:
    """What a payment was held for has changed. One of which parts may stand in the ERP is asked for as it was."""
    link = link_of(row.record)
    held = draft.read(rows.hold_row(link), HoldRow)
    asked = draft.read(rows.want_row(link), WantRow)
    seen = draft.read(rows.payment_row(row.record), PaymentRow)
    if row.begun and asked is not None and held is not None and held.reason == BILL_HELD:
        if _bill_held(draft, row, _order(asked)) is None:
            draft.remove(rows.hold_row(link), "hold.gone", "its bills are as the ERP has them")
        lifecycle.request(draft, link, row, build)
    elif seen is not None:
        consider(draft, seen)


def refresh(draft: Draft) -> None:
    """The next payments in the ERP's queue are planned anew, under the settings of now, before they are asked for."""
    for key in draft.keys(rows.ready_prefix(rows.ERP), lifecycle.PULLED):
        place = draft.read(key, ReadyRow)
        row = None if place is None else draft.read(rows.link_row(place.link), LinkRow)
        if row is not None and row.kind == KIND and row.phase is Phase.READY:
            reconsider(draft, row)


def _undo(draft: Draft, link: str, row: LinkRow | None, seen: PaymentRow) -> None:
    """Void or cancelled: never recorded if it was not asked for yet, else reversed once it is known to be recorded."""
    if row is None:
        return
    if not row.target and not row.command:
        draft.remove(rows.want_row(link), "want.gone")
        draft.remove(rows.hold_row(link), "hold.gone", "the payment is void")
        lifecycle.settle(draft, link, row.model_copy(update={"wanted": ""}))
        return
    if row.target:
        reversals.want(draft, link, seen)


@dataclass(frozen=True)
class _Part:
    """A part of a payment with its invoice."""

    part: BillPaymentPart
    invoice: InvoiceRow
    record: str


def plan_payment(  # noqa: PLR0911 - one per reason
    draft: Draft, payment: BillPayment, settings: ConnectionSettings, released: tuple[str, ...] = ()
) -> PaymentOrder | Unmappable:
    """The order for the ERP, or why there is none yet; ``released`` are the reasons that a person has overruled."""
    number = {"number": _number(payment)}
    if payment.unexplained() != 0 or not payment.parts or payment.amount is None:
        return Unmappable("payment.unexplained", {**number, "amount": str(payment.amount)})
    if payment.process_date is None:
        return Unmappable("payment.date_missing", number)
    if any(part.credits for part in payment.parts):
        return Unmappable("payment.credits", number)
    setting = CLEARING[FundingType.UNDEFINED if payment.funding is None else payment.funding.type]
    clearing = getattr(settings.accounts, setting) if setting else ""
    if not clearing:
        funding = "an unknown source" if payment.funding is None else _source(payment.funding)
        params = {**number, "funding": funding, "setting": f"accounts.{setting}" if setting else "accounts"}
        return Unmappable("payment.account_missing", params, until=names.SETTINGS)
    parts = _parts(draft, payment, released)
    if isinstance(parts, Unmappable):
        return parts
    payees = {(one.invoice.vendor_number, one.invoice.currency) for one in parts}
    if len(payees) != 1:
        vendors = ", ".join(sorted(f"{vendor} {currency}" for vendor, currency in payees))
        return Unmappable("payment.mixed", {**number, "vendors": vendors})
    vendor, currency = payees.pop()
    link = link_of(payment.id)
    day = max([payment.process_date, *(one.invoice.posting_date for one in parts)])
    return PaymentOrder(
        mark=mark(settings.bill.organization, settings.erp.identity, link, KIND),
        vendor=VendorRef(number=vendor),
        applications=tuple(
            Application(
                document=one.record,
                number=one.invoice.number,
                ledger_entry=one.invoice.ledger_entry,
                amount=in_minor_units(one.part.amount, currency),
                discount=_discount(one, day, settings),
                dimensions=one.invoice.dimensions,
            )
            for one in parts
        ),
        cash=Money(amount=in_minor_units(payment.amount, currency), currency=currency),
        process_date=payment.process_date,
        posting_date=day,
        clearing=PostingAccount(kind=AccountKind.GENERAL, number=clearing),
        reference=payment.id,
        transaction=payment.check_number or payment.trace_number,
        description=f"BILL {payment.confirmation_number or payment.transaction_number or payment.id}"[:100],
    )


def _parts(draft: Draft, payment: BillPayment, released: tuple[str, ...]) -> list[_Part] | Unmappable:
    found = []
    for part in payment.parts:
        owner = draft.read(rows.index_row("bill", part.bill), IndexRow)
        name = names.target("bill", part.bill)
        if owner is None:
            return Unmappable("payment.bill_unknown", {"number": _number(payment), "bill": part.bill}, until=name)
        record = owner.link.split("/", 1)[1]
        invoice = draft.read(rows.invoice_row(record), InvoiceRow)
        if invoice is None:
            return Unmappable("payment.bill_unknown", {"number": _number(payment), "bill": part.bill}, until=name)
        found.append(_Part(part, invoice, record))
    bills = [(part.bill, one.invoice.number) for part, one in zip(payment.parts, found, strict=True)]
    return _changed(draft, _number(payment), bills, released) or found


def _changed(draft: Draft, number: str, bills: list[tuple[str, str]], released: tuple[str, ...]) -> Unmappable | None:
    """The first bill, by BILL's id with its invoice's number, that holds its payment, unless a person overruled it."""
    for bill, invoice in bills:
        change = bill_side.change_of(draft, bill)
        if change and BILL_HELD not in released:
            params = {"number": number, "bill": invoice, "why": change}
            return Unmappable(BILL_HELD, params, until=names.target("bill", bill), release=True)
    return None


def _bill_held(draft: Draft, row: LinkRow, order: PaymentOrder) -> Unmappable | None:
    """Whether a bill of what was asked for was changed in BILL since."""
    bills = []
    for application in order.applications:
        bill = draft.read(rows.link_row(f"bill/{application.document}"), LinkRow)
        if bill is not None:
            bills.append((bill.target, application.number))
    return _changed(draft, row.number, bills, row.released)


def _discount(one: _Part, day: date, settings: ConnectionSettings) -> Decimal:
    """What the vendor's terms allow beside the cash, if the policy takes it: for exactly the net, within its days."""
    terms, still = one.invoice.terms, one.invoice.open
    if settings.policy.discounts != "by-terms" or terms is None or still is None or day > terms.until:
        return ZERO
    return terms.possible if one.part.amount == still - terms.possible else ZERO


def _source(funding: FundingAccount) -> str:
    return f"{funding.type.value} {funding.id}".strip()


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> ErpCommand | Unmappable:
    """The command that records the payment, or why it must not be: its bills may have changed while it was queued."""
    order = _order(want)
    held = _bill_held(draft, row, order)
    if held is not None:
        return held
    hashed = content_hash(want.content)
    frame = frame_of(draft, link, row, settings, Intent.ERP_PAYMENT, hashed, f"vendor/{order.vendor.number}")
    return ErpCommand(**(frame | {"mark": order.mark}), order=order)


def fits(_row: LinkRow, _candidate: Candidate, _want: dict[str, Any]) -> bool:
    """What only looks like the payment is a person's to judge; what carries the mark is never a mere candidate."""
    return False


def answered(draft: Draft, _before: LinkRow, row: LinkRow, fact: OutcomeFact) -> None:
    """The payment is in the ledger: compare it with what was asked, count it for the bank, undo it if it is void."""
    link = link_of(row.record)
    seen = draft.read(rows.payment_row(row.record), PaymentRow)
    if fact.result is not Result.APPLIED or fact.payment is None or seen is None:
        if seen is not None and seen.undo and not row.command and not row.target:
            _undo(draft, link, row, seen)
        return
    order = _ordered(draft, link)
    if order is not None:
        transfers.due(draft, seen.payment, order.cash)
        _recorded(draft, seen, order, fact.payment.entries)
        differences = payment_differences(order, fact.payment)
        if differences:
            origin = draft.origin
            params = {"number": row.number, "differences": "; ".join(differences)}
            held = HoldRow(reason="payment.differs", params=params, since=origin.time, fact=origin.fact)
            lifecycle.hold(draft, link, row, held)
    if seen.undo:
        reversals.want(draft, link, seen)


def _recorded(draft: Draft, seen: PaymentRow, order: PaymentOrder, entries: tuple[EntryRef, ...]) -> None:
    """Kept because a void may come a year later. BILL hears of a discount, unless the payment is void already."""
    for application in () if seen.undo else order.applications:
        discounts.taken(draft, application.document, seen.payment.id, application.discount)
    draft.write(rows.order_row(link_of(seen.payment.id)), OrderRow(order=order, entries=entries), "recorded")


def linked(draft: Draft, row: LinkRow, want: WantRow, candidate: Candidate) -> None:
    """A person said that a posting made by hand is this payment.

    Nothing tells which account it credits. If that is the bank itself, a transfer would take the money from it twice:
    none is booked, and the hold's cure has said so.
    """
    seen = draft.read(rows.payment_row(row.record), PaymentRow)
    if seen is None:
        return
    _recorded(draft, seen, _order(want), (EntryRef(ledger="vendor", id=candidate.id),))
    if seen.undo:
        reversals.want(draft, link_of(row.record), seen)


def _ordered(draft: Draft, link: str) -> PaymentOrder | None:
    """The order as it was asked, whatever has become of the settings or of the bills since."""
    asked = draft.before(rows.want_row(link), WantRow)
    return None if asked is None else _order(asked)


def _order(want: WantRow) -> PaymentOrder:
    return PaymentOrder.model_validate(want.content["order"])


def _number(payment: BillPayment) -> str:
    """What people know a payment by."""
    return payment.confirmation_number or payment.transaction_number or payment.id
