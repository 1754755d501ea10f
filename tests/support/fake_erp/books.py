"""The books of the ERP that exists in tests only: journals that are posted whole, vendor entries, balances, and faults.

One JSON value, so that it lives in memory for a unit test and in a file for services that are killed. Amounts are
text. What people do and what goes wrong is done here, behind the connector's back.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tieout.domain.errors import Fatal, InDoubt, Reject, Retry

Line = dict[str, Any]


class Refused(Exception):
    """What the ERP says no to: code and text."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


@dataclass
class Books:
    """The state.

    ``calls`` are the changes that were asked for, by operation and mark, ``repeated`` those of them that had been
    executed before. ``measured`` is what proofs were measured from.
    """

    invoices: dict[str, Line] = field(default_factory=dict)
    journals: dict[str, dict[str, Line]] = field(default_factory=dict)
    entries: list[Line] = field(default_factory=list)
    balances: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    measured: list[dict[str, str]] = field(default_factory=list)
    closed_through: str = ""
    posts: bool = True
    reverses: bool = False
    deferred: bool = False
    reads: str = ""
    detail: str = ""
    unprovable: bool = False
    hidden: list[str] = field(default_factory=list)

    def invoice(self, document: str, vendor: str, total: str, posted: str) -> None:
        """A purchase invoice is posted."""
        self.invoices[document] = {"vendor": vendor, "total": total, "open": total, "posted": posted}

    # What the writer may call

    def create_journal(self, mark: str) -> None:
        """An empty journal."""
        if mark in self.journals:
            raise Refused("exists", mark)
        self.journals[mark] = {}

    def add_line(self, journal: str, mark: str, line: Line) -> None:
        """A line; which invoice it names is looked at when it is posted."""
        if journal not in self.journals:
            raise Refused("no_journal", journal)
        if mark in self.journals[journal]:
            raise Refused("exists", mark)
        if line["kind"] == "payment" and line["vendor"].startswith("NOSUCH"):
            raise Refused("no_vendor", line["vendor"])
        self.journals[journal][mark] = line

    def delete_line(self, journal: str, mark: str) -> None:
        """A line goes."""
        if mark not in self.journals.get(journal, {}):
            raise Refused("not_found", mark)
        del self.journals[journal][mark]

    def delete_journal(self, mark: str) -> None:
        """An empty journal goes."""
        if self.journals.get(mark):
            raise Refused("not_empty", mark)
        self.journals.pop(mark, None)

    def post(self, journal: str) -> None:
        """All lines or none; deferred postings are only noted."""
        if not self.journals.get(journal):
            raise Refused("nothing_to_post", journal)
        if self.deferred:
            self.waiting.append(journal)
            return
        self._post(journal)

    def reverse(self, marks: list[str]) -> None:
        """Posted entries are reversed, what they settled is open again."""
        for entry in self.entries:
            if entry["mark"] in marks and not entry["reversed"]:
                entry["reversed"] = True
                self._move(entry, -1)

    def _post(self, journal: str) -> None:
        lines = self.journals[journal]
        for mark, line in lines.items():
            self._check(mark, line)
        for mark, line in lines.items():
            entry = line | {"mark": mark, "id": f"e{len(self.entries) + 1}", "reversed": False}
            self.entries.append(entry)
            self._move(entry, 1)
        self.journals[journal] = {}

    def _check(self, mark: str, line: Line) -> None:
        if any(entry["mark"] == mark for entry in self.entries):
            raise Refused("number_used", mark)
        if line["date"] <= self.closed_through:
            raise Refused("closed_period", line["date"])
        if line["kind"] != "payment":
            return
        invoice = self.invoices.get(line["document"])
        if invoice is None or invoice["vendor"] != line["vendor"] or Decimal(invoice["open"]) == 0:
            raise Refused("no_open_entry", line["document"])
        if Decimal(line["amount"]) > Decimal(invoice["open"]):
            raise Refused("too_much", line["document"])
        if line["date"] < invoice["posted"]:
            raise Refused("earlier_date", line["document"])

    def _move(self, entry: Line, sign: int) -> None:
        amount = sign * Decimal(entry["amount"])
        if entry["kind"] == "payment":
            invoice = self.invoices[entry["document"]]
            invoice["open"] = str(Decimal(invoice["open"]) - amount)
            self._add(entry["clearing"], -amount)
        else:
            self._add(entry["clearing"], amount)
            self._add(entry["bank"], -amount)

    def _add(self, account: str, amount: Decimal) -> None:
        self.balances[account] = str(self.balance(account) + amount)

    def balance(self, account: str) -> Decimal:
        """Debit positive."""
        return Decimal(self.balances.get(account, "0"))

    # People

    def by_hand(self, document: str, amount: str, date: str, clearing: str) -> None:
        """Somebody pays an invoice."""
        invoice = self.invoices[document]
        entry = {
            "kind": "payment", "vendor": invoice["vendor"], "document": document, "amount": amount, "date": date,
            "clearing": clearing, "mark": f"HAND{len(self.entries)}", "id": f"e{len(self.entries) + 1}",
            "reversed": False,
        }  # fmt: skip
        self.entries.append(entry)
        self._move(entry, 1)

    def post_by_hand(self, journal: str) -> None:
        """Somebody posts a journal."""
        self._post(journal)

    def run_jobs(self) -> None:
        """Deferred postings are carried out."""
        waiting, self.waiting, self.deferred = self.waiting, [], False
        for journal in waiting:
            self._post(journal)


class Erp:
    """Where the books are; each ``open`` is one moment for everybody."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._books = Books()
        self.late: list[tuple[str, tuple[Any, ...]]] = []

    @contextmanager
    def open(self) -> Iterator[Books]:
        """The books, to read and to change."""
        if self._file is None:
            yield self._books
            return
        with self._file.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            books = Books(**json.loads(text)) if text else Books()
            try:
                yield books
            finally:
                # An error of the caller undoes nothing: a lost answer is one.
                file.seek(0)
                file.truncate()
                json.dump(vars(books), file)

    def read(self) -> Books:
        """The books as they are, or the error that a read gets."""
        with self.open() as books:
            if books.reads:
                raise ERRORS[books.reads]("reads fail", code=books.reads)
            return books

    def change(self, operation: str, *arguments: Any) -> None:
        """One changing call of the writer, with the next fault if there is one: ``kind`` or ``kind@operation``."""
        with self.open() as books:
            fault = self._fault(books, operation)
            call = self.name(operation, arguments)
            books.calls.append(call)
            if call in books.executed:
                books.repeated.append(call)
            if fault in ERRORS:
                raise ERRORS[fault](fault, code=fault)
            if fault == "never":
                raise InDoubt("no answer")
            if fault == "late":
                self.late.append((operation, arguments))
                raise InDoubt("no answer")
            try:
                self.execute(books, operation, arguments)
            except Refused as error:
                raise Reject(str(error), code=error.code, duplicate=error.code == "exists") from error
            if fault == "lost":
                raise InDoubt("no answer")

    @staticmethod
    def execute(books: Books, operation: str, arguments: tuple[Any, ...]) -> None:
        """Make the change."""
        getattr(books, operation)(*arguments)
        books.executed.append(Erp.name(operation, arguments))

    @staticmethod
    def name(operation: str, arguments: tuple[Any, ...]) -> str:
        """What a call does, to what."""
        return f"{operation} {arguments[1] if operation in ('add_line', 'delete_line') else arguments[0]}"

    def arrive(self) -> None:
        """Calls that were thought lost take effect now."""
        late, self.late = self.late, []
        for operation, arguments in late:
            with self.open() as books:
                call = self.name(operation, arguments)
                if call in books.executed:
                    books.repeated.append(call)
                with suppress(Refused):
                    self.execute(books, operation, arguments)

    @staticmethod
    def _fault(books: Books, operation: str) -> str:
        for place, fault in enumerate(books.faults):
            kind, _, of = fault.partition("@")
            if of in ("", operation):
                del books.faults[place]
                return kind
        return ""


ERRORS: dict[str, type[Retry] | type[Reject] | type[Fatal]] = {"retry": Retry, "reject": Reject, "fatal": Fatal}
