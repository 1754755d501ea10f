"""BILL's payments, classifications and what surrounds them, from JSON to records and back."""

from datetime import UTC, date, datetime
from decimal import Decimal
from json import loads
from pathlib import Path
from typing import Any

import pytest

from tieout.domain.bill import (
    BillAccountType,
    BillClassificationContent,
    ClassificationKind,
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
from tieout_connectors.bill.wire.classifications import read_classification, write_classification
from tieout_connectors.bill.wire.documents import read_document, read_uploads
from tieout_connectors.bill.wire.fields import Fields, encode
from tieout_connectors.bill.wire.organization import read_bank_account, read_may_pay, read_user
from tieout_connectors.bill.wire.payments import read_payment, write_recorded_payment
from tieout_connectors.bill.wire.subscriptions import read_new_subscription, read_subscription
from tieout_connectors.spi.wire import Unreadable

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bill"


def fixture(name: str, **changes: Any) -> Any:
    """A fixture with exact decimals, some of its keys changed; None takes a key away."""
    raw = loads((FIXTURES / f"{name}.json").read_text(), parse_float=Decimal)
    raw.update(changes)
    return {key: value for key, value in raw.items() if value is not None or key not in changes}


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
        answers: list[dict[str, Any]] = [{"user": {"payOnline": True}}, {"user": {}}, {}]
        assert [read_may_pay(raw) for raw in answers] == [True, None, None]

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
