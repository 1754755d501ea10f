"""Payments of BILL on their way into the ERP's ledger, for tests of decisions."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from support.deciding import World, settings
from support.invoices import line, masters, see
from tieout.decide.decide import decide
from tieout.decide.state import Decision, Origin
from tieout.domain.bill_payments import BillPayment, BillPaymentPart, FundingAccount, FundingType, SingleStatus
from tieout.domain.erp_orders import EntryRef, PaymentOrder
from tieout.domain.erp_outcomes import Applied, PostedPayment
from tieout.events.commands import ErpCommand
from tieout.events.facts import BillPaymentObserved, Result, SettingsFact, TickFact

JUNE = date(2026, 6, 1)
PAYMENT = "payment/stp1"
STAMP = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACCOUNTS = {"clearing": "2950", "banks": {"bac1": "GIRO"}, "cards": "2960"}


def paying_world(**policy: Any) -> World:
    """Two invoices of 100 and 250 stand in BILL as 00n1 and 00n2."""
    world = World(active=False)
    world.feed(SettingsFact(generation=1, settings=settings(accounts=ACCOUNTS, policy=policy)))
    masters(world)
    see(world)
    world.answer(Result.APPLIED, target="00n1")
    two = {"id": "i-2", "number": "108002", "vendor_invoice_number": "INV-2"}
    see(world, **two, net="250", total="250", open="250", lines=(line(net="250"),))
    world.answer(Result.APPLIED, target="00n2")
    world.issued.clear()
    return world


def payment(**changes: Any) -> BillPayment:
    """A payment of 100 for the first bill, taken from the bank."""
    base: dict[str, Any] = {
        "id": "stp1", "vendor": "009AAA", "amount": "100", "process_date": JUNE, "online": True,
        "parts": (BillPaymentPart(bill="00n1", amount=Decimal(100)),), "single_status": SingleStatus.PROCESSED,
        "funding": FundingAccount(type=FundingType.BANK_ACCOUNT, id="bac1"), "updated": STAMP,
    }  # fmt: skip
    return BillPayment.model_validate(base | changes)


def show(world: World, **changes: Any) -> Decision:
    """BILL showed the payment."""
    return world.feed(BillPaymentObserved(payment=payment(**changes)))


def order(world: World) -> Any:
    """The newest command's order."""
    frame = world.issued[-1].frame
    assert isinstance(frame, ErpCommand)
    return frame.order


def posted(asked: PaymentOrder, **changes: Any) -> PostedPayment:
    """The ledger shows what was asked."""
    base = {
        "mark": asked.mark,
        "entries": (EntryRef(ledger="vendor", id="900"),),
        "document_numbers": (asked.mark,),
        "vendor_number": asked.vendor.number,
        "posting_date": asked.posting_date,
        "cash": asked.cash,
        "applied": tuple(
            Applied(document=one.document, amount=one.amount, discount=one.discount, open_after=Decimal(0))
            for one in asked.applications
        ),
        "unapplied": Decimal(0),
        "clearing": asked.clearing,
        "cleared": asked.cash.amount,
    }
    return PostedPayment.model_validate(base | changes)


def post(world: World, **changes: Any) -> PaymentOrder:
    """The writer proves the newest payment."""
    asked = order(world)
    assert isinstance(asked, PaymentOrder)
    world.answer(Result.APPLIED, target=asked.mark, payment=posted(asked, **changes))
    return asked


def tick(world: World, after: timedelta) -> Decision:
    """Time passes."""
    when = datetime(2026, 3, 1, 12, tzinfo=UTC) + after
    origin = Origin("acme", f"t{world.offset}", world.offset, when)
    decision = decide(world.view, origin, TickFact(slot=when))
    world.view.apply(decision.entries)
    world.offset += 1
    world.issued += decision.commands
    return decision
