"""One company's books: all tables and the look-ups that accounting needs."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout_sandbox.business_central.books import documents, entries, masters
from tieout_sandbox.business_central.books.dates import increment, shift
from tieout_sandbox.business_central.books.store import Store, Table
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.kernel.clock import Clock


class Books:
    """The tables of one company. ``id`` is the company's guid, ``name`` its name in addresses."""

    def __init__(self, clock: Clock, *, identity: str, name: str, seed: int = 0) -> None:
        self.id = identity
        self.name = name
        self.display_name = ""
        self.created = clock.now()
        self.store = Store(clock, seed)
        # Postings left to the job queue; see queue.Job.
        self.jobs: list[Any] = []
        self.dimension_sets: dict[frozenset[tuple[str, str]], int] = {}
        self._masters(self.store)
        self._documents(self.store)
        self._journals(self.store)
        self._ledgers(self.store)

    def _masters(self, store: Store) -> None:
        self.setups = Table[masters.Setup](store, "General Ledger Setup", lambda _row: 1)
        self.vendors = Table[masters.Vendor](store, "Vendor", lambda row: row.number)
        self.accounts = Table[masters.Account](store, "G/L Account", lambda row: row.number)
        self.dimensions = Table[masters.Dimension](
            store, "Dimension", lambda row: row.code, lambda row: f"Code='{row.code}'"
        )
        self.dimension_values = Table[masters.DimensionValue](
            store,
            "Dimension Value",
            lambda row: (row.dimension, row.code),
            lambda row: f"Dimension Code='{row.dimension}',Code='{row.code}'",
            dimension=lambda row: row.dimension,
        )
        self.default_dimensions = Table[masters.DefaultDimension](
            store,
            "Default Dimension",
            lambda row: (row.parent_type, row.parent_id, row.dimension),
            lambda row: f"Dimension Code='{row.dimension}'",
            parent=lambda row: row.parent_id,
        )
        self.payment_terms = Table[masters.PaymentTerm](store, "Payment Terms", lambda row: row.code)
        self.payment_methods = Table[masters.PaymentMethod](store, "Payment Method", lambda row: row.code)
        self.currencies = Table[masters.Currency](store, "Currency", lambda row: row.code)
        self.bank_accounts = Table[masters.BankAccount](store, "Bank Account", lambda row: row.number)
        self.articles = Table[masters.Article](store, "Item", lambda row: (row.kind, row.number))
        self.posting_groups = Table[masters.PostingGroup](store, "Vendor Posting Group", lambda row: row.code)
        self.tax_codes = Table[masters.TaxCode](store, "Tax Group", lambda row: row.code)
        self.units = Table[masters.Unit](store, "Unit of Measure", lambda row: row.code)
        self.series = Table[masters.NumberSeries](store, "No. Series", lambda row: row.code)

    def _documents(self, store: Store) -> None:
        self.documents = Table[documents.Document](
            store,
            "Purchase Header",
            lambda row: (row.kind, row.number, row.draft),
            kind=lambda row: row.kind,
            vendor_number=lambda row: (row.kind, row.vendor, row.vendor_invoice_number),
            order=lambda row: row.order_id,
            number=lambda row: row.number,
            vendor_invoice=lambda row: row.vendor_invoice_number,
        )
        self.lines = Table[documents.Line](
            store, "Purchase Line", lambda row: (row.document, row.sequence), document=lambda row: row.document
        )
        self.attachments = Table[documents.Attachment](
            store, "Attachment", lambda row: row.id, parent=lambda row: row.parent_id
        )

    def _journals(self, store: Store) -> None:
        self.templates = Table[entries.JournalTemplate](store, "Gen. Journal Template", lambda row: row.name)
        self.batches = Table[entries.JournalBatch](
            store,
            "Gen. Journal Batch",
            lambda row: (row.template, row.code),
            lambda row: f"Journal Template Name='{row.template}',Name='{row.code}'",
        )
        self.journal_lines = Table[entries.JournalLine](
            store,
            "Gen. Journal Line",
            lambda row: (row.batch, row.line_number),
            lambda row: f"Line No.='{row.line_number}'",
            batch=lambda row: row.batch,
        )

    def _ledgers(self, store: Store) -> None:
        self.ledger = Table[entries.LedgerEntry](
            store,
            "G/L Entry",
            lambda row: row.number,
            document=lambda row: row.document_number,
            transaction=lambda row: row.transaction,
            application=lambda row: row.application,
        )
        self.vendor_ledger = Table[entries.VendorEntry](
            store,
            "Vendor Ledger Entry",
            lambda row: row.number,
            document=lambda row: (row.document_type, row.document_number),
            external=lambda row: (row.document_type, row.vendor, row.external_document_number),
            open=lambda row: (row.vendor, row.open),
            invoice=lambda row: row.document_id,
            transaction=lambda row: row.transaction,
            mark=lambda row: row.applies_to_id,
        )
        self.details = Table[entries.DetailedEntry](
            store,
            "Detailed Vendor Ledg. Entry",
            lambda row: row.number,
            entry=lambda row: row.vendor_entry,
            application=lambda row: row.application,
        )
        self.bank_ledger = Table[entries.BankEntry](
            store,
            "Bank Account Ledger Entry",
            lambda row: row.number,
            bank=lambda row: row.bank,
            transaction=lambda row: row.transaction,
        )

    # -- look-ups

    @property
    def setup(self) -> masters.Setup:
        """The one row of setup."""
        found = self.setups.last()
        if found is None:
            raise Refusal("no_record", table="General Ledger Setup")
        return found

    def today(self) -> date:
        """The work date."""
        return (self.store.fixed_stamp or self.store.clock.now()).date()

    def vendor(self, number: str) -> masters.Vendor:
        """A vendor that must be there."""
        found = self.vendors.find(number)
        if found is None:
            raise Refusal("no_record", table=f"Vendor No.='{number}'")
        return found

    def account(self, number: str) -> masters.Account:
        """A G/L account that must be there."""
        found = self.accounts.find(number)
        if found is None:
            raise Refusal("no_record", table=f"G/L Account No.='{number}'")
        return found

    def bank(self, number: str) -> masters.BankAccount:
        """A bank account that must be there."""
        found = self.bank_accounts.find(number)
        if found is None:
            raise Refusal("no_record", table=f"Bank Account No.='{number}'")
        return found

    def posting_group(self, code: str, vendor: str) -> masters.PostingGroup:
        """The accounts behind a vendor; a vendor without them cannot be posted."""
        found = self.posting_groups.find(code)
        if found is None:
            raise Refusal("must_have_value", field="Vendor Posting Group", table="Vendor", key=f"No.={vendor}")
        return found

    def series_next(self, code: str) -> str:
        """Take the next number of a series."""
        found = self.series.find(code)
        if found is None:
            raise Refusal("no_record", table=f"No. Series Code='{code}'")
        number = increment(found.last)
        self.series.change(found, last=number, quiet=True)
        return number

    def due_date(self, terms_id: str, start: date) -> date:
        """When a document of these terms is due."""
        terms = self.payment_terms.get(terms_id) if terms_id else None
        return shift(start, terms.due) if terms and terms.due else start

    def discount_terms(self, terms_id: str, start: date) -> tuple[date | None, Decimal]:
        """The last day of the payment discount and its percent."""
        terms = self.payment_terms.get(terms_id) if terms_id else None
        if terms is None or not terms.discount_percent:
            return None, Decimal(0)
        return (shift(start, terms.discount_date) if terms.discount_date else start), terms.discount_percent

    # -- currency: "" is the local one inside, its code outside

    def currency_shown(self, code: str) -> str:
        """The code on the wire."""
        return code or self.setup.local_currency

    def currency_id(self, code: str) -> str:
        """The id of a foreign currency; empty for the local one."""
        found = self.currencies.find(code)
        return found.id if found and code != self.setup.local_currency else ""

    def currency_read(self, code: str) -> str:
        """A code of a request as it is kept; unknown ones are refused."""
        code = code.strip().upper()
        if code in ("", self.setup.local_currency):
            return ""
        if self.currencies.find(code) is None:
            raise Refusal("currency_code")
        return code

    def decimals(self, code: str) -> int:
        """How many decimals amounts of a currency have."""
        found = self.currencies.find(code) if code else None
        return found.decimals if found else self.setup.local_decimals

    def round(self, amount: Decimal, code: str = "") -> Decimal:
        """An amount in whole smallest units, half away from zero."""
        return amount.quantize(Decimal(1).scaleb(-self.decimals(code)), rounding=ROUND_HALF_UP)

    def rate(self, code: str, day: date) -> Decimal:
        """Local currency for one unit on a day."""
        if not code:
            return Decimal(1)
        found = self.currencies.find(code)
        known = [rate for start, rate in found.rates if start <= day] if found else []
        if not known:
            raise Refusal("no_record", table=f"Currency Exchange Rate Currency Code='{code}',Starting Date='{day}'")
        return known[-1]

    def local(self, amount: Decimal, code: str, day: date) -> Decimal:
        """An amount in local currency at a day's rate."""
        return self.round(amount * self.rate(code, day))
