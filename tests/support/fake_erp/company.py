"""The company of the ERP that exists in tests only, as the conformance kit wants one."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from support.fake_erp.books import Erp
from support.fake_erp.writer import FakeWriter, capabilities
from tieout.domain.capabilities import ErpCapabilities
from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import AccountKind, ErpOrder, PaymentOrder, PostingAccount, ReversalOrder
from tieout_conformance import Invoice

TODAY = date(2026, 4, 20)


@dataclass
class FakeCompany:
    """See ``tieout_conformance.Company``."""

    erp: Erp = field(default_factory=Erp)
    currency: str = "USD"
    today: date = TODAY
    clearing: PostingAccount = field(default_factory=lambda: PostingAccount(kind=AccountKind.GENERAL, number="2950"))
    bank: PostingAccount = field(default_factory=lambda: PostingAccount(kind=AccountKind.BANK, number="GIRO"))
    made: int = 0

    async def writer(self) -> FakeWriter:
        """Another one."""
        return FakeWriter(self.erp)

    async def capabilities(self) -> ErpCapabilities:
        """By the books' switches."""
        books = self.erp.read()
        return capabilities(posts=books.posts, reverses=books.reverses)

    async def vendor(self) -> VendorRef:
        """Another one."""
        self.made += 1
        return VendorRef(number=f"V{self.made:04}", id=f"v-{self.made}")

    async def invoice(self, vendor: VendorRef, total: Decimal, *, posted: date | None = None) -> Invoice:
        """Another one."""
        self.made += 1
        day = posted or self.today
        with self.erp.open() as books:
            books.invoice(f"i-{self.made}", vendor.number, format(total, "f"), day.isoformat())
        return Invoice(vendor, f"i-{self.made}", f"10{self.made:04}", total, day)

    async def pay_by_hand(self, invoice: Invoice, amount: Decimal) -> None:
        """Today."""
        with self.erp.open() as books:
            books.by_hand(invoice.document, format(amount, "f"), self.today.isoformat(), self.clearing.number)

    async def post_by_hand(self, order: ErpOrder) -> None:
        """The journal."""
        assert not isinstance(order, ReversalOrder)
        with self.erp.open() as books:
            books.post_by_hand(order.mark)

    async def delete_line(self, order: PaymentOrder) -> None:
        """The last one."""
        with self.erp.open() as books:
            books.journals[order.mark].popitem()

    async def edit_amount(self, order: PaymentOrder, amount: Decimal) -> None:
        """Of the last one."""
        with self.erp.open() as books:
            list(books.journals[order.mark].values())[-1]["amount"] = format(amount, "f")

    async def reverse_by_hand(self, order: PaymentOrder) -> None:
        """All its entries."""
        with self.erp.open() as books:
            books.reverse([order.mark_of(each) for each in order.applications])

    async def close_books(self, through: date) -> None:
        """Up to a day."""
        with self.erp.open() as books:
            books.closed_through = through.isoformat()

    async def open_books(self) -> None:
        """All days."""
        with self.erp.open() as books:
            books.closed_through = ""

    async def lose_answer(self) -> None:
        """Executed."""
        with self.erp.open() as books:
            books.faults.append("lost")

    async def lose_request(self) -> None:
        """Not executed."""
        with self.erp.open() as books:
            books.faults.append("never")

    async def defer_posting(self, *, deferred: bool) -> bool:
        """A job queue."""
        with self.erp.open() as books:
            if deferred:
                books.deferred = True
            else:
                books.run_jobs()
        return True

    async def open_amount(self, invoice: Invoice) -> Decimal:
        """As in the books."""
        return Decimal(self.erp.read().invoices[invoice.document]["open"])

    async def balance(self, account: PostingAccount) -> Decimal:
        """As in the books."""
        return self.erp.read().balance(account.number)
