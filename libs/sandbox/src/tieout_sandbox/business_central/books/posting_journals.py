"""Posting a journal batch: everything in it or nothing, then the lines are gone."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import groupby

from tieout_sandbox.business_central.books import applying, dimensions
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.dates import increment
from tieout_sandbox.business_central.books.entries import BANK, GL, VENDOR, JournalBatch, JournalLine, VendorEntry
from tieout_sandbox.business_central.books.journals import LINE_STEP, label, lines_of
from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.books.register import Register, check_date, next_number
from tieout_sandbox.business_central.refusals import Refusal


def post_batch(books: Books, batch: JournalBatch) -> None:
    """Post every line of a batch.

    Raises:
        Refusal: The first thing that a posting refuses; nothing is posted then and the lines stay.
    """
    with books.store.transaction():
        lines = [line for line in lines_of(books, batch) if not line.empty]
        if not lines:
            raise Refusal("nothing_to_post")
        for line in lines:
            _check(books, batch, line)
        _check_balance(books, lines)
        for (day, number), group in groupby(lines, key=lambda line: (line.posting_date, line.document_number)):
            if day is not None:
                _book(books, batch, day, number, list(group))
        _clean_up(books, batch)


def _check(books: Books, batch: JournalBatch, line: JournalLine) -> None:
    key = label(books, line)
    for field, value in (
        ("Posting Date", line.posting_date),
        ("Document No.", line.document_number),
        ("Account No.", line.account),
        ("Amount", line.amount),
    ):
        if not value:
            raise Refusal("must_have_value", field=field, table="Gen. Journal Line", key=key)
    if line.posting_date is not None:
        check_date(books, line.posting_date, "Gen. Journal Line", key)
    where = f"Gen. Journal Line {batch.template}, {batch.code}, {line.line_number}"
    parents = []
    for kind, number in ((line.account_type, line.account), (line.balance_type, line.balance_account)):
        if number:
            parents.append((kind, number, _check_side(books, line, kind, number)))
    dimensions.check(books, where, line.dimensions, parents)


def _check_side(books: Books, line: JournalLine, kind: str, number: str) -> str:
    """The id of the account of one side, which may be posted to."""
    if kind == VENDOR:
        _check_vendor(books, line, number)
        return books.vendor(number).id
    if kind == BANK:
        return books.bank(number).id
    account = books.account(number)
    if not account.direct_posting:
        raise Refusal("direct_posting", number=number)
    return account.id


def _check_vendor(books: Books, line: JournalLine, number: str) -> None:
    vendor = books.vendor(number)
    stopped = vendor.blocked == "All" or (vendor.blocked == "Payment" and line.document_type == "Payment")
    if stopped or vendor.privacy_blocked:
        raise Refusal("vendor_blocked_post", vendor=number, type=vendor.blocked)
    books.posting_group(vendor.posting_group, number)
    if line.document_type == " ":
        return
    if books.vendor_ledger.where("document", (line.document_type, line.document_number)):
        raise Refusal("document_used", type=line.document_type, number=line.document_number)
    external = line.external_document_number
    if books.setup.external_number_mandatory:
        known = books.vendor_ledger.where("external", (line.document_type, number, external)) if external else []
        if any(not entry.reversed for entry in known):
            raise Refusal("external_used", type=line.document_type, number=external)


def _check_balance(books: Books, lines: list[JournalLine]) -> None:
    """Lines without a balancing account sum to zero per date and document number."""
    sums: dict[tuple[date | None, str], Decimal] = {}
    for line in lines:
        if not line.balance_account and line.posting_date is not None:
            key = (line.posting_date, line.document_number)
            sums[key] = sums.get(key, ZERO) + books.local(line.amount, line.currency_code, line.posting_date)
    off = next((amount for amount in sums.values() if amount), None)
    if off is not None:
        raise Refusal("out_of_balance", amount=off)


def _book(books: Books, batch: JournalBatch, day: date, number: str, lines: list[JournalLine]) -> None:
    if batch.posting_series:
        number = books.series_next(batch.posting_series)
    register = Register(books, day, lines[0].document_type, number)
    for line in lines:
        register.document_type = line.document_type
        register.external, register.description = line.external_document_number, line.description
        register.source = line.account if line.account_type == VENDOR else ""
        _side(register, line, line.account_type, line.account, line.amount)
        if line.balance_account:
            _side(register, line, line.balance_type, line.balance_account, -line.amount)
    register.finish()


def _side(register: Register, line: JournalLine, kind: str, number: str, amount: Decimal) -> None:
    books = register.books
    local = books.local(amount, line.currency_code, register.posting_date)
    if kind == GL:
        register.post(number, local, dimensions=line.dimensions)
    elif kind == BANK:
        bank = books.bank(number)
        own = amount if bank.currency_code == line.currency_code else local
        register.bank(number, own, local, line.description, line.dimensions)
    elif kind == VENDOR:
        _vendor_side(register, line, number, amount, local)
    else:
        raise Refusal("bad_option", value=kind, options=f"{GL},{VENDOR},{BANK}")


def _vendor_side(register: Register, line: JournalLine, number: str, amount: Decimal, local: Decimal) -> None:
    books = register.books
    vendor = books.vendor(number)
    group = books.posting_group(vendor.posting_group, number)
    targets = _targets(books, line, number)
    entry = register.vendor(
        VendorEntry(
            number=next_number(books.vendor_ledger.last()),
            posting_date=register.posting_date,
            document_type=line.document_type,
            document_number=register.document_number,
            external_document_number=line.external_document_number,
            vendor=number,
            description=line.description,
            currency_code=line.currency_code,
            amount=amount,
            amount_local=local,
            remaining=amount,
            remaining_local=local,
            due_date=register.posting_date,
            dimensions=dict(line.dimensions),
            posting_group=vendor.posting_group,
            transaction=register.transaction,
        )
    )
    register.post(group.payables, local, dimensions=line.dimensions)
    if targets:
        applying.apply_entries(register, entry, targets)


def _targets(books: Books, line: JournalLine, vendor: str) -> list[VendorEntry]:
    """The entries a line is applied to: those marked with its id, or the one it names."""
    if line.applies_to_id:
        marked = books.vendor_ledger.where("mark", line.applies_to_id)
        return [entry for entry in marked if entry.open and entry.vendor == vendor]
    if not line.applies_to_number:
        return []
    named = books.vendor_ledger.where("document", (line.applies_to_type, line.applies_to_number))
    found = [entry for entry in named if entry.open and entry.vendor == vendor]
    if not found:
        raise Refusal("no_open_entry", number=line.applies_to_number, vendor=vendor)
    return found[:1]


def _clean_up(books: Books, batch: JournalBatch) -> None:
    lines = lines_of(books, batch)
    _use_up_series(books, batch, lines)
    for line in lines:
        books.journal_lines.remove(line)
    if not batch.number_series:
        ghost = JournalLine(
            batch=batch.id,
            line_number=LINE_STEP,
            document_type="Payment",
            account_type=VENDOR,
            balance_type=batch.balance_type,
            balance_account=batch.balance_account,
        )
        books.journal_lines.insert(ghost)
    template = books.templates.find(batch.template)
    following = increment(batch.code)
    if template is not None and template.increment and following:
        books.batches.change(batch, code=following)


def _use_up_series(books: Books, batch: JournalBatch, lines: Iterable[JournalLine]) -> None:
    """The batch's series goes on after the highest of its numbers that was posted."""
    series = books.series.find(batch.number_series) if batch.number_series else None
    if series is None:
        return
    highest = max((line.document_number for line in lines), default="")
    if len(highest) == len(series.last) and highest > series.last:
        books.series.change(series, last=highest, quiet=True)
