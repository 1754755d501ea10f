"""BILL's JSON becomes records and records become BILL's JSON, exactly."""

from datetime import UTC, date, datetime
from decimal import Decimal
from json import loads
from pathlib import Path
from typing import Any

import pytest

from tieout.domain.bill import (
    ApproverStatus,
    Bill,
    BillApprovalStatus,
    BillCoding,
    BillContent,
    BillCreditContent,
    BillLineContent,
    BillPaymentStatus,
    BillVendorContent,
    CreditStatus,
    CreditUse,
)
from tieout.domain.records import Address
from tieout_connectors.bill.wire.bills import read_bill, read_bills, write_bill, write_bill_change
from tieout_connectors.bill.wire.credits import read_credit, write_credit
from tieout_connectors.bill.wire.fields import encode
from tieout_connectors.bill.wire.vendors import read_vendor, write_vendor, write_vendor_change
from tieout_connectors.spi.wire import Unreadable

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bill"


def fixture(name: str, **changes: Any) -> Any:
    """A fixture with exact decimals, some of its keys changed; None takes a key away."""
    raw = loads((FIXTURES / f"{name}.json").read_text(), parse_float=Decimal)
    raw.update(changes)
    return {key: value for key, value in raw.items() if value is not None or key not in changes}


ADDRESS = Address(line1="1 Furnace Way", city="San Jose", state="CA", postal_code="95002", country="US")


class TestVendors:
    """Vendors."""

    def test_a_vendor_is_read_with_number_currency_address_and_times(self) -> None:
        """The ERP's number comes from the short name, the currency of all bills from the vendor."""
        vendor = read_vendor(fixture("vendor"))
        assert (vendor.id, vendor.name, vendor.short_name, vendor.currency) == (
            "00901ACMEGLASSWARE00",
            "Acme Glassware",
            "V-10020",
            "EUR",
        )
        assert vendor.address == ADDRESS.model_copy(update={"line2": "Unit 7"})
        assert (vendor.email, vendor.phone, vendor.archived) == ("ar@acme.example", "4155550100", False)
        assert vendor.created == datetime(2026, 10, 1, 8, 0, 0, 127000, tzinfo=UTC)
        assert vendor.updated == datetime(2026, 11, 2, 9, 15, 23, 500000, tzinfo=UTC)

    def test_bank_details_are_not_kept(self) -> None:
        """Nothing of the vendor's account reaches a record, and so none reaches a log."""
        assert "111222333" not in read_vendor(fixture("vendor")).model_dump_json()

    def test_fields_that_bill_leaves_out_are_empty_and_numbers_for_text_are_digits(self) -> None:
        """A vendor with name and id alone is readable; a number in a webhook where text is due as well."""
        assert read_vendor({"id": "0091", "name": "A"}).address == Address()
        assert read_vendor(fixture("webhook.vendor.updated")["vendor"]).short_name == "10020"

    def test_a_new_vendor_has_short_name_and_currency_and_never_an_account_number(self) -> None:
        """BILL prints its account number on checks, so the ERP's number goes to the short name."""
        content = BillVendorContent(name="Acme", short_name="V1", currency="EUR", address=ADDRESS, email="a@b.c")
        assert write_vendor(content) == {
            "name": "Acme",
            "shortName": "V1",
            "email": "a@b.c",
            "accountType": "BUSINESS",
            "billCurrency": "EUR",
            "address": {
                "line1": "1 Furnace Way",
                "city": "San Jose",
                "stateOrProvince": "CA",
                "zipOrPostalCode": "95002",
                "country": "US",
            },
        }

    def test_a_change_leaves_the_currency_alone_and_clears_only_what_stands_there(self) -> None:
        """A suite that is gone in the ERP is cleared in BILL; what was never there is not sent as a blank."""
        content = BillVendorContent(name="Acme", short_name="V1", currency="USD", address=ADDRESS, phone="1")
        assert write_vendor_change(content, read_vendor(fixture("vendor"))) == {
            "name": "Acme",
            "shortName": "V1",
            "email": "",
            "phone": "1",
            "address": {
                "line1": "1 Furnace Way",
                "line2": "",
                "city": "San Jose",
                "stateOrProvince": "CA",
                "zipOrPostalCode": "95002",
                "country": "US",
            },
        }
        assert "email" not in write_vendor_change(content)
        assert "line2" not in write_vendor_change(content)["address"]


class TestBills:
    """Bills and vendor credits."""

    def test_a_bill_is_read_to_the_cent_with_lines_statuses_and_approvers(self) -> None:
        """Twelve million and ninety cents arrive exact, with who still has to approve."""
        bill = read_bill(fixture("bill"))
        assert (bill.amount, bill.funding_amount, bill.exchange_rate) == (
            Decimal("12345678.90"),
            Decimal("13580246.79"),
            Decimal("1.10000001"),
        )
        assert (bill.paid, bill.due, bill.scheduled, bill.credited) == (
            Decimal(400),
            Decimal("12345278.90"),
            Decimal(0),
            Decimal("25.5"),
        )
        assert (bill.invoice_number, bill.invoice_date, bill.due_date) == (
            "PI-1001",
            date(2026, 11, 30),
            date(2026, 12, 31),
        )
        assert (bill.payment_status, bill.approval_status) == (
            BillPaymentStatus.PARTIALLY_PAID,
            BillApprovalStatus.APPROVING,
        )
        assert [line.amount for line in bill.lines] == [Decimal("12345679.90"), Decimal(-1)]
        assert bill.lines[0].coding == BillCoding(
            account="0ca01ACCOUNT00000001", department="0de01SALES0000000001", job="job01ROOF00000000001"
        )
        assert bill.coding == BillCoding(location="loc01WEST0000000001")
        assert [(one.status, one.order) for one in bill.approvers] == [
            (ApproverStatus.REROUTED, 0),
            (ApproverStatus.UNDEFINED, 1),
        ]
        assert (bill.pay_from, bill.purchase_order) == ("0ca01BANK00000000001", "PO-9")

    def test_what_the_answer_to_a_creation_does_not_tell_is_none_and_not_zero(self) -> None:
        """A fresh bill is not shown as "nothing due"."""
        bill = read_bill(fixture("bill.created"))
        assert (bill.due, bill.paid, bill.vendor_name, bill.approvers) == (None, None, "", ())

    def test_an_invoice_date_with_a_time_is_its_own_day(self) -> None:
        """Webhooks send midnight; no time zone moves the date."""
        for text in ("2026-12-15T00:00:00.000Z", "2026-12-15T00:00:00.000-08:00", "2026-12-15"):
            invoice = {"invoiceNumber": "1", "invoiceDate": text}
            assert read_bill(fixture("bill", invoice=invoice)).invoice_date == date(2026, 12, 15)

    def test_words_that_bill_may_add_are_undefined(self) -> None:
        """A new status stops nothing."""
        bill = read_bill(fixture("bill", paymentStatus="ON_THE_MOON", approvalStatus=None))
        assert (bill.payment_status, bill.approval_status) == (
            BillPaymentStatus.UNDEFINED,
            BillApprovalStatus.UNDEFINED,
        )

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            ({"id": None}, "bill.id"),
            ({"vendorId": 7.5}, "bill.vendorId"),
            ({"amount": 1.5}, "bill.amount"),
            ({"amount": "1,5"}, "bill.amount"),
            ({"amount": True}, "bill.amount"),
            ({"dueDate": "31.12.2026"}, "bill.dueDate"),
            ({"dueDate": "2026-12-31Tomorrow"}, "bill.dueDate"),
            ({"createdTime": "2026-12-31T00:00:00"}, "bill.createdTime"),
            ({"createdTime": "yesterday"}, "bill.createdTime"),
            ({"archived": "no"}, "bill.archived"),
            ({"invoice": []}, "bill.invoice"),
            ({"invoice": {"invoiceDate": "2026-01-01"}}, "bill.invoice.invoiceNumber"),
            ({"billLineItems": {}}, "bill.billLineItems"),
            ({"billLineItems": [{"amount": 1}, {"amount": {}}]}, "bill.billLineItems[1].amount"),
            ({"approvers": [{"userId": "006", "approverOrder": Decimal("0.5")}]}, "bill.approvers[0].approverOrder"),
        ],
    )
    def test_what_cannot_be_read_is_named_by_its_path_without_its_value(self, change: Any, path: str) -> None:
        """A person finds the field at once, and a log shows no content."""
        with pytest.raises(Unreadable) as caught:
            read_bill(fixture("bill", **change))
        assert caught.value.path == path
        assert "31.12.2026" not in str(caught.value)

    def test_several_created_bills_come_in_a_bare_list(self) -> None:
        """The one bulk answer of BILL without a wrapper."""
        assert [bill.id for bill in read_bills([fixture("bill"), fixture("bill.created")])] == [
            "00n01BILL00000000001",
            "00n01BILL00000000002",
        ]
        with pytest.raises(Unreadable):
            read_bills({"bills": [fixture("bill")]})

    def test_a_new_bill_is_written_with_exact_amounts_and_plain_dates(self) -> None:
        """To the smallest unit, dates without time."""
        written = encode(write_bill(CONTENT))
        assert b'"dueDate":"2026-12-31"' in written
        assert b'"invoice":{"invoiceNumber":"PI-1002","invoiceDate":"2026-12-01"}' in written
        assert b'"amount":12345678.90,' in written
        assert loads(written)["billLineItems"][0] == {
            "amount": 12345678.9,
            "description": "Panes",
            "classifications": {"chartOfAccountId": "0ca1", "jobId": "job1"},
        }
        assert "billApprovals" not in loads(written)

    def test_approval_in_bill_and_credits_are_asked_for_where_wanted(self) -> None:
        """The policy "BILL approves again" reaches BILL, and so do credits."""
        content = CONTENT.model_copy(
            update={"approvals": True, "credits": (CreditUse(credit="vcr1", amount=Decimal("25.50")),)}
        )
        written = write_bill(content)
        assert (written["billApprovals"], written["vendorCredits"]) == (
            True,
            [{"id": "vcr1", "amount": Decimal("25.50")}],
        )

    def test_a_header_is_not_coded_with_what_bill_would_drop_there(self) -> None:
        """A job on the header would vanish without an error, so it is refused here."""
        with pytest.raises(ValueError, match="job on lines only"):
            write_bill(CONTENT.model_copy(update={"coding": BillCoding(job="job1")}))

    def test_a_change_sends_only_what_differs(self) -> None:
        """A new due date does not touch lines that BILL would refuse to change."""
        current = read_bill(fixture("bill.created"))
        same = unchanged(current)
        assert write_bill_change(same, current) == {}
        later = same.model_copy(update={"due_date": date(2027, 1, 15)})
        assert write_bill_change(later, current) == {"dueDate": date(2027, 1, 15)}
        first = same.lines[0].model_copy(update={"amount": Decimal("150.00")})
        coded = same.model_copy(update={"lines": (first, same.lines[1]), "approvals": True})
        assert write_bill_change(coded, current) == {
            "billLineItems": [{"id": "bli01LINE00000000003", "amount": Decimal("150.00"), "description": "Panes"}],
            "billApprovals": True,
        }

    def test_a_text_that_is_gone_is_cleared(self) -> None:
        """An emptied description does not stay in BILL."""
        current = read_bill(fixture("bill", billLineItems=[{"id": "bli1", "amount": 1}], classifications=None))
        content = unchanged(current).model_copy(update={"description": "", "purchase_order": "PO-10"})
        assert write_bill_change(content, current) == {"description": "", "purchaseOrderNumber": "PO-10"}

    @pytest.mark.parametrize("lines", [slice(0, 1), slice(0, 0)])
    def test_a_change_that_adds_or_removes_lines_is_refused(self, lines: slice) -> None:
        """A partial change would leave the old line standing and the total wrong."""
        current = read_bill(fixture("bill.created"))
        kept = unchanged(current).lines[lines] + (BillLineContent(amount=Decimal(1)),)
        with pytest.raises(ValueError, match="replace the bill"):
            write_bill_change(unchanged(current).model_copy(update={"lines": kept}), current)

    def test_a_vendor_credit_is_read_and_written(self) -> None:
        """With what is applied of it and where."""
        credit = read_credit(fixture("credit"))
        assert (credit.amount, credit.applied, credit.status, credit.credit_date) == (
            Decimal("64.99"),
            Decimal("25.5"),
            CreditStatus.PARTIALLY_APPLIED,
            date(2026, 12, 5),
        )
        assert [(one.bill, one.payment) for one in credit.usage] == [("00n01BILL00000000001", "stp01PAYMENT00000001")]
        content = BillCreditContent(
            vendor="0091",
            reference_number="CM-7",
            credit_date=date(2026, 12, 5),
            lines=(BillLineContent(amount=Decimal("64.99")),),
        )
        assert write_credit(content) == {
            "vendorId": "0091",
            "referenceNumber": "CM-7",
            "creditDate": date(2026, 12, 5),
            "vendorCreditLineItems": [{"amount": Decimal("64.99")}],
        }
        assert content.total == Decimal("64.99")


CONTENT = BillContent(
    vendor="00901ACMEGLASSWARE00",
    invoice_number="PI-1002",
    invoice_date=date(2026, 12, 1),
    due_date=date(2026, 12, 31),
    lines=(
        BillLineContent(
            amount=Decimal("12345678.90"), description="Panes", coding=BillCoding(account="0ca1", job="job1")
        ),
        BillLineContent(amount=Decimal("-0.90")),
    ),
)


def unchanged(bill: Bill) -> BillContent:
    """The content that a bill has already."""
    assert bill.invoice_date is not None
    assert bill.due_date is not None
    return BillContent(
        vendor=bill.vendor,
        invoice_number=bill.invoice_number,
        invoice_date=bill.invoice_date,
        due_date=bill.due_date,
        description=bill.description,
        purchase_order=bill.purchase_order,
        coding=bill.coding,
        lines=tuple(
            BillLineContent(
                id=line.id, amount=line.amount or Decimal(0), description=line.description, coding=line.coding
            )
            for line in bill.lines
        ),
    )
