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
    BillAccountType,
    BillApprovalStatus,
    BillClassificationContent,
    BillCoding,
    BillContent,
    BillCreditContent,
    BillLineContent,
    BillPaymentStatus,
    BillVendorContent,
    ClassificationKind,
    CreditStatus,
    CreditUse,
    UploadStatus,
)
from tieout.domain.bill_payments import (
    STAGES,
    DisbursementType,
    FundingAccount,
    FundingAccountStatus,
    FundingType,
    PaymentStage,
    PaymentStatus,
    RecordedPart,
    RecordedPaymentContent,
    SingleStatus,
)
from tieout.domain.records import Address
from tieout_connectors.bill.wire.bills import read_bill, read_bills, write_bill, write_bill_change
from tieout_connectors.bill.wire.classifications import read_classification, write_classification
from tieout_connectors.bill.wire.credits import read_credit, write_credit
from tieout_connectors.bill.wire.documents import read_document, read_uploads
from tieout_connectors.bill.wire.fields import Fields, encode
from tieout_connectors.bill.wire.organization import read_bank_account, read_may_pay, read_user
from tieout_connectors.bill.wire.payments import read_payment, write_recorded_payment
from tieout_connectors.bill.wire.subscriptions import read_new_subscription, read_subscription
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


class TestClassifications:
    """Accounts, departments and their like."""

    def test_an_account_has_number_and_type_and_an_id_of_zeros_is_no_parent(self) -> None:
        """The chart of accounts is matched by number."""
        account = read_classification(ClassificationKind.ACCOUNT, fixture("account"))
        assert (account.number, account.account_type, account.parent, account.archived) == (
            "8450",
            BillAccountType.EXPENSE,
            "",
            True,
        )

    def test_a_department_has_its_short_name_as_number(self) -> None:
        """A dimension value's code is matched by it."""
        department = read_classification(ClassificationKind.DEPARTMENT, fixture("department"))
        assert (department.number, department.account_type, department.parent) == (
            "SALES",
            None,
            "0de01ROOT00000000001",
        )

    def test_an_unknown_type_of_account_is_none(self) -> None:
        """A new type of BILL's does not hide the account."""
        raw = fixture("account", account={"type": "CRYPTO", "number": "1"})
        assert read_classification(ClassificationKind.ACCOUNT, raw).account_type is None

    def test_an_account_is_written_with_number_inside_and_others_with_a_short_name(self) -> None:
        """Each kind as BILL wants it."""
        account = BillClassificationContent(
            kind=ClassificationKind.ACCOUNT, name="Repairs", number="8450", account_type=BillAccountType.EXPENSE
        )
        job = BillClassificationContent(kind=ClassificationKind.JOB, name="Roof", number="J1", parent="job0")
        assert write_classification(account) == {"name": "Repairs", "account": {"type": "EXPENSE", "number": "8450"}}
        assert write_classification(job) == {"name": "Roof", "shortName": "J1", "parentId": "job0"}

    @pytest.mark.parametrize(
        ("kind", "account_type"),
        [(ClassificationKind.ACCOUNT, None), (ClassificationKind.JOB, BillAccountType.EXPENSE)],
    )
    def test_a_type_is_for_accounts_and_only_for_them(
        self, kind: ClassificationKind, account_type: BillAccountType | None
    ) -> None:
        """A mapping without a type is stopped before BILL refuses it."""
        with pytest.raises(ValueError, match="an account has a type"):
            write_classification(BillClassificationContent(kind=kind, name="X", account_type=account_type))


class TestPayments:
    """Payments."""

    def test_a_payment_is_read_with_its_division_credits_and_numbers(self) -> None:
        """What is posted in the ERP: each bill with its amount, to the cent."""
        payment = read_payment(fixture("payment"))
        assert [(part.bill, part.amount) for part in payment.parts] == [
            ("00n01BILL00000000001", Decimal("400.10")),
            ("00n01BILL00000000002", Decimal("228.99")),
        ]
        assert payment.parts[0].credits == (CreditUse(credit="vcr01CREDIT000000001", amount=Decimal("25.50")),)
        assert (payment.unexplained(), payment.amount, payment.process_date) == (
            Decimal(0),
            Decimal("629.09"),
            date(2026, 12, 15),
        )
        assert (payment.single_status, payment.status, payment.stage) == (
            SingleStatus.CLEARED,
            PaymentStatus.PAID,
            PaymentStage.TAKEN,
        )
        assert (payment.check_number, payment.confirmation_number, payment.disbursement) == (
            "5697",
            "P24123101 - 0411839",
            DisbursementType.CHECK,
        )
        assert payment.funding == FundingAccount(type=FundingType.BANK_ACCOUNT, id="bac01BANK00000000001")
        assert [(void.type, void.status) for void in payment.voids] == [("VOID_AND_REISSUE", "REJECTED")]

    def test_a_payment_that_names_one_bill_only_went_there_whole(self) -> None:
        """Older and simple payments have no list of bills."""
        payment = read_payment(fixture("payment.single"))
        assert [(part.bill, part.amount) for part in payment.parts] == [("00n01BILL00000000002", Decimal("228.99"))]
        assert (payment.trace_number, payment.funding) == ("7813", FundingAccount(type=FundingType.WALLET))

    def test_cancelled_has_two_ls_in_one_status_and_one_in_the_other(self) -> None:
        """Both spellings mean cancelled, each in its own field only."""
        payment = read_payment(fixture("payment.single"))
        assert (payment.status, payment.single_status, payment.stage) == (
            PaymentStatus.CANCELLED,
            SingleStatus.CANCELED,
            PaymentStage.UNDONE,
        )
        crossed = read_payment(fixture("payment.single", status="CANCELED", singleStatus="CANCELLED"))
        assert (crossed.status, crossed.single_status) == (PaymentStatus.UNDEFINED, SingleStatus.UNDEFINED)

    def test_a_status_not_known_here_does_nothing_and_is_kept_in_bills_words(self) -> None:
        """A hold by a name that BILL has not told us posts nothing and reverses nothing."""
        payment = read_payment(fixture("payment", singleStatus="DISBURSEMENT_UNDER_REVIEW"))
        assert (payment.stage, payment.status_said) == (PaymentStage.UNKNOWN, "DISBURSEMENT_UNDER_REVIEW")
        assert not payment.stage.is_posted

    def test_every_status_has_a_stage_and_cleared_is_not_final(self) -> None:
        """No status is forgotten; what was cleared may come back without being reversed by itself."""
        assert set(STAGES) == set(SingleStatus)
        assert STAGES[SingleStatus.CLEARED] is STAGES[SingleStatus.PROCESSED]
        posted = {status for status, stage in STAGES.items() if stage.is_posted}
        assert posted == {
            SingleStatus.PROCESSED,
            SingleStatus.SENT,
            SingleStatus.DELIVERED,
            SingleStatus.PARTIALLY_CLAIMED,
            SingleStatus.EXPIRING,
            SingleStatus.CLEARED,
            SingleStatus.DISBURSEMENT_ON_HOLD,
            SingleStatus.DISBURSEMENT_FAILED_ACTION_NEEDED,
            SingleStatus.DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED,
            SingleStatus.FUNDING_FAILED_ACTION_NEEDED,
            SingleStatus.FUNDS_ESCHEATED,
        }

    def test_a_payment_made_outside_is_told_without_a_check_and_with_its_reference(self) -> None:
        """BILL prints nothing, moves nothing, and carries the ERP's reference."""
        content = RecordedPaymentContent(
            vendor="0091",
            process_date=date(2026, 12, 20),
            parts=(RecordedPart(bill="00n1", amount=Decimal("70.00")),),
            sync_reference="PAY-1",
            account="0ca1",
        )
        assert write_recorded_payment(content) == {
            "vendorId": "0091",
            "processDate": date(2026, 12, 20),
            "toPrintCheck": False,
            "allowExport": False,
            "payments": [{"billId": "00n1", "amount": Decimal("70.00")}],
            "syncReference": "PAY-1",
            "classifications": {"chartOfAccountId": "0ca1"},
        }


class TestTheRest:
    """Documents, subscriptions, the organization, and the JSON itself."""

    def test_documents_and_uploads(self) -> None:
        """The temporary id leads to the final one once BILL is done."""
        document = read_document({"id": "0du1", "name": "a.pdf", "createdTime": "2026-12-01T00:00:00.000+00:00"})
        assert (document.id, document.name) == ("0du1", "a.pdf")
        uploads = read_uploads(
            [
                {"uploadId": "0du1", "status": "IN_PROGRESS"},
                {"uploadId": "0du2", "documentId": "00h2", "status": "UPLOADED"},
            ]
        )
        assert [(one.document, one.status) for one in uploads] == [
            ("", UploadStatus.IN_PROGRESS),
            ("00h2", UploadStatus.UPLOADED),
        ]

    def test_a_new_subscription_has_its_key_and_does_not_show_it(self) -> None:
        """The key is there once and in no log."""
        new = read_new_subscription(fixture("subscription.created"))
        assert (new.security_key, new.subscription.enabled) == ("made-up-security-key-01", True)
        assert [(event.type, event.version) for event in new.subscription.events] == [
            ("payment.updated", "1"),
            ("bill.updated", "1"),
        ]
        assert "made-up-security-key-01" not in repr(new)

    def test_a_creation_without_a_key_is_unreadable(self) -> None:
        """A subscription whose key is lost would refuse every delivery, so it is not taken for created."""
        with pytest.raises(Unreadable):
            read_new_subscription(fixture("subscription.created", securityKey=None))

    @pytest.mark.parametrize(("status", "enabled"), [({"enabled": False}, False), ({}, None), (None, None)])
    def test_a_subscription_that_does_not_tell_whether_it_is_on_is_not_taken_for_on(
        self,
        status: Any,
        enabled: bool | None,  # noqa: FBT001
    ) -> None:
        """Silence is never read as health."""
        assert read_subscription(fixture("subscription.created", status=status)).enabled is enabled

    def test_a_bank_account_is_read_without_its_number(self) -> None:
        """The id is what maps it to the ERP's bank."""
        bank = read_bank_account(
            {
                "id": "bac1",
                "status": "VERIFIED",
                "bankName": "First",
                "accountNumber": "998877",
                "chartOfAccountId": "0ca9",
                "default": {"payables": True},
            }
        )
        assert (bank.status, bank.account, bank.pays_by_default) == (FundingAccountStatus.VERIFIED, "0ca9", True)
        assert "998877" not in bank.model_dump_json()

    def test_roles_and_permissions(self) -> None:
        """What tells whether a user could pay."""
        assert read_user({"id": "006", "role": {"type": "CLERK"}}).role == "CLERK"
        assert [read_may_pay(raw) for raw in ({"user": {"payOnline": True}}, {"user": {}}, {})] == [True, None, None]

    def test_json_is_written_exactly_or_not_at_all(self) -> None:
        """No float and no exponent ever leaves; text is UTF-8 as it is."""
        assert encode({"a": Decimal("1E+3"), "b": [Decimal("0.10"), None, True, 7, 'é"']}) == (
            '{"a":1000,"b":[0.10,null,true,7,"é\\""]}'.encode()
        )
        wrong: Any
        for wrong in (1.5, Decimal("NaN"), {"x": {1.0}}, datetime(2026, 1, 1, tzinfo=UTC)):
            with pytest.raises(TypeError):
                encode(wrong)

    @pytest.mark.parametrize("raw", [None, [], "text", 7])
    def test_what_is_no_object_is_unreadable(self, raw: Any) -> None:
        """An answer of another shape is named as such."""
        with pytest.raises(Unreadable, match="an object was expected"):
            Fields(raw, "bill")
