"""Payments that BILL made, those it is told of, and documents."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.bill import (
    BillContent,
    BillLineContent,
    BillPaymentStatus,
    UploadStatus,
)
from tieout.domain.bill_payments import PaymentStage, RecordedPart, RecordedPaymentContent, SingleStatus
from tieout.domain.errors import InDoubt, Reject
from tieout_connectors.bill.client import BillClient
from tieout_sandbox.bill.default_world import VENDOR


def bill(number: str, *amounts: str, **more: Any) -> BillContent:
    return BillContent(
        **{
            "vendor": VENDOR,
            "invoice_number": number,
            "invoice_date": date(2026, 11, 30),
            "due_date": date(2026, 12, 31),
            "lines": tuple(BillLineContent(amount=Decimal(amount), description="Line") for amount in amounts),
        }
        | more
    )


def recent() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=10)


def recorded(made: str, amount: str, reference: str = "PAY-1") -> RecordedPaymentContent:
    return RecordedPaymentContent(
        vendor=VENDOR,
        process_date=datetime.now(UTC).date(),
        parts=(RecordedPart(bill=made, amount=Decimal(amount)),),
        sync_reference=reference,
    )


class TestPayments:
    """Payments that BILL made, and those it is told of."""

    async def two_bills(self, client: BillClient) -> tuple[str, str]:
        """Two bills to pay."""
        first = await client.bills.create(bill("P-1", "100.10"))
        second = await client.bills.create(bill("P-2", "50.00"))
        return first.id, second.id

    async def test_a_payment_of_two_bills_is_read_with_its_division(self, site: Any, client: BillClient) -> None:
        """What the ERP will be told, to the cent."""
        first, second = await self.two_bills(client)
        orders = [{"billId": first, "amount": 40.05}, {"billId": second}]
        (made,) = await site.pay(action="create", bills=orders, to="CLEARED")
        payment = await client.payments.get(made["id"])
        assert {part.bill: part.amount for part in payment.parts} == {
            first: Decimal("40.05"),
            second: Decimal("50.00"),
        }
        assert (payment.stage, payment.single_status, payment.unexplained(), payment.online) == (
            PaymentStage.TAKEN,
            SingleStatus.CLEARED,
            Decimal(0),
            True,
        )
        assert payment.process_date is not None
        assert payment.funding is not None
        read = await client.bills.get(first)
        assert (read.payment_status, read.due) == (BillPaymentStatus.PARTIALLY_PAID, Decimal("60.05"))
        assert [one.id async for one in client.payments.all(updated_since=recent())] == [payment.id]

    async def test_a_payment_is_planned_taken_returned_and_undone(self, site: Any, client: BillClient) -> None:
        """Each stage as BILL tells it; cleared is not the end."""
        first, _ = await self.two_bills(client)
        (made,) = await site.pay(action="create", bills=[{"billId": first}], disbursementType="ACH")
        stages = [(await client.payments.get(made["id"])).stage]
        await site.pay(action="advance", id=made["id"], to="CLEARED")
        stages.append((await client.payments.get(made["id"])).stage)
        await site.pay(action="return", id=made["id"])
        stages.append((await client.payments.get(made["id"])).stage)
        await site.pay(action="void", id=made["id"], pending=True)
        stages.append((await client.payments.get(made["id"])).stage)
        await site.pay(action="advance", id=made["id"], to="VOIDED")
        stages.append((await client.payments.get(made["id"])).stage)
        assert stages == [
            PaymentStage.PLANNED,
            PaymentStage.TAKEN,
            PaymentStage.RETURNED,
            PaymentStage.UNDOING,
            PaymentStage.UNDONE,
        ]

    async def test_a_check_has_its_number_as_text(self, site: Any, client: BillClient) -> None:
        """What the vendor sees on the check is what the ERP can show."""
        first, _ = await self.two_bills(client)
        (made,) = await site.pay(action="create", bills=[{"billId": first}], disbursementType="CHECK", to="PROCESSED")
        assert (await client.payments.get(made["id"])).check_number.isdigit()

    async def test_a_payment_made_outside_lowers_what_is_due_and_moves_no_money(self, client: BillClient) -> None:
        """An invoice of 1,000 with 400 already paid: 600 are due on both sides."""
        made = await client.bills.create(bill("P-1", "1000.00"))
        content = recorded(made.id, "400.00")
        payment = await client.payments.record(content)
        assert (payment.online, payment.parts[0].amount) == (False, Decimal("400.00"))
        assert (await client.bills.get(made.id)).due == Decimal("600.00")
        assert [one.id for one in await client.payments.find_recorded(content)] == [payment.id]

    async def test_more_than_is_due_is_rejected(self, client: BillClient) -> None:
        """BILL's own check against paying twice."""
        made = await client.bills.create(bill("P-1", "10.00"))
        with pytest.raises(Reject) as caught:
            await client.payments.record(recorded(made.id, "10.01"))
        assert caught.value.code == "BDC_1159"

    async def test_a_recorded_payment_whose_answer_was_lost_is_found_and_no_other(
        self, site: Any, client: BillClient
    ) -> None:
        """Two payments of one amount and day are told apart by their reference."""
        made = await client.bills.create(bill("P-1", "1000.00"))
        other = recorded(made.id, "400.00", "PAY-OTHER")
        await client.payments.record(other)
        await site.operator.fault("drop_after", method="POST", path="record-payment")
        with pytest.raises(InDoubt):
            await client.payments.record(recorded(made.id, "400.00", "PAY-1"))
        found = await client.payments.find_recorded(recorded(made.id, "400.00", "PAY-1"))
        assert len(found) == 1
        assert found[0].id not in [one.id for one in await client.payments.find_recorded(other)]

    async def test_a_payment_that_bill_made_is_never_taken_for_a_recorded_one(
        self, site: Any, client: BillClient
    ) -> None:
        """Same vendor, day and amount, but BILL's own money: another payment."""
        made = await client.bills.create(bill("P-1", "10.00"))
        (paid,) = await site.pay(action="create", bills=[{"billId": made.id}], to="PROCESSED")
        payment = await client.payments.get(paid["id"])
        assert payment.process_date is not None
        content = recorded(made.id, "10.00").model_copy(update={"process_date": payment.process_date})
        assert await client.payments.find_recorded(content) == ()


class TestDocuments:
    """Documents."""

    @pytest.mark.promise("C16")
    async def test_a_file_gets_its_final_id_after_minutes_and_is_found_by_name(
        self, site: Any, client: BillClient
    ) -> None:
        """The invoice's PDF is on the bill once."""
        made = await client.bills.create(bill("D-1", "10.00"))
        upload = await client.documents.upload(made.id, "PI 1 & 2.pdf", b"%PDF-1.7 made up")
        (early,) = await client.documents.uploads([upload.id])
        assert (upload.id[:3], early.status, early.document) == ("0du", UploadStatus.IN_PROGRESS, "")
        await site.operator.advance(300)
        (late,) = await client.documents.uploads([upload.id])
        found = await client.documents.find(made.id, "PI 1 & 2.pdf")
        assert (late.status, late.document[:3], [one.id for one in found]) == (
            UploadStatus.UPLOADED,
            "00h",
            [late.document],
        )

    async def test_a_file_that_is_too_large_or_empty_costs_no_call(self, site: Any, client: BillClient) -> None:
        """It is told at once and blocks nothing."""
        for content, code in ((b"x" * 6_000_001, "too_large"), (b"", "empty")):
            with pytest.raises(Reject) as caught:
                await client.documents.upload("00n01BILL00000000001", "a.pdf", content)
            assert caught.value.code == code
        assert await site.calls() == []
