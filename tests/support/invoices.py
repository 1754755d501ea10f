"""Invoices and the masters they need, for tests of decisions."""

from datetime import date
from typing import Any

from support.deciding import ADDRESS, World
from tieout.decide.state import Decision
from tieout.domain.erp import Account, AccountCategory, InvoiceLine, PurchaseInvoice, Vendor, VendorRef
from tieout.events.commands import BillCommand
from tieout.events.facts import AccountObserved, InvoiceObserved, Result, VendorObserved

MAY = date(2026, 5, 4)
BILL = "bill/i-1"


def line(number: int = 1, **changes: Any) -> InvoiceLine:
    """A line of 100 on account 6100."""
    base = {"id": f"l-{number}", "kind": "account", "account": "6100", "net": "100.00", "tax": "0"}
    return InvoiceLine.model_validate(base | {"description": f"Line {number}"} | changes)


def invoice(**changes: Any) -> PurchaseInvoice:
    """A posted, open invoice of one line of 100 USD."""
    base: dict[str, Any] = {
        "id": "i-1", "number": "108001", "vendor_invoice_number": "INV-1",
        "buy_from": VendorRef(number="10000"), "pay_to": VendorRef(number="10000"),
        "posting_date": MAY, "document_date": MAY, "due_date": date(2026, 6, 3), "currency": "USD", "status": "open",
        "net": "100.00", "tax": "0", "total": "100.00", "open": "100.00", "on_hold": "", "lines": (line(),),
    }  # fmt: skip
    return PurchaseInvoice.model_validate(base | changes)


def see(world: World, **changes: Any) -> Decision:
    """A poll run saw the invoice."""
    return world.feed(InvoiceObserved(run=1, invoice=invoice(**changes)))


def masters(world: World, *accounts: str) -> None:
    """The vendor and the accounts are in BILL."""
    vendor = Vendor(id="v-1", number="10000", name="Nordlys AS", currency="USD", address=ADDRESS)
    world.feed(VendorObserved(run=1, vendor=vendor))
    world.answer(Result.APPLIED, target="009AAA")
    for number in accounts or ("6100",):
        see_account(world, number)
        world.answer(Result.APPLIED, target=f"0ca{number}")


def see_account(world: World, number: str, **changes: Any) -> None:
    """A poll run saw the account."""
    account = Account(id=f"a-{number}", number=number, name=f"Account {number}", category=AccountCategory.EXPENSE)
    world.feed(AccountObserved(run=1, account=account.model_copy(update=changes)))


def last_bill(world: World) -> BillCommand:
    """The newest command, a bill's."""
    frame = world.issued[-1].frame
    assert isinstance(frame, BillCommand)
    return frame


def reason(world: World, link: str = BILL) -> str:
    """Why a link is held, nothing if it is not."""
    held = world.hold(link)
    return "" if held is None else held.reason
