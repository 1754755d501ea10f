"""A simulated company of Business Central under the conformance suites: its writer, its people, its books."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final

from support.business_central_site import Site, opened
from tieout.domain.capabilities import ErpCapabilities
from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import AccountKind, ErpOrder, PaymentOrder, PostingAccount, ReversalOrder
from tieout_conformance import Invoice
from tieout_connectors.business_central.client import Client
from tieout_connectors.business_central.drafts import batch_code
from tieout_connectors.business_central.writer import BusinessCentralWriter
from tieout_devstack.certificates import Authority

WRITES: Final = "POST|PATCH|DELETE"
API: Final = "/api/v2[.]0/"
CLEARING: Final = PostingAccount(kind=AccountKind.GENERAL, number="2950")
BANK: Final = PostingAccount(kind=AccountKind.BANK, number="CHECKING")
# The general ledger account that the bank account's posting group names.
LEDGER_OF: Final = {"CHECKING": "1110"}


class BusinessCentralCompany:
    """One company; ``site`` is the simulator with people at work in it."""

    currency = "USD"
    clearing = CLEARING
    bank = BANK

    def __init__(self, site: Site, today: date) -> None:
        self.site = site
        self.today = today
        self._numbers = count(1)
        self._writers: list[BusinessCentralWriter] = []

    async def close(self) -> None:
        """Close every writer."""
        for writer in self._writers:
            await writer.close()

    async def writer(self) -> BusinessCentralWriter:
        """A writer that knows nothing, with a sign-in of its own; pauses of reads cost nothing."""
        client = Client(self.site.client.settings, self.site.credentials, pause=self.site.client._pause)
        made = BusinessCentralWriter(self.site.client.settings, self.site.credentials, client=client)
        self._writers.append(made)
        return made

    async def capabilities(self) -> ErpCapabilities:
        """What the site can do."""
        return await self.site.reader.capabilities()

    async def vendor(self) -> VendorRef:
        """Another vendor with nothing open."""
        number = f"V{next(self._numbers):04}"
        groups = {"posting_group": "DOMESTIC", "business_group": "DOMESTIC"}
        made = await self.site.people(
            "create_vendor", vendor={"number": number, "display_name": f"Vendor {number}", **groups}
        )
        return VendorRef(number=number, id=str(made.get("id", "")))

    async def invoice(self, vendor: VendorRef, total: Decimal, *, posted: date | None = None) -> Invoice:
        """Another posted invoice."""
        made = await self.site.people(
            "post_invoice",
            vendor=vendor.number,
            vendor_invoice_number=f"A-{next(self._numbers)}",
            posting_date=(posted or self.today).isoformat(),
            lines=[{"number": "6150", "unit_cost": str(total)}],
        )
        entry = await self.entry(str(made["number"]), "Invoice")
        return Invoice(vendor, str(made["id"]), str(made["number"]), total, posted or self.today, str(entry["number"]))

    async def known(self, number: str) -> Invoice:
        """A posted invoice of the default world."""
        found = next(one for one in (await self.books())["invoices"] if one["number"] == number)
        entry = await self.entry(number, "Invoice")
        day = date.fromisoformat(found["posting_date"])
        return Invoice(
            VendorRef(number=found["pay_to"]), found["id"], number, -Decimal(entry["amount"]), day, str(entry["number"])
        )

    async def lines(self, order: ErpOrder) -> list[dict[str, Any]]:
        """The journal lines of every batch, empty ones left out, that bear a number of the order."""
        found = [one for one in (await self.books())["journal_lines"] if one["account"]]
        return [one for one in found if one["document_number"] in numbers_of(order)]

    async def changes(self) -> list[str]:
        """Method and path end of every call that changed something over the API."""
        seen = [one for one in await self.site.operator.requests() if one["method"] in WRITES.split("|")]
        return [f"{one['method']} {one['path'].split('/companies(')[-1].partition(')/')[2]}" for one in seen]

    async def pay_by_hand(self, invoice: Invoice, amount: Decimal) -> None:
        """A payment in a batch of the person's own."""
        await self.site.pay(invoice.number, invoice.vendor.number, str(amount), f"HAND-{next(self._numbers)}")

    async def post_by_hand(self, order: ErpOrder) -> None:
        """Our batch, posted in the client."""
        template = "PAYMENT" if isinstance(order, PaymentOrder) else "GENERAL"
        await self.site.people("post_journal", batch=batch_code(order.mark), template=template)

    async def delete_line(self, order: PaymentOrder) -> None:
        """The first line of our batch."""
        await self.site.people("delete_journal_line", document=order.mark_of(order.applications[0]))

    async def edit_amount(self, order: PaymentOrder, amount: Decimal) -> None:
        """The amount of the first line of our batch."""
        document = order.mark_of(order.applications[0])
        await self.site.people("edit_journal_line", document=document, values={"amount": str(amount)})

    async def reverse_by_hand(self, order: PaymentOrder) -> None:
        """Every entry of the payment."""
        for application in order.applications:
            await self.site.people("reverse", document=order.mark_of(application))

    async def close_books(self, through: date) -> None:
        """Allow Posting From is the day after."""
        await self.site.people("close_period", **{"from": (through + timedelta(days=1)).isoformat()})

    async def open_books(self) -> None:
        """No bounds."""
        await self.site.people("close_period")

    async def lose_answer(self) -> None:
        """Of the next change over the API."""
        await self.site.operator.fault("drop_after", method=WRITES, path=API)

    async def lose_request(self) -> None:
        """The next change over the API is cut before it is read."""
        await self.site.operator.fault("drop_before", method=WRITES, path=API)

    async def defer_posting(self, *, deferred: bool) -> bool:
        """Post with Job Queue, on or off; off, what waits is done."""
        await self.site.switch(post_with_job_queue=deferred)
        if not deferred:
            await self.site.operator.advance(31)
        return True

    async def open_amount(self, invoice: Invoice) -> Decimal:
        """As the vendor ledger has it."""
        return -Decimal((await self.entry(invoice.number, "Invoice"))["remaining"])

    async def balance(self, account: PostingAccount) -> Decimal:
        """As the general ledger has it."""
        number = LEDGER_OF.get(account.number, account.number)
        accounts = (await self.books())["accounts"]
        return next(Decimal(one["balance"]) for one in accounts if one["number"] == number)

    async def books(self) -> dict[str, Any]:
        """The ground truth."""
        whole = await self.site.operator.ledger()
        company: dict[str, Any] = whole["companies"][0]
        assert company["balanced"] is True
        return company

    async def entry(self, document: str, kind: str = "Payment") -> dict[str, Any]:
        """The vendor ledger entry of a document."""
        entries = (await self.books())["vendor_entries"]
        found: list[dict[str, Any]] = [
            one for one in entries if one["document_number"] == document and one["document_type"] == kind
        ]
        return found[0]


def numbers_of(order: ErpOrder) -> set[str]:
    """The document numbers that an order is recorded under."""
    if isinstance(order, ReversalOrder):
        return numbers_of(order.payment)
    if isinstance(order, PaymentOrder):
        return {order.mark_of(application) for application in order.applications}
    return {order.mark}


@asynccontextmanager
async def company_of(trusted: Authority, **changes: Any) -> AsyncIterator[BusinessCentralCompany]:
    """A company of the default world, today."""
    async with opened(trusted, **changes) as site:
        clock = await site.operator.get("clock")
        company = BusinessCentralCompany(site, date.fromisoformat(str(clock["now"])[:10]))
        try:
            yield company
        finally:
            await company.close()
