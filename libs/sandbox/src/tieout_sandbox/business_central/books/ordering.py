"""Purchase orders: received and invoiced in one step; an order that is invoiced to the end disappears."""

from decimal import Decimal

from tieout_sandbox.business_central.books.buying import add_line
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Document
from tieout_sandbox.business_central.books.invoicing import calculate
from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.books.posting_invoices import post_document
from tieout_sandbox.business_central.refusals import Refusal

_HEADER = (
    "vendor",
    "pay_to",
    "posting_date",
    "invoice_date",
    "due_date",
    "discount_date",
    "discount_percent",
    "buy_from_address",
    "ship_to_address",
    "pay_to_address",
    "currency_code",
    "payment_terms_id",
    "purchaser",
    "prices_include_tax",
)
_LINE = ("description", "description2", "unit", "unit_cost", "discount_percent", "tax_code", "dimensions")


def receive_and_invoice(books: Books, order: Document, vendor_invoice_number: str, share: Decimal) -> Document:
    """Post an invoice over a share of what is left on an order; the invoice has an id of its own."""
    number = books.series_next(books.setup.draft_series)
    header = {name: getattr(order, name) for name in _HEADER}
    invoice = books.documents.insert(
        Document(
            kind="Invoice",
            number=number,
            draft_number=number,
            vendor_invoice_number=vendor_invoice_number,
            order_id=order.id,
            order_number=order.number,
            dimensions=dict(order.dimensions),
            discount_amount=books.round(order.discount_amount * share, order.currency_code),
            **header,
        )
    )
    left = ZERO
    for line in books.lines.where("document", order.id):
        quantity = (line.quantity - line.invoiced) * share
        values = {name: getattr(line, name) for name in _LINE}
        if line.kind == "Comment" or quantity:
            add_line(books, invoice, line.kind, line.object_number, quantity=quantity, **values)
        books.lines.change(line, received=line.received + quantity, invoiced=line.invoiced + quantity)
        left += line.quantity - line.invoiced
    if not books.lines.where("document", invoice.id):
        raise Refusal("nothing_to_post")
    calculate(books, invoice)
    post_document(books, invoice)
    if left:
        books.documents.change(order, fully_received=False)
        return invoice
    for line in books.lines.where("document", order.id):
        books.lines.remove(line)
    books.documents.remove(order)
    return invoice
