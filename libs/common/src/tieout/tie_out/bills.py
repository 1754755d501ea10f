"""Equation (b): what is open in the ERP against what BILL still has to pay, document by document."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tieout.domain.bill_payments import PaymentStage
from tieout.domain.erp_ledger import EntryType
from tieout.domain.snapshots import BillSeen, OpenEntry
from tieout.tie_out.classes import Class
from tieout.tie_out.inputs import BillLink, Inputs, State
from tieout.tie_out.paying import ZERO, Part, Paying, class_of
from tieout.tie_out.results import Bills, Difference, Equation, OfCurrency, OutOfScope, difference, status_of, tidy


@dataclass
class _Sums:
    """One currency's sums."""

    documents: int = 0
    erp: Decimal = ZERO
    bill: Decimal = ZERO


@dataclass
class _Work:
    """The comparison in progress."""

    inputs: Inputs
    payings: tuple[Paying, ...]
    parts: dict[str, list[tuple[Paying, Part]]] = field(default_factory=dict)
    recorded: dict[str, Decimal] = field(default_factory=dict)
    sums: dict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    found: list[Difference] = field(default_factory=list)
    paid: dict[tuple[str, Class], list[tuple[str, Decimal, str]]] = field(default_factory=lambda: defaultdict(list))
    outside: dict[tuple[str, str], list[Decimal]] = field(default_factory=lambda: defaultdict(list))

    def add(self, currency: str, erp: Decimal, bill: Decimal) -> None:
        """Count one document."""
        sums = self.sums[currency]
        sums.documents += 1
        sums.erp += erp
        sums.bill += bill

    def name(
        self,
        kind: Class,
        documents: tuple[str, ...],
        amount: Decimal | None,
        currency: str,
        link: str,
        detail: str = "",
    ) -> None:
        """Name a difference."""
        self.found.append(difference(Equation.BILL, kind, documents, amount, currency, link=link, detail=detail))


def compare_bills(
    inputs: Inputs, payings: tuple[Paying, ...]
) -> tuple[Bills, tuple[Difference, ...], tuple[OutOfScope, ...]]:
    """Equation (b), its differences, and what of the vendor ledger it leaves out."""
    work = _Work(inputs, payings)
    for paying in payings:
        for part in paying.parts:
            work.parts.setdefault(part.link.bill, []).append((paying, part))
    for payment in inputs.bill.payments:
        if payment.online is False and payment.stage is not PaymentStage.UNDONE:
            for seen in payment.parts:
                work.recorded[seen.bill] = work.recorded.get(seen.bill, ZERO) + seen.amount
    bills = {bill.id: bill for bill in inputs.bill.bills}
    entries = _by_link(inputs)
    for link in inputs.links.bills:
        _linked(work, link, entries.pop(link.link, None), bills.get(link.target))
    for entry in entries.values():
        _unlinked_entry(work, entry)
    _unlinked_bills(work, bills)
    for key in inputs.erp.unreadable:
        work.name(Class.UNREADABLE, (key,), None, "", "", "Vendor ledger entry.")
    work.found += _payments(work)
    currencies = tuple(
        OfCurrency(
            currency=currency,
            documents=one.documents,
            erp=tidy(one.erp, currency),
            bill=tidy(one.bill, currency),
            difference=tidy(one.erp - one.bill, currency),
        )
        for currency, one in sorted(work.sums.items())
    )
    outside = tuple(
        OutOfScope(why=why, currency=currency, count=len(amounts), amount=tidy(sum(amounts, ZERO), currency))
        for (why, currency), amounts in sorted(work.outside.items())
    )
    return Bills(status=status_of(work.found), currencies=currencies), tuple(work.found), outside


def _by_link(inputs: Inputs) -> dict[str, OpenEntry]:
    """Open entries by the bill link they belong to, else by their own id behind a sign that no link has."""
    by_entry = {link.ledger_entry: link.link for link in inputs.links.bills if link.ledger_entry}
    by_document = {link.invoice: link.link for link in inputs.links.bills}
    by_number = {(link.vendor_number, link.number): link.link for link in inputs.links.bills if not link.ledger_entry}
    found = {}
    for entry in inputs.erp.open_entries:
        link = by_entry.get(entry.id) or (by_document.get(entry.document) if entry.document else None)
        if link is None and entry.type is EntryType.INVOICE:
            link = by_number.get((entry.vendor_number, entry.document_number))
        found[link or f"#{entry.id}"] = entry
    return found


def _linked(work: _Work, link: BillLink, entry: OpenEntry | None, bill: BillSeen | None) -> None:
    """An invoice that Tieout knows."""
    documents = (link.number, link.target)
    if entry is not None and entry.open is None:
        work.name(Class.UNREADABLE, documents, None, link.currency, link.link, "What is open in the ERP.")
        return
    open_amount = ZERO if entry is None or entry.open is None else entry.open
    if not link.target:
        if open_amount != 0:
            work.add(link.currency, open_amount, ZERO)
            work.name(_class_without_bill(link), documents, open_amount, link.currency, link.link, link.why)
        return
    if bill is not None and bill.amount is None:
        work.name(Class.UNREADABLE, documents, None, link.currency, link.link, "The amount in BILL.")
        return
    if any(paying.link.moved for paying, _ in work.parts.get(link.target, ())):
        link = link.model_copy(update={"moved": True})
    paid, ahead = _payments_of(work, link.target, link)
    if bill is None or bill.archived or bill.amount is None:
        work.add(link.currency, open_amount, ZERO)
        gone = open_amount - ahead
        if gone != 0:
            kind = Class.IN_FLIGHT if link.moved else Class.DELETED_BILL
            work.name(kind, documents, gone, link.currency, link.link)
        return
    settled = (bill.credited or ZERO) + work.recorded.get(bill.id, ZERO)
    work.add(link.currency, open_amount, bill.amount - settled - paid)
    _amounts(work, link, bill, open_amount, paid - ahead)


def _class_without_bill(link: BillLink) -> Class:
    if link.moved:
        return Class.IN_FLIGHT
    return {
        State.UNDERWAY: Class.IN_FLIGHT,
        State.AWAITED: Class.IN_FLIGHT,
        State.HELD: Class.HELD,
        State.DONE: Class.MISSING_IN_BILL,
        State.NONE: Class.MISSING_IN_BILL,
    }[link.state]


def _payments_of(work: _Work, bill: str, link: BillLink | None) -> tuple[Decimal, Decimal]:
    """What BILL has paid of a bill, and how much of it the ERP does not show (less what only the ERP shows)."""
    paid = ahead = ZERO
    for paying, part in work.parts.get(bill, ()):
        amount = part.link.amount
        paid += amount if paying.counts else ZERO
        kind = class_of(paying, part)
        if kind is None:
            continue
        signed = amount if paying.counts else -amount
        ahead += signed
        number = "" if link is None else link.number
        currency = paying.link.currency or ("" if link is None else link.currency)
        work.paid[paying.link.payment, kind].append((number or bill, signed, currency))
    return paid, ahead


def _amounts(work: _Work, link: BillLink, bill: BillSeen, open_amount: Decimal, posted: Decimal) -> None:
    """A bill that stands. ``posted`` is what the ERP's ledger shows of BILL's payments.

    open - (amount - settled - paid) = (total - amount) + (paid - posted) + (settled - settled elsewhere in the ERP)
    """
    documents, currency = (link.number, bill.id), link.currency
    changed = link.total - (bill.amount or ZERO)
    if changed != 0:
        detail = f"{link.total} in the ERP, {bill.amount} in BILL."
        work.name(_unless_moved(link, Class.AMOUNT_DIFFERS), documents, changed, currency, link.link, detail)
    elsewhere = link.total - open_amount - posted
    if elsewhere < 0:
        work.name(_unless_moved(link, Class.UNAPPLIED_IN_ERP), documents, -elsewhere, currency, link.link)
        elsewhere = ZERO
    recorded, credited = work.recorded.get(bill.id, ZERO), bill.credited or ZERO
    rest = recorded + credited - elsewhere
    if rest > 0:
        by_credit = recorded < rest <= credited
        kind = Class.CREDIT_IN_BILL_ONLY if by_credit else Class.RECORDED_IN_BILL_ONLY
        work.name(_unless_moved(link, kind), documents, rest, currency, link.link)
    elif rest < 0:
        kind = {State.UNDERWAY: Class.IN_FLIGHT, State.HELD: Class.HELD}.get(link.told, Class.PAID_OUTSIDE_BILL)
        work.name(_unless_moved(link, kind), documents, rest, currency, link.link)


def _unless_moved(link: BillLink, kind: Class) -> Class:
    return Class.IN_FLIGHT if link.moved else kind


def _unlinked_entry(work: _Work, entry: OpenEntry) -> None:
    """An open entry of no invoice that Tieout knows: missing in BILL if it is in scope, else counted apart."""
    why = _outside(work.inputs, entry)
    if entry.open is None:
        work.name(Class.UNREADABLE, (entry.document_number,), None, entry.currency, "", "What is open in the ERP.")
    elif why:
        work.outside[why, entry.currency].append(entry.open)
    elif entry.open != 0:
        work.add(entry.currency, entry.open, ZERO)
        kind = Class.HELD if entry.on_hold else Class.MISSING_IN_BILL
        work.name(kind, (entry.document_number,), entry.open, entry.currency, "", f"Vendor {entry.vendor_number}.")


def _outside(inputs: Inputs, entry: OpenEntry) -> str:
    """Why an entry is not compared, ``""`` if it is."""
    scope = inputs.scope
    if entry.type is not EntryType.INVOICE:
        return entry.type.value
    if entry.approved is False:
        return "not_approved"
    if scope.cutover is None:
        return "before_cutover"
    inside = entry.posting_date >= scope.cutover or entry.document_number in scope.also
    return "" if inside else "before_cutover"


def _unlinked_bills(work: _Work, bills: Mapping[str, BillSeen]) -> None:
    """Bills that no invoice stands behind."""
    linked = {link.target for link in work.inputs.links.bills}
    twins = {
        (bill.vendor, bill.invoice_number.casefold())
        for bill in bills.values()
        if bill.id in linked and not bill.archived
    }
    cutover = work.inputs.scope.cutover
    for bill in bills.values():
        if bill.id in linked or bill.archived:
            continue
        currency = work.inputs.links.currencies.get(bill.vendor, "")
        paid, ahead = _payments_of(work, bill.id, None)
        if bill.amount is None:
            work.name(Class.UNREADABLE, (bill.invoice_number, bill.id), None, currency, "", "The amount in BILL.")
            continue
        owed = bill.amount - (bill.credited or ZERO) - work.recorded.get(bill.id, ZERO)
        if cutover is None or (bill.invoice_date is not None and bill.invoice_date < cutover and not paid):
            work.outside["bill_before_cutover", currency].append(-owed)
            continue
        rest = owed - (paid - ahead)
        work.add(currency, ZERO, owed - paid)
        if rest != 0:
            twin = (bill.vendor, bill.invoice_number.casefold()) in twins
            kind = Class.DUPLICATE_IN_BILL if twin else Class.MISSING_IN_ERP
            work.name(kind, (bill.invoice_number, bill.id), -rest, currency, "")


def _payments(work: _Work) -> Iterator[Difference]:
    """Payments that only one side shows: one difference each, whatever number of bills they pay."""
    known = {paying.link.payment: paying.link for paying in work.payings}
    for (payment, kind), parts in sorted(work.paid.items()):
        link = known[payment]
        for currency in sorted({currency for _, _, currency in parts}):
            of_currency = sorted((number, amount) for number, amount, one in parts if one == currency)
            yield difference(
                Equation.BILL,
                kind,
                (*(number for number, _ in of_currency), payment),
                sum((amount for _, amount in of_currency), ZERO),
                currency,
                link=link.link,
                detail=link.why,
            )
