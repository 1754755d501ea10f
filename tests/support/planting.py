"""Things that go wrong, one function each: it spoils an agreement and says how a tie-out has to name it."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from support.agreement import DAY, RATE, Agreement
from tieout.domain.bill_payments import PaymentStage
from tieout.domain.erp_ledger import EntryType
from tieout.domain.snapshots import BillSeen, PartSeen, PaymentSeen, StrayDocument
from tieout.tie_out.classes import Class
from tieout.tie_out.inputs import State

Name = tuple[Class, tuple[str, ...], Decimal, str]
"""Class, documents, amount, currency."""
Plant = Callable[[Agreement, Decimal, str], Name]


def _open(books: Agreement, amount: Decimal, currency: str) -> int:
    """An invoice of its own with something to spare; its place."""
    books.invoice(amount + 100, currency)
    return len(books.invoices) - 1


def direct_on_control(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """Somebody posts on payables past the vendors."""
    document = f"GJ-{len(books.strays)}"
    books.strays.append(StrayDocument(document_number=document, posting_date=DAY, general=amount, vendor=None))
    books.off += amount
    return Class.DIRECT_POSTING_ON_CONTROL, (document,), amount, "USD"


def missing_on_control(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """A vendor's posting group leads to an account that is not among the control accounts."""
    document = f"PG-{len(books.strays)}"
    books.strays.append(StrayDocument(document_number=document, posting_date=DAY, general=0, vendor=-amount))
    books.off += amount
    return Class.MISSING_ON_CONTROL, (document,), amount, "USD"


def direct_on_clearing(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """Somebody posts on the clearing account."""
    document = f"CL-{len(books.postings)}"
    books.post(document, amount, "by hand")
    return Class.DIRECT_POSTING_ON_CLEARING, (document,), amount, "USD"


def credit_on_clearing(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """The same on the other side, and not the amount of a refund that is due."""
    refunds = {posting.amount for posting in books.postings}
    while amount in refunds:
        amount += Decimal("0.01")
    return direct_on_clearing(books, -amount, _currency)


def deleted_bill(books: Agreement, amount: Decimal, currency: str) -> Name:
    """A bill is archived in BILL while its invoice is open."""
    invoice = books.invoice(amount, currency)
    assert invoice.bill is not None
    invoice.bill = invoice.bill.model_copy(update={"archived": True})
    return Class.DELETED_BILL, (invoice.name, invoice.bill.id), amount, currency


def changed_in_bill(books: Agreement, amount: Decimal, currency: str) -> Name:
    """Somebody changes an amount in BILL."""
    invoice = books.invoices[_open(books, amount, currency)]
    assert invoice.bill is not None
    invoice.bill = invoice.bill.model_copy(update={"amount": invoice.total - amount})
    return Class.AMOUNT_DIFFERS, (invoice.name, invoice.bill.id), amount, currency


def paid_in_erp(books: Agreement, amount: Decimal, currency: str) -> Name:
    """A person pays an invoice in the ERP."""
    invoice = books.invoices[_open(books, amount, currency)]
    invoice.open -= amount
    return Class.PAID_OUTSIDE_BILL, (invoice.name, f"00n{invoice.number}"), -amount, currency


def recorded_in_bill(books: Agreement, amount: Decimal, currency: str) -> Name:
    """A person tells BILL of a payment that the ERP has not."""
    invoice = books.invoices[_open(books, amount, currency)]
    books.recorded.append(
        PaymentSeen(
            id=f"rec{invoice.number}", vendor="009A", amount=amount, stage=PaymentStage.TAKEN, online=False,
            parts=(PartSeen(bill=f"00n{invoice.number}", amount=amount),),
        )
    )  # fmt: skip
    return Class.RECORDED_IN_BILL_ONLY, (invoice.name, f"00n{invoice.number}"), amount, currency


def credit_in_bill(books: Agreement, amount: Decimal, currency: str) -> Name:
    """A vendor credit is used in BILL only."""
    invoice = books.invoices[_open(books, amount, currency)]
    assert invoice.bill is not None
    invoice.bill = invoice.bill.model_copy(update={"credited": amount})
    return Class.CREDIT_IN_BILL_ONLY, (invoice.name, invoice.bill.id), amount, currency


def keyed_in_bill(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """A bill is typed into BILL that no invoice stands behind."""
    bill = f"00m{len(books.loose)}"
    books.loose.append(BillSeen(id=bill, vendor="009A", invoice_number=bill, invoice_date=DAY, amount=amount))
    return Class.MISSING_IN_ERP, (bill, bill), -amount, "USD"


def keyed_twice(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """A bill is typed into BILL beside the linked one."""
    invoice = books.invoice(amount)
    bill = f"00d{len(books.loose)}"
    number = f"inv-{invoice.number}"
    books.loose.append(BillSeen(id=bill, vendor="009A", invoice_number=number, invoice_date=DAY, amount=amount))
    return Class.DUPLICATE_IN_BILL, (number, bill), -amount, "USD"


def never_sent(books: Agreement, amount: Decimal, currency: str) -> Name:
    """An invoice inside the cut-over that Tieout does not know."""
    invoice = books.invoice(amount, currency)
    invoice.bill = invoice.link = None
    return Class.MISSING_IN_BILL, (invoice.name,), amount, currency


def held(books: Agreement, amount: Decimal, currency: str) -> Name:
    """An invoice that waits for a person."""
    invoice = books.invoice(amount, currency)
    assert invoice.link is not None
    invoice.bill = None
    invoice.link = invoice.link.model_copy(update={"target": "", "state": State.HELD, "why": "bill.on_hold_in_erp"})
    return Class.HELD, (invoice.name,), amount, currency


def on_its_way(books: Agreement, amount: Decimal, currency: str) -> Name:
    """An invoice whose bill is being written."""
    invoice = books.invoice(amount, currency)
    assert invoice.link is not None
    invoice.bill = None
    invoice.link = invoice.link.model_copy(update={"target": "", "state": State.UNDERWAY})
    return Class.IN_FLIGHT, (invoice.name,), amount, currency


def _unposted(books: Agreement, amount: Decimal, currency: str, state: State, kind: Class) -> Name:
    place = _open(books, amount, currency)
    link = books.pay({place: amount}, posted=False, state=state)
    return kind, (books.invoices[place].name, link.payment), amount, currency


def not_posted(books: Agreement, amount: Decimal, currency: str) -> Name:
    """BILL has paid, and Tieout never heard of it."""
    name = _unposted(books, amount, currency, State.NONE, Class.PAID_IN_BILL_NOT_POSTED)
    payment = name[1][1]
    del books.links[payment]
    return name


def in_a_journal(books: Agreement, amount: Decimal, currency: str) -> Name:
    """A payment stands in a journal that nobody posts."""
    return _unposted(books, amount, currency, State.AWAITED, Class.UNPOSTED_JOURNAL)


def payment_held(books: Agreement, amount: Decimal, currency: str) -> Name:
    """A payment waits for a person."""
    return _unposted(books, amount, currency, State.HELD, Class.HELD)


def posted_twice(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """A payment stands in the ledger twice, the second time on the vendor's account."""
    link = books.pay({_open(books, amount, "USD"): amount})
    books.post(link.parts[0].mark, -amount)
    books.other(EntryType.PAYMENT, -amount)
    return Class.POSTED_TWICE, (link.parts[0].mark, link.payment), -amount, "USD"


def reversed_by_hand(books: Agreement, amount: Decimal, currency: str) -> Name:
    """An accountant reverses a payment that BILL has made."""
    place = _open(books, amount, currency)
    link = books.pay({place: amount})
    books.reverse(link)
    return Class.REVERSED_IN_ERP, (books.invoices[place].name, link.payment), amount, currency


def unapplied(books: Agreement, amount: Decimal, currency: str) -> Name:
    """An accountant takes a payment off its invoice."""
    place = _open(books, amount, currency)
    books.pay({place: amount})
    books.invoices[place].open += amount
    books.other(EntryType.PAYMENT, -amount * RATE[currency])
    invoice = books.invoices[place]
    return Class.UNAPPLIED_IN_ERP, (invoice.name, f"00n{invoice.number}"), amount, currency


def void(books: Agreement, amount: Decimal, currency: str) -> Name:
    """BILL undoes a payment, and its reversal is the accountant's task."""
    place = _open(books, amount, currency)
    link = books.pay({place: amount})
    books.void(link, reversed_in_erp=False)
    return Class.REVERSAL_DUE, (books.invoices[place].name, link.payment), -amount, currency


def transfer_altered(books: Agreement, amount: Decimal, _currency: str) -> Name:
    """A transfer stands in the ledger with another amount than was booked."""
    link = books.pay({_open(books, amount, "USD"): amount})
    books.transfer(link)
    mark = books.transfers[-1].marks[0]
    books.post(mark, amount)
    return Class.TRANSFER_DIFFERS, (mark,), amount, "USD"


PLANTS: Final[tuple[Plant, ...]] = (
    direct_on_control, missing_on_control, direct_on_clearing, credit_on_clearing, deleted_bill, changed_in_bill,
    paid_in_erp, recorded_in_bill, credit_in_bill, keyed_in_bill, keyed_twice, never_sent, held, on_its_way, not_posted,
    in_a_journal, payment_held, posted_twice, reversed_by_hand, unapplied, void, transfer_altered,
)  # fmt: skip
LONG_AGO: Final = date(2025, 1, 1)
