"""Bills and vendor credits."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.bill import (
    Bill,
    BillApprovalStatus,
    BillCoding,
    BillContent,
    BillCreditContent,
    BillLineContent,
    BillPaymentStatus,
    ClassificationKind,
    CreditUse,
)
from tieout.domain.errors import Executed, InDoubt, Reject
from tieout_connectors.bill.calls import Call
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


def contents(made: Bill) -> tuple[BillLineContent, ...]:
    return tuple(
        BillLineContent(id=one.id, amount=one.amount or Decimal(0), description=one.description, coding=one.coding)
        for one in made.lines
    )


def patch_credits(made: str, credit: str) -> Any:
    uses = [{"id": credit, "amount": Decimal("4.00")}]
    return Call("PATCH /v3/bills/{id}", (made,), body={"vendorCredits": uses})


class TestBills:
    """Bills and credits."""

    async def test_a_bill_comes_back_to_the_cent_with_its_coding(self, client: BillClient) -> None:
        """Twelve million dollars and ninety cents, less ninety cents."""
        account = (await client.classifications.by_number(ClassificationKind.ACCOUNT, "6100"))[0]
        coding = BillCoding(account=account.id)
        lines = (
            BillLineContent(amount=Decimal("12345678.90"), description="Panes", coding=coding),
            BillLineContent(amount=Decimal("-0.90"), description="Rounding", coding=coding),
        )
        made = await client.bills.create(bill("PI-1", lines=lines, description="Windows", purchase_order="PO-1"))
        read = await client.bills.get(made.id)
        assert (read.amount, read.due, read.vendor_name != "") == (
            Decimal("12345678.00"),
            Decimal("12345678.00"),
            True,
        )
        assert [(one.amount, one.description, one.coding) for one in read.lines] == [
            (Decimal("12345678.90"), "Panes", coding),
            (Decimal("-0.90"), "Rounding", coding),
        ]
        assert (read.invoice_number, read.invoice_date, read.due_date, read.description, read.purchase_order) == (
            "PI-1",
            date(2026, 11, 30),
            date(2026, 12, 31),
            "Windows",
            "PO-1",
        )
        assert (read.payment_status, read.approval_status) == (
            BillPaymentStatus.UNPAID,
            BillApprovalStatus.UNASSIGNED,
        )

    async def test_a_number_over_21_characters_is_rejected_by_name(self, client: BillClient) -> None:
        """Nothing is cut in silence."""
        with pytest.raises(Reject) as caught:
            await client.bills.create(bill("PI-" + "9" * 19, "1.00"))
        assert (caught.value.code, caught.value.executed) == ("BDC_1143", Executed.NO)

    async def test_a_vendor_that_is_not_there_is_told(self, client: BillClient) -> None:
        """The bill waits for its vendor; it is not in doubt."""
        with pytest.raises(Reject) as caught:
            await client.bills.create(bill("PI-1", "1.00", vendor="00901NOSUCHVENDOR000"))
        assert caught.value.code == "BDC_1205"

    @pytest.mark.promise("C6")
    @pytest.mark.parametrize("refused", [False, True])
    async def test_a_second_bill_of_one_number_is_found_whether_bill_refuses_it_or_not(
        self,
        site: Any,
        client: BillClient,
        refused: bool,  # noqa: FBT001
    ) -> None:
        """Both readings of BILL end in the same bill."""
        await site.operator.switch(duplicate_invoice_refused=refused)
        first = await client.bills.create(bill("INV-001", "10.00"))
        if refused:
            with pytest.raises(Reject) as caught:
                await client.bills.create(bill("INV-001", "10.00"))
            assert (caught.value.code, caught.value.executed) == ("BDC_1171", Executed.YES)
        else:
            await client.bills.create(bill("INV-001", "10.00"))
        found = await client.bills.find(VENDOR, "inv-001", amount=Decimal(10), invoice_date=date(2026, 11, 30))
        assert first.id in [one.id for one in found]
        assert len(found) == (1 if refused else 2)

    @pytest.mark.promise("C6")
    @pytest.mark.parametrize(
        ("fault", "there"), [("drop_after", 1), ("drop_before", 0), ("cut", 1), ("slow_answer", 1), ("late", 1)]
    )
    async def test_a_lost_answer_is_settled_by_looking(self, site: Any, fault: str, there: int) -> None:
        """Stored or not, now or later: the look-up tells, and the bill is written once."""
        client = site.client(timeout=0.5)
        await client.vendors.get(VENDOR)
        await site.operator.fault(fault, method="POST", path="/v3/bills$", seconds=0.8)
        with pytest.raises(InDoubt):
            await client.bills.create(bill("PI-77", "10.00"))
        await asyncio.sleep(0.9 if fault in {"late", "slow_answer"} else 0)  # the settle time of this test's endpoint
        found = await client.bills.find(VENDOR, "PI-77", created_since=recent())
        assert len(found) == there
        assert (await site.calls("/v3/bills")).count("POST /connect/v3/bills") == 1

    async def test_several_bills_are_written_together_or_not_at_all(self, client: BillClient) -> None:
        """One bad number and none of the hundred is there."""
        many = [bill(f"M{number}", "1.00") for number in range(30)]
        made = await client.bills.create_many(many)
        assert [one.invoice_number for one in made] == [one.invoice_number for one in many]
        with pytest.raises(Reject) as caught:
            await client.bills.create_many([bill("N1", "1.00"), bill("N" * 22, "1.00"), bill("N3", "1.00")])
        assert caught.value.code == "BDC_1143"
        assert [one for one in await client.bills.of_vendor(VENDOR) if one.invoice_number.startswith("N")] == []

    async def test_a_change_touches_only_what_differs_and_keeps_line_ids(self, client: BillClient) -> None:
        """The due date follows the ERP; lines stay what they are."""
        made = await client.bills.create(bill("PI-1", "10.00", "5.00"))
        content = bill("PI-1", due_date=date(2027, 1, 31), lines=contents(made))
        changed = await client.bills.patch(content, made)
        assert (changed.due_date, [one.id for one in changed.lines], changed.amount) == (
            date(2027, 1, 31),
            [one.id for one in made.lines],
            Decimal("15.00"),
        )
        assert await client.bills.patch(content, changed) == changed

    async def test_a_replacement_keeps_named_lines_adds_new_ones_and_removes_the_rest(self, client: BillClient) -> None:
        """The bill's total follows the ERP's corrected invoice."""
        made = await client.bills.create(bill("PI-1", "10.00", "5.00"))
        kept = contents(made)[0]
        replaced = await client.bills.replace(bill("PI-1", lines=(kept, BillLineContent(amount=Decimal("7.00")))), made)
        assert (replaced.amount, replaced.lines[0].id) == (Decimal("17.00"), made.lines[0].id)
        assert [one.amount for one in replaced.lines] == [Decimal("10.00"), Decimal("7.00")]

    async def test_a_replacement_never_takes_credits_off_by_accident(self, client: BillClient) -> None:
        """A correction of the text does not make the vendor's credit unused again."""
        credit = await client.credits.create(
            BillCreditContent(
                vendor=VENDOR,
                reference_number="CM-1",
                credit_date=date(2026, 11, 30),
                lines=(BillLineContent(amount=Decimal("4.00")),),
            )
        )
        made = await client.bills.create(bill("PI-1", "10.00"))
        use = (CreditUse(credit=credit.id, amount=Decimal("4.00")),)
        await client.caller.answer(patch_credits(made.id, credit.id))
        current = await client.bills.get(made.id)
        assert (current.credited, current.due) == (Decimal("4.00"), Decimal("6.00"))
        with pytest.raises(Reject) as caught:
            await client.bills.replace(bill("PI-1", lines=contents(current)), current)
        assert caught.value.code == "credits_lost"
        kept = await client.bills.replace(bill("PI-1", lines=contents(current), credits=use), current)
        assert (await client.bills.get(kept.id)).credited == Decimal("4.00")
        assert [one.id for one in await client.credits.find(VENDOR, "cm-1")] == [credit.id]

    async def test_archived_bills_are_found(self, client: BillClient) -> None:
        """A bill that somebody archived is not written again."""
        made = await client.bills.create(bill("PI-1", "10.00"))
        await client.bills.archive(made.id)
        found = await client.bills.find(VENDOR, "PI-1")
        assert [(one.id, one.archived) for one in found] == [(made.id, True)]
        assert (await client.bills.restore(made.id)).archived is False

    async def test_the_window_of_creation_narrows_a_look_up(self, client: BillClient) -> None:
        """An older bill of the same number is not taken for the one just written."""
        await client.bills.create(bill("PI-1", "10.00"))
        later = datetime.now(UTC) + timedelta(minutes=5)
        assert await client.bills.find(VENDOR, "PI-1", created_since=later) == ()
        assert len(await client.bills.find(VENDOR, "PI-1", created_since=recent(), created_until=later)) == 1
