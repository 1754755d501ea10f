"""What a connector's tests put under the suites: a simulated company, its people, and the truth in its books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from tieout.domain.capabilities import ErpCapabilities
from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import ErpOrder, PaymentOrder, PostingAccount
from tieout.domain.records import Kind
from tieout_connectors.spi.erp import ErpSource
from tieout_connectors.spi.erp_writer import ErpWriter
from tieout_connectors.spi.wire import WireReader


@dataclass(frozen=True)
class Invoice:
    """A posted, open invoice of the simulator. ``number`` and ``ledger_entry`` as the connector's records have them."""

    vendor: VendorRef
    document: str
    number: str
    total: Decimal
    posting_date: date
    ledger_entry: str = ""


class Company(Protocol):
    """A company in a simulator, for the write side. Amounts are in ``currency``, which is the company's own.

    Only ``writer`` goes through the connector. Everything else is done behind its back, at the simulator: what people
    do there, what goes wrong on the way, and the books as they are.
    """

    currency: str
    today: date
    clearing: PostingAccount
    bank: PostingAccount

    async def writer(self) -> ErpWriter:
        """A writer as a process that was just started has it. Whoever made the company closes it."""
        ...

    async def capabilities(self) -> ErpCapabilities:
        """What the site can do."""
        ...

    # People

    async def vendor(self) -> VendorRef:
        """Another vendor that can be paid, with nothing open."""
        ...

    async def invoice(self, vendor: VendorRef, total: Decimal, *, posted: date | None = None) -> Invoice:
        """Another posted invoice, open in full. ``posted`` is its posting date, today unless said."""
        ...

    async def pay_by_hand(self, invoice: Invoice, amount: Decimal) -> None:
        """Somebody pays and applies it, from the clearing account, today, without any mark of ours."""
        ...

    async def post_by_hand(self, order: ErpOrder) -> None:
        """Somebody posts what was recorded of an order."""
        ...

    async def delete_line(self, order: PaymentOrder) -> None:
        """Somebody deletes one line (or the only document) of what was recorded and not posted."""
        ...

    async def edit_amount(self, order: PaymentOrder, amount: Decimal) -> None:
        """Somebody changes the amount of one line (or the only document) of what was recorded and not posted."""
        ...

    async def reverse_by_hand(self, order: PaymentOrder) -> None:
        """Somebody reverses a posted payment, so that its invoices are open again."""
        ...

    async def close_books(self, through: date) -> None:
        """Postings up to and including this day are refused from now on."""
        ...

    async def open_books(self) -> None:
        """Every day can be posted to again."""
        ...

    # What goes wrong

    async def lose_answer(self) -> None:
        """The next call that changes something takes effect, and its answer is lost."""
        ...

    async def lose_request(self) -> None:
        """The next call that changes something fails without a clear answer, and has no effect."""
        ...

    async def defer_posting(self, *, deferred: bool) -> bool:
        """Let the ERP accept postings and carry them out later (its own job queue), or no longer, doing what waits.

        False if such an ERP does not exist.
        """
        ...

    # The books

    async def open_amount(self, invoice: Invoice) -> Decimal:
        """What is open of an invoice."""
        ...

    async def balance(self, account: PostingAccount) -> Decimal:
        """The account's balance, debit positive. A bank account is meant with its general ledger account."""
        ...


class ReadCompany(Protocol):
    """A company in a simulator, for the read side: its reader turns a page after a few rows."""

    source: ErpSource
    wire: WireReader
    page_rows: int
    """Rows of one page as the reader asks for them; at most 20, or the tests are slow."""

    async def change(self, kind: Kind, count: int) -> Mapping[str, str]:
        """So many records change (or are made), all with one stamp where there are stamps.

        Returned is, by key, the text that ``shown`` tells of their records from now on.
        """
        ...

    def shown(self, record: object) -> str:
        """The text by which ``change`` and ``touch`` can be seen in a record, ``""`` for records without one."""
        ...

    async def touch(self, kind: Kind, key: str) -> str:
        """One record changes once more, later; the new text."""
        ...

    async def change_late(self, kind: Kind) -> tuple[str, str] | None:
        """A record changes in a transaction that commits later than one that began after it: key and text.

        Readers see it under an older stamp than they have seen already. None where no stamp can be late.
        """
        ...

    async def commit_late(self) -> None:
        """The transaction of ``change_late`` commits."""
        ...

    async def pay_in_part(self) -> tuple[str, Decimal]:
        """An invoice is paid in part: the id of its vendor ledger entry and what is left open of it, positive."""
        ...

    async def spoil_open_item(self) -> str | None:
        """An open vendor ledger entry becomes unreadable: its key. None where none can be made so."""
        ...

    def kinds(self) -> Sequence[Kind]:
        """The kinds that ``change`` knows."""
        ...
