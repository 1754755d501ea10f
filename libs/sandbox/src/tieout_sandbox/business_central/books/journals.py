"""Journal batches and their lines before posting: defaults and the rules for choosing a vendor or an invoice."""

from typing import Any

from tieout_sandbox.business_central.books import dimensions
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.dates import increment
from tieout_sandbox.business_central.books.entries import BANK, GL, VENDOR, JournalBatch, JournalLine
from tieout_sandbox.business_central.books.masters import Vendor
from tieout_sandbox.business_central.refusals import Refusal

LINE_STEP = 10_000


def payment_template(books: Books) -> str:
    """The first template of type Payments that does not recur: the only one the payment pages show."""
    found = next((one for one in books.templates if one.type == "Payments" and not one.recurring), None)
    if found is None:
        raise Refusal("no_record", table="Gen. Journal Template Type='Payments'")
    return found.name


def general_template(books: Books) -> str:
    """The default general template."""
    found = next((one for one in books.templates if one.type == "General" and not one.recurring), None)
    if found is None:
        raise Refusal("no_record", table="Gen. Journal Template Type='General'")
    return found.name


def batch_of(books: Books, identity: str) -> JournalBatch:
    """The batch of a line."""
    found = books.batches.get(identity)
    if found is None:
        raise Refusal("no_record", table="Gen. Journal Batch")
    return found


def lines_of(books: Books, batch: JournalBatch) -> list[JournalLine]:
    """All lines of a batch in line order."""
    return books.journal_lines.where("batch", batch.id)


def check_payable(vendor: Vendor, document_type: str) -> None:
    """Refuse to choose a blocked vendor on a line."""
    if (
        vendor.blocked == "All"
        or vendor.privacy_blocked
        or (vendor.blocked == "Payment" and document_type == "Payment")
    ):
        raise Refusal("vendor_blocked_new", vendor=vendor.number, type=vendor.blocked)


def new_line(books: Books, batch: JournalBatch, **values: Any) -> JournalLine:
    """A line with what the batch and the line before it suggest, then the given fields."""
    lines = lines_of(books, batch)
    previous = lines[-1] if lines else None
    number = values.pop("line_number", 0) or (previous.line_number if previous else 0) + LINE_STEP
    fields: dict[str, Any] = {
        "posting_date": previous.posting_date if previous and previous.posting_date else books.today(),
        "document_number": _suggested_number(books, batch, previous),
        "balance_type": batch.balance_type,
        "balance_account": batch.balance_account,
        **{name: value for name, value in values.items() if value is not None},
    }
    line = JournalLine(batch=batch.id, line_number=number, **fields)
    complete(books, line, set(values))
    return books.journal_lines.insert(line)


def _suggested_number(books: Books, batch: JournalBatch, previous: JournalLine | None) -> str:
    """The previous line's number, else the next of the batch's series, which is only used up at posting."""
    if previous is not None and previous.document_number:
        return previous.document_number
    series = books.series.find(batch.number_series) if batch.number_series else None
    return increment(series.last) if series else ""


def complete(books: Books, line: JournalLine, given: set[str]) -> None:
    """What choosing an account fills in: description, currency, dimensions."""
    if not line.account:
        line.amount = books.round(line.amount)
        return
    if line.account_type == VENDOR:
        master: Any = books.vendor(line.account)
        check_payable(master, line.document_type)
    elif line.account_type == BANK:
        master = books.bank(line.account)
    else:
        master = books.account(line.account)
    if "description" not in given:
        line.description = master.display_name
    line.currency_code = currency_of(books, line)
    line.amount = books.round(line.amount, line.currency_code)
    if "dimensions" not in given:
        line.dimensions = {**dimensions.defaults(books, master.id), **_balance_defaults(books, line)}


def _balance_defaults(books: Books, line: JournalLine) -> dict[str, str]:
    if line.balance_type != GL or not line.balance_account:
        return {}
    return dimensions.defaults(books, books.account(line.balance_account).id)


def currency_of(books: Books, line: JournalLine) -> str:
    """The balancing bank's currency if it has one, else the vendor's or the bank's own."""
    if line.balance_type == BANK and line.balance_account:
        bank = books.bank(line.balance_account)
        if bank.currency_code:
            return bank.currency_code
    if line.account_type == VENDOR and line.account:
        return books.vendor(line.account).currency_code
    if line.account_type == BANK and line.account:
        return books.bank(line.account).currency_code
    return ""


def label(books: Books, line: JournalLine) -> str:
    """How refusals name a line."""
    batch = batch_of(books, line.batch)
    return f"Journal Template Name={batch.template},Journal Batch Name={batch.code},Line No.={line.line_number}"
