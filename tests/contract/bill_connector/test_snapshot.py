"""What a tie-out sees of BILL, read over a socket."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.domain.bill import BillContent, BillLineContent
from tieout.domain.bill_payments import PaymentStage, RecordedPart, RecordedPaymentContent
from tieout.domain.settings import Side
from tieout.events.requests import SnapshotAsked
from tieout_bill_writer.snapshots import read
from tieout_connectors.bill.client import BillClient
from tieout_sandbox.bill.default_world import VENDOR


def content(number: str, amount: str) -> BillContent:
    """A bill of one line."""
    return BillContent(
        vendor=VENDOR, invoice_number=number, invoice_date=date(2026, 11, 30), due_date=date(2026, 12, 31),
        lines=(BillLineContent(amount=Decimal(amount)),),
    )  # fmt: skip


def asked(**changes: Any) -> SnapshotAsked:
    """The question of today."""
    today = datetime.now(UTC)
    base = {"connection": "acme", "side": Side.BILL, "generation": 1, "since": today.date(), "deadline": today}
    return SnapshotAsked.model_validate(base | changes)


async def test_bills_and_payments_stand_as_bill_shows_them(client: BillClient, site: Any) -> None:
    """Paid, recorded from outside, archived: amounts, parts and stages."""
    one, two, three = [await client.bills.create(content(f"S-{n}", f"{n}00.50")) for n in (1, 2, 3)]
    await site.pay(action="create", bills=[{"billId": one.id, "amount": "40"}], to="PROCESSED")
    part = RecordedPart(bill=two.id, amount=Decimal(7))
    outside = RecordedPaymentContent(vendor=VENDOR, process_date=date(2026, 11, 30), parts=(part,))
    await client.payments.record(outside)
    await client.bills.archive(three.id)
    found = await read(client, asked())
    bills = {bill.id: bill for bill in found.bills}
    assert [(bills[b.id].amount, bills[b.id].archived) for b in (one, two, three)] == [
        (Decimal("100.50"), False), (Decimal("200.50"), False), (Decimal("300.50"), True),
    ]  # fmt: skip
    parts = {
        part.bill: (part.amount, payment.stage, payment.online) for payment in found.payments for part in payment.parts
    }
    assert parts[one.id] == (Decimal(40), PaymentStage.TAKEN, True)
    assert parts[two.id] == (Decimal(7), PaymentStage.TAKEN, False)


async def test_named_bills_are_read_whenever_they_changed_last(client: BillClient) -> None:
    """A bill from before the cut-over that is linked all the same; one that is not there is simply not told."""
    one = await client.bills.create(content("S-9", "9"))
    later = datetime.now(UTC).date() + timedelta(days=30)
    assert [bill.id for bill in (await read(client, asked(since=later))).bills] == []
    found = await read(client, asked(since=later, bills=(one.id, "00nNOTHINGNOTHINGNOT")))
    assert [bill.id for bill in found.bills] == [one.id]
