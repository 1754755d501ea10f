"""Posting purchase invoices and credit memos: the document gets its posted number, the ledgers their entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tieout_sandbox.business_central.books import applying, dimensions
from tieout_sandbox.business_central.books.buying import add_line, article
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Dimensions, Document, Line
from tieout_sandbox.business_central.books.entries import VendorEntry
from tieout_sandbox.business_central.books.invoicing import calculate, rounding
from tieout_sandbox.business_central.books.masters import ZERO, Vendor
from tieout_sandbox.business_central.books.register import Register, check_date, next_number
from tieout_sandbox.business_central.refusals import Refusal

CREDIT_MEMO = "Credit Memo"


@dataclass(frozen=True)
class _Slot:
    """Lines of one account, dimensions and tax are one G/L entry."""

    account: str
    dimensions: tuple[tuple[str, str], ...]
    tax: bool = False


def post_document(books: Books, document: Document) -> VendorEntry:
    """Post a draft invoice or credit memo.

    Raises:
        Refusal: What a posting refuses: no lines, no or a used vendor invoice number, date, blocked, dimensions.
    """
    if not document.draft:
        raise Refusal("draft_only")
    calculate(books, document)
    lines = [line for line in books.lines.where("document", document.id) if line.kind != "Comment"]
    if not any(line.quantity for line in lines):
        raise Refusal("nothing_to_post")
    pay_to = books.vendor(document.pay_to)
    _check(books, document, lines, pay_to)
    _add_rounding(books, document, pay_to)
    lines = [line for line in books.lines.where("document", document.id) if line.kind != "Comment"]
    return _book(books, document, lines, pay_to)


def _key(document: Document) -> str:
    return f"Document Type={document.kind},No.={document.draft_number}"


def _check(books: Books, document: Document, lines: list[Line], pay_to: Vendor) -> None:
    for vendor in (books.vendor(document.vendor), pay_to):
        if vendor.blocked == "All" or vendor.privacy_blocked:
            raise Refusal("vendor_blocked_post", vendor=vendor.number, type=vendor.blocked)
        if not vendor.business_group:
            raise Refusal(
                "must_have_value", field="Gen. Bus. Posting Group", table="Vendor", key=f"No.={vendor.number}"
            )
    books.posting_group(pay_to.posting_group, pay_to.number)
    _check_header(books, document)
    if document.including_tax < 0:
        raise Refusal("total_negative")
    for line in lines:
        _check_line(books, document, line, pay_to)


def _check_header(books: Books, document: Document) -> None:
    if document.posting_date is None:
        raise Refusal("must_have_value", field="Posting Date", table="Purchase Header", key=_key(document))
    check_date(books, document.posting_date, "Purchase Header", _key(document))
    external = document.vendor_invoice_number
    if not external:
        field = "Vendor Invoice No." if document.kind == "Invoice" else "Vendor Cr. Memo No."
        raise Refusal("must_have_value", field=field, table="Purchase Header", key=_key(document))
    known = books.vendor_ledger.where("external", (document.kind, document.pay_to, external))
    if any(not entry.reversed for entry in known):
        raise Refusal("external_used", type=document.kind, number=external)


def _check_line(books: Books, document: Document, line: Line, pay_to: Vendor) -> None:
    account = books.account(account_of(books, line))
    if line.kind == "Account" and not account.direct_posting and not line.rounding:
        raise Refusal("direct_posting", number=account.number)
    where = f"Purchase {document.kind} {document.draft_number}, line no. {line.sequence}"
    parents = [("G/L Account", account.number, account.id), ("Vendor", pay_to.number, pay_to.id)]
    if line.kind != "Account":
        bought = article(books, line.kind, line.object_number)
        parents.append((line.kind, bought.number, bought.id))
    dimensions.check(books, where, line.dimensions, parents)


def account_of(books: Books, line: Line) -> str:
    """The G/L account a line posts to: its own, or that of what it buys."""
    return line.object_number if line.kind == "Account" else article(books, line.kind, line.object_number).account


def _add_rounding(books: Books, document: Document, pay_to: Vendor) -> None:
    difference = rounding(books, document)
    if not difference:
        return
    group = books.posting_group(pay_to.posting_group, pay_to.number)
    add_line(
        books,
        document,
        "Account",
        group.rounding,
        description="Invoice Rounding",
        quantity=Decimal(1),
        unit_cost=difference,
        rounding=True,
    )
    calculate(books, document)


def _book(books: Books, document: Document, lines: list[Line], pay_to: Vendor) -> VendorEntry:
    setup, day = books.setup, document.posting_date
    if day is None:
        raise Refusal("must_have_value", field="Posting Date", table="Purchase Header", key=_key(document))
    number = books.series_next(setup.posted_series if document.kind == "Invoice" else setup.credit_series)
    sign = 1 if document.kind == "Invoice" else -1
    register = Register(books, day, document.kind, number)
    register.external, register.source = document.vendor_invoice_number, pay_to.number
    origin, origin_number = ("Order", document.order_number) if document.order_id else ("", document.draft_number)
    register.description = f"{origin or document.kind} {origin_number}"
    for slot, amount in _slots(books, lines).items():
        local = books.local(amount, document.currency_code, day)
        register.post(slot.account, sign * local, dimensions=dict(slot.dimensions))
    _cost_entries(books, register, document, lines, sign)
    entry = _vendor_entry(books, register, document, pay_to, sign)
    group = books.posting_group(pay_to.posting_group, pay_to.number)
    register.post(group.payables, entry.amount_local, dimensions=document.dimensions)
    register.finish()
    status = "Open" if entry.open else "Paid"
    books.documents.change(
        document,
        number=number,
        status=status if document.kind == "Invoice" else "Corrective",
        posted_at=books.store.stamp(),
    )
    return entry


def _slots(books: Books, lines: list[Line]) -> dict[_Slot, Decimal]:
    """Amounts by account, dimensions and tax, in line order."""
    slots: dict[_Slot, Decimal] = {}
    for line in lines:
        place = tuple(sorted(line.dimensions.items()))
        _add(slots, _Slot(account_of(books, line), place), line.net)
        if line.net_tax:
            tax = books.tax_codes.find(line.tax_code)
            if tax is None:
                raise Refusal("no_record", table=f"Tax Group Code='{line.tax_code}'")
            _add(slots, _Slot(tax.account, place, tax=True), line.net_tax)
    return slots


def _add(slots: dict[_Slot, Decimal], slot: _Slot, amount: Decimal) -> None:
    slots[slot] = slots.get(slot, ZERO) + amount


def _cost_entries(books: Books, register: Register, document: Document, lines: Iterable[Line], sign: int) -> None:
    """With automatic cost posting, items move their cost into inventory by entries without a document type."""
    setup = books.setup
    if not setup.automatic_cost_posting:
        return
    for line in lines:
        if line.kind == "Item" and line.net:
            local = books.local(line.net, document.currency_code, register.posting_date) * sign
            text = f"Direct Cost {line.object_number} on {register.posting_date:%m/%d/%y}"
            register.post(
                setup.inventory_account, local, dimensions=line.dimensions, description=text, document_type=" "
            )
            register.post(
                setup.direct_cost_account, -local, dimensions=line.dimensions, description=text, document_type=" "
            )


def _vendor_entry(books: Books, register: Register, document: Document, pay_to: Vendor, sign: int) -> VendorEntry:
    """The open item of the document, in the amount the G/L entries came to."""
    total = document.including_tax * -sign
    discount = books.round(total * document.discount_percent / 100, document.currency_code)
    local = -register.balance()
    return register.vendor(
        VendorEntry(
            number=next_number(books.vendor_ledger.last()),
            posting_date=register.posting_date,
            document_type=document.kind,
            document_number=register.document_number,
            external_document_number=document.vendor_invoice_number,
            vendor=pay_to.number,
            description=register.description,
            currency_code=document.currency_code,
            amount=total,
            amount_local=local,
            remaining=total,
            remaining_local=local,
            due_date=document.due_date,
            discount_date=document.discount_date,
            discount_possible=discount,
            discount_left=discount,
            open=bool(total),
            on_hold=document.on_hold,
            dimensions=dict(document.dimensions),
            posting_group=pay_to.posting_group,
            transaction=register.transaction,
            document_id=document.id,
        )
    )


def cancel_invoice(books: Books, document: Document) -> Document:
    """A corrective credit memo closes an unpaid invoice: it is Canceled from then on.

    Raises:
        Refusal: Not posted, or its entry is not fully open.
    """
    entry = next(iter(books.vendor_ledger.where("invoice", document.id)), None)
    if entry is None or entry.remaining != entry.amount or document.status != "Open":
        raise Refusal("reverse_applied", table="Purchase Invoice", number=document.number)
    memo = _mirror(books, document)
    credit = post_document(books, memo)
    register = Register(books, credit.posting_date, CREDIT_MEMO, credit.document_number)
    books.documents.change(document, status="Canceled")
    applying.apply_entries(register, credit, [entry])
    register.finish()
    return memo


def _mirror(books: Books, document: Document) -> Document:
    """A credit memo with the lines of an invoice."""
    values = {
        name: getattr(document, name)
        for name in ("vendor", "pay_to", "currency_code", "prices_include_tax", "discount_amount")
    }
    number = books.series_next(books.setup.draft_series)
    dims: Dimensions = dict(document.dimensions)
    memo = books.documents.insert(
        Document(
            kind=CREDIT_MEMO,
            number=number,
            draft_number=number,
            posting_date=books.today(),
            invoice_date=books.today(),
            due_date=books.today(),
            vendor_invoice_number=document.vendor_invoice_number,
            dimensions=dims,
            **values,
        )
    )
    for line in books.lines.where("document", document.id):
        own = {
            name: getattr(line, name)
            for name in (
                "description",
                "unit_cost",
                "quantity",
                "discount_amount",
                "tax_code",
                "dimensions",
                "rounding",
            )
        }
        add_line(books, memo, line.kind, line.object_number, **own)
    calculate(books, memo)
    return memo
