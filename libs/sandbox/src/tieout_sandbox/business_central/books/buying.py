"""Purchase documents before posting: headers and lines with their defaults."""

from typing import TYPE_CHECKING, Any

from tieout_sandbox.business_central.books import dimensions
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Address, Document, Line
from tieout_sandbox.business_central.books.invoicing import calculate, line_discount
from tieout_sandbox.business_central.books.masters import ZERO, Article, Vendor
from tieout_sandbox.business_central.refusals import Refusal

if TYPE_CHECKING:
    from datetime import date

# kind of a line → kind of article it buys
ARTICLES = {"Item": "Item", "Resource": "Resource", "Fixed Asset": "Fixed Asset", "Charge": "Charge"}
SEQUENCE_STEP = 10_000


def address_of(vendor: Vendor) -> Address:
    """The vendor's address as documents print it."""
    return Address(
        name=vendor.display_name,
        contact=vendor.contact,
        line1=vendor.address_line1,
        line2=vendor.address_line2,
        city=vendor.city,
        country=vendor.country,
        state=vendor.state,
        post_code=vendor.postal_code,
    )


def new_document(books: Books, kind: str, vendor: Vendor, number: str, **values: Any) -> Document:
    """A draft with the vendor's defaults: pay-to vendor, currency, terms, due date, dimensions."""
    pay_to = books.vendor(values.pop("pay_to", "") or vendor.pay_to or vendor.number)
    if vendor.blocked == "All" or vendor.privacy_blocked:
        raise Refusal("vendor_blocked_new", vendor=vendor.number, type=vendor.blocked)
    today = books.today()
    posting: date = values.pop("posting_date", None) or today
    invoiced: date = values.pop("invoice_date", None) or posting
    terms = values.pop("payment_terms_id", None)
    terms = pay_to.payment_terms_id if terms is None else terms
    setup = books.setup
    fields: dict[str, Any] = {
        "currency_code": pay_to.currency_code,
        "dimensions": dimensions.defaults(books, vendor.id),
        "due_date": books.due_date(terms, invoiced),
        "ship_to_address": Address(
            name=setup.display_name or setup.name,
            line1=setup.address_line1,
            city=setup.city,
            state=setup.state,
            country=setup.country,
            post_code=setup.postal_code,
        ),
        **{name: value for name, value in values.items() if value is not None},
    }
    document = Document(
        kind=kind,
        number=number,
        draft_number=number,
        vendor=vendor.number,
        pay_to=pay_to.number,
        posting_date=posting,
        invoice_date=invoiced,
        payment_terms_id=terms,
        buy_from_address=address_of(vendor),
        pay_to_address=address_of(pay_to),
        **fields,
    )
    document.discount_date, document.discount_percent = books.discount_terms(terms, invoiced)
    return books.documents.insert(document)


def article(books: Books, kind: str, number: str) -> Article:
    """What a line buys; an unknown one is refused."""
    found = books.articles.find((ARTICLES[kind], number))
    if found is None:
        raise Refusal(
            "no_relation", field="No.", table="Purchase Line", value=number, related="Item" if kind == "Item" else kind
        )
    return found


def default_line(books: Books, document: Document, kind: str, number: str) -> dict[str, Any]:
    """What choosing an object fills in: description, unit, cost, tax, dimensions."""
    if kind == "Comment" or not number:
        return {}
    if kind == "Account":
        account = books.accounts.find(number)
        if account is None:
            raise Refusal("no_account")
        own = dimensions.defaults(books, account.id)
        return {
            "description": account.display_name,
            "quantity": ZERO,
            "dimensions": {**document.dimensions, **own},
        }
    found = article(books, kind, number)
    return {
        "description": found.display_name,
        "unit": found.unit_of_measure,
        "unit_cost": found.unit_cost,
        "tax_code": found.tax_code,
        "dimensions": {**document.dimensions, **dimensions.defaults(books, found.id)},
    }


def add_line(books: Books, document: Document, kind: str, number: str = "", **values: Any) -> Line:
    """A new line; amounts of the document are the caller's to calculate (``calculate``)."""
    lines = books.lines.where("document", document.id)
    sequence = values.pop("sequence", 0) or (lines[-1].sequence if lines else 0) + SEQUENCE_STEP
    chosen = default_line(books, document, kind, number)
    own = {name: value for name, value in values.items() if value is not None}
    if "dimensions" in own:
        own["dimensions"] = {**chosen.get("dimensions", {}), **own["dimensions"]}
    fields = {"dimensions": dict(document.dimensions), **chosen, **own}
    line = Line(document=document.id, sequence=sequence, kind=kind, object_number=number, **fields)
    settle_line(books, document, line, changed=set(own))
    return books.lines.insert(line)


def settle_line(books: Books, document: Document, line: Line, changed: set[str]) -> None:
    """Tax percent and discounts of a line that is not stored yet, or is about to be written whole."""
    tax = books.tax_codes.find(line.tax_code) if line.tax_code else None
    line.tax_percent = tax.percent if tax else ZERO
    by_percent = "discount_amount" not in changed
    for name, value in line_discount(books, document, line, by_percent=by_percent).items():
        setattr(line, name, value)


def recalculate(books: Books, document: Document) -> None:
    """Amounts of a draft after a change of header or lines."""
    calculate(books, document)


def edit_line(books: Books, document: Document, line: Line, **values: Any) -> Line:
    """Changed fields of a draft's line, with what follows from them."""
    kind, number = values.get("kind", line.kind), values.get("object_number", line.object_number)
    chosen = default_line(books, document, kind, number) if {"kind", "object_number"} & set(values) else {}
    after = {**chosen, **values}
    trial = Line(document=line.document, sequence=line.sequence)
    for name in vars(trial):
        setattr(trial, name, after.get(name, getattr(line, name)))
    settle_line(books, document, trial, set(values) or {"discount_amount"})
    after.update(
        tax_percent=trial.tax_percent,
        discount_amount=trial.discount_amount,
        discount_percent=trial.discount_percent,
    )
    return books.lines.change(line, **after)
