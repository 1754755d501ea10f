"""One transaction of the general ledger: its entries sum to zero or nothing of it stands."""

from datetime import date
from decimal import Decimal

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Dimensions
from tieout_sandbox.business_central.books.entries import BankEntry, DetailedEntry, LedgerEntry, VendorEntry
from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.refusals import Refusal


class UnbalancedError(Exception):
    """A posting of the simulator itself does not balance: a defect, never an answer."""


class Register:
    """Writes entries of one document; ``finish`` proves that debits equal credits."""

    def __init__(self, books: Books, posting_date: date, document_type: str, document_number: str) -> None:
        self.books = books
        self.posting_date = posting_date
        self.document_type = document_type
        self.document_number = document_number
        self.external = ""
        self.description = ""
        self.source = ""
        last = books.ledger.last()
        self.transaction = last.transaction + 1 if last else 1
        self.first_ledger = last.number + 1 if last else 1
        self._sum = ZERO

    def post(
        self,
        account: str,
        amount: Decimal,
        *,
        dimensions: Dimensions | None = None,
        description: str | None = None,
        document_type: str | None = None,
        application: int = 0,
    ) -> LedgerEntry | None:
        """One G/L entry, debits positive, local currency. Zero amounts leave none."""
        if not amount:
            return None
        found = self.books.account(account)
        if found.blocked:
            raise Refusal("account_blocked", table="G/L Account", number=account)
        if found.account_type != "Posting":
            raise Refusal("account_type", number=account)
        entry = LedgerEntry(
            number=next_number(self.books.ledger.last()),
            posting_date=self.posting_date,
            document_type=self.document_type if document_type is None else document_type,
            document_number=self.document_number,
            external_document_number=self.external,
            account=account,
            description=self.description if description is None else description,
            amount=amount,
            dimensions=dict(dimensions or {}),
            transaction=self.transaction,
            source=self.source,
            application=application,
        )
        self.books.ledger.insert(entry)
        self.books.accounts.change(
            found,
            quiet=True,
            net_change=found.net_change + amount,
            debit=found.debit + max(amount, ZERO),
            credit=found.credit - min(amount, ZERO),
        )
        self._sum += amount
        return entry

    def bank(self, number: str, amount: Decimal, local: Decimal, description: str, dimensions: Dimensions) -> None:
        """A bank entry and its G/L entry."""
        self.bank_entry(number, amount, local, description)
        self.post(self.books.bank(number).account, local, description=description, dimensions=dimensions)

    def bank_entry(self, number: str, amount: Decimal, local: Decimal, description: str) -> None:
        """A bank entry whose G/L entry is the caller's."""
        bank = self.books.bank(number)
        if bank.blocked:
            raise Refusal("account_blocked", table="Bank Account", number=number)
        self.books.bank_ledger.insert(
            BankEntry(
                number=next_number(self.books.bank_ledger.last()),
                bank=number,
                posting_date=self.posting_date,
                document_type=self.document_type,
                document_number=self.document_number,
                description=description,
                amount=amount,
                amount_local=local,
                transaction=self.transaction,
            )
        )

    def vendor(self, entry: VendorEntry) -> VendorEntry:
        """A vendor entry with its initial detailed entry; its G/L entry is the caller's."""
        self.books.vendor_ledger.insert(entry)
        self.detail(entry, "Initial Entry", entry.amount, entry.amount_local)
        vendor = self.books.vendor(entry.vendor)
        self.books.vendors.change(vendor, quiet=True, balance=vendor.balance - entry.amount_local)
        return entry

    def detail(
        self,
        entry: VendorEntry,
        kind: str,
        amount: Decimal,
        local: Decimal,
        application: int = 0,
        applied: int = 0,
        *,
        unapplied: bool = False,
    ) -> None:
        """A detailed entry of a vendor entry."""
        self.books.details.insert(
            DetailedEntry(
                number=next_number(self.books.details.last()),
                kind=kind,
                vendor_entry=entry.number,
                vendor=entry.vendor,
                posting_date=self.posting_date,
                document_type=self.document_type,
                document_number=self.document_number,
                amount=amount,
                amount_local=local,
                transaction=self.transaction,
                application=application,
                applied_entry=applied,
                unapplied=unapplied,
            )
        )

    def balance(self) -> Decimal:
        """Debits minus credits so far."""
        return self._sum

    def finish(self) -> None:
        """Close the transaction."""
        if self._sum:
            raise UnbalancedError(f"{self.document_type} {self.document_number} is out of balance by {self._sum}")


def next_number(last: LedgerEntry | VendorEntry | DetailedEntry | BankEntry | None) -> int:
    """The number after the last entry's."""
    return last.number + 1 if last else 1


def check_date(books: Books, day: date, table: str, key: str) -> None:
    """Refuse a posting date outside the allowed window."""
    first, last = books.setup.allow_posting_from, books.setup.allow_posting_to
    if (first and day < first) or (last and day > last):
        raise Refusal("date_window", table=table, key=key)
