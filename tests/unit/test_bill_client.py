"""What the client asks of BILL and how it takes answers that BILL is not known to give."""

import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from json import dumps
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from tieout.domain.bill import BillContent, BillLineContent, BillVendorContent, ClassificationKind
from tieout.domain.bill_events import SubscribedEvent
from tieout.domain.bill_payments import RecordedPart, RecordedPaymentContent
from tieout.domain.errors import InDoubt, Reject
from tieout.domain.records import Address
from tieout.domain.settings import GATEWAYS
from tieout_connectors.bill import calls, query
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, CredentialKind, Credentials
from tieout_connectors.bill.wire.classifications import COLLECTIONS
from tieout_connectors.http.call import Answer, Request
from tieout_connectors.spi.erp import CheckStatus

ORGANIZATION = "00801ORGANIZATION000"


class Bill:
    """Answers by call, the last answer of a call for ever; keeps what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.requests: list[Request] = []

    def on(self, call: str, *answers: tuple[int, Any]) -> None:
        """The answers to a call, in order."""
        self.answers[call] = list(answers)

    async def send(self, _session: object, request: Request) -> Answer:
        """Answer in place of the network."""
        if request.call == "POST /v3/login":
            login = {"sessionId": "s", "organizationId": ORGANIZATION, "userId": "006U"}
            return Answer(200, {}, dumps(login).encode())
        self.requests.append(request)
        answers = self.answers[request.call]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return Answer(status, {}, b"" if body is None else dumps(body).encode())

    def filters(self) -> list[str]:
        """The filters that were asked for, ``""`` for none."""
        asked = [parse_qs(urlsplit(request.url).query) for request in self.requests]
        return [one.get("filters", [""])[0] for one in asked]


@pytest.fixture
def bill(monkeypatch: pytest.MonkeyPatch) -> Bill:
    """BILL in place of the network."""
    bill = Bill()
    monkeypatch.setattr(calls, "send", bill.send)
    return bill


def client(kind: CredentialKind = CredentialKind.USER) -> BillClient:
    return BillClient(None, GATEWAY, Credentials("u", "p", ORGANIZATION, "k", kind))  # type: ignore[arg-type]


def refusal(code: str) -> list[dict[str, str]]:
    return [{"code": code, "message": "No.", "severity": "ERROR"}]


def rows(*found: dict[str, Any]) -> dict[str, Any]:
    return {"results": list(found)}


VENDOR = {"id": "00901V", "name": "Acme", "shortName": "V-1"}
BILL = {
    "id": "00n1",
    "vendorId": "00901V",
    "amount": 10,
    "invoice": {"invoiceNumber": "INV-1", "invoiceDate": "2026-11-30"},
    "createdTime": "2026-11-30T10:00:00.000+00:00",
}
GATEWAY = Addresses.at("https://gateway.stage.bill.com")
CONTENT = BillContent(
    vendor="00901V",
    invoice_number="INV-1",
    invoice_date=date(2026, 11, 30),
    due_date=date(2026, 12, 31),
    lines=(BillLineContent(amount=Decimal(10)),),
)


def test_both_environments_have_the_documented_hosts() -> None:
    """A key of one environment is never sent to the other's host."""
    sandbox, production = GATEWAYS["sandbox"], GATEWAYS["production"]
    assert (sandbox.api, sandbox.events) == (
        "https://gateway.stage.bill.com/connect",
        "https://gateway.stage.bill.com/connect-events",
    )
    assert (production.api, production.events) == (
        "https://gateway.prod.bill.com/connect",
        "https://gateway.prod.bill.com/connect-events",
    )


async def test_a_time_out_of_the_gate_itself_is_not_taken_for_the_deadline() -> None:
    """A scheduler's own failure is shown as what it is."""
    with pytest.raises(TimeoutError, match="the gate's own"):
        async with calls._until(time.monotonic() + 60, "POST /v3/bills"):
            raise TimeoutError("the gate's own")


class TestFilters:
    """Filters."""

    def test_values_stand_as_bill_documents_them(self) -> None:
        """Plain values bare, prefixes, lists and times in quotes, times in UTC."""
        moment = datetime(2026, 11, 30, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
        assert [
            str(one)
            for one in (
                query.equal("vendorId", "00901V"),
                query.equal("processDate", date(2026, 12, 1)),
                query.archived(yes=False),
                query.among("id", ("a", "b")),
                query.starts_with("name", "Hap"),
                query.since("updatedTime", moment),
                query.until("createdTime", moment),
            )
        ] == [
            "vendorId:eq:00901V",
            "processDate:eq:2026-12-01",
            "archived:eq:false",
            'id:in:"a,b"',
            'name:sw:"Hap"',
            'updatedTime:gte:"2026-11-30T10:00:00.123Z"',
            'createdTime:lte:"2026-11-30T10:00:00.123Z"',
        ]

    @pytest.mark.parametrize("value", ["", "a,b", "a:b", 'a"b', "a\\b", "a\nb"])
    def test_what_cannot_be_escaped_never_reaches_a_filter(self, value: str) -> None:
        """No name in an ERP changes the question."""
        for make in (query.equal, query.starts_with, lambda field, one: query.among(field, (one,))):
            with pytest.raises(ValueError, match="cannot stand in a filter"):
                make("name", value)

    def test_a_time_without_an_offset_is_refused(self) -> None:
        """A window that is hours off would miss what it is to find."""
        with pytest.raises(ValueError, match="offset"):
            query.since("createdTime", datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point

    @pytest.mark.parametrize(
        ("name", "prefix"),
        [
            ("Acme", "Acme"),
            ("Acme, Inc.", "Acme"),
            ("  Müller: Nord", "Müller"),
            (", Inc.", ""),
            ("Very long name of a vendor", "Very long na"),
            ("Eleven char, x", "Eleven char"),
        ],
    )
    def test_the_safe_beginning_of_a_name(self, name: str, prefix: str) -> None:
        """Up to the first sign of the language, and short enough to survive an edited end."""
        assert query.safe_prefix(name) == prefix

    async def test_a_name_without_a_safe_beginning_reads_all_vendors(self, bill: Bill) -> None:
        """Slow, but found."""
        bill.on("GET /v3/vendors", (200, rows(VENDOR, {"id": "00902", "name": '"Quoted"'})))
        assert [one.id for one in await client().vendors.find('"quoted"')] == ["00902"]
        assert bill.filters() == [""]

    @pytest.mark.parametrize("code", ["BDC_1130", "BDC_1131"])
    async def test_a_look_up_goes_on_without_a_filter_that_bill_refuses(self, bill: Bill, code: str) -> None:
        """What BILL can be filtered by is not fully documented; a look-up never fails for it."""
        bill.on("GET /v3/bills", (400, refusal(code)), (200, rows(BILL)))
        since = datetime(2026, 11, 30, 9, tzinfo=UTC)
        assert [one.id for one in await client().bills.find("00901V", "INV-1", created_since=since)] == ["00n1"]
        assert bill.filters() == [
            'vendorId:eq:00901V,createdTime:gte:"2026-11-30T09:00:00.000Z"',
            "vendorId:eq:00901V",
        ]

    async def test_without_its_filter_a_look_up_still_keeps_to_its_window_and_vendor(self, bill: Bill) -> None:
        """What comes back too much is left out here."""
        other = BILL | {"id": "00n2", "vendorId": "00902"}
        late = BILL | {"id": "00n3", "createdTime": "2026-11-30T12:00:00.000+00:00"}
        untold = {key: value for key, value in BILL.items() if key != "createdTime"} | {"id": "00n4"}
        bill.on("GET /v3/bills", (400, refusal("BDC_1130")), (200, rows(BILL, other, late, untold)))
        found = await client().bills.of_vendor(
            "00901V",
            created_since=datetime(2026, 11, 30, 9, tzinfo=UTC),
            created_until=datetime(2026, 11, 30, 11, tzinfo=UTC),
        )
        assert [one.id for one in found] == ["00n1", "00n4"]

    async def test_another_refusal_of_a_look_up_is_passed_on(self, bill: Bill) -> None:
        """Only filters are done without."""
        bill.on("GET /v3/bills", (400, refusal("BDC_1143")))
        with pytest.raises(Reject) as caught:
            await client().bills.of_vendor("00901V")
        assert (caught.value.code, len(bill.requests)) == ("BDC_1143", 1)


class TestWrites:
    """Writes."""

    @pytest.mark.parametrize("answer", [[], [BILL, BILL]])
    async def test_a_bulk_answer_about_another_number_of_records_is_in_doubt(self, bill: Bill, answer: Any) -> None:
        """Which of them are there is looked up."""
        bill.on("POST /v3/bills/bulk", (201, answer))
        with pytest.raises(InDoubt):
            await client().bills.create_many([CONTENT])

    @pytest.mark.parametrize("count", [0, 101])
    async def test_a_bulk_call_of_none_or_too_many_is_not_made(self, bill: Bill, count: int) -> None:
        """BILL's limits are kept before it refuses."""
        with pytest.raises(ValueError, match="takes 1 to 100"):
            await client().bills.create_many([CONTENT] * count)
        assert bill.requests == []

    async def test_vendors_in_bulk_come_back_below_their_name(self, bill: Bill) -> None:
        """And an answer without it is in doubt, not empty."""
        content = BillVendorContent(name="Acme", short_name="V-1", currency="USD", address=Address())
        bill.on("POST /v3/vendors/bulk", (201, {"vendors": [VENDOR]}), (201, [VENDOR]), (201, {}))
        assert [one.id for one in await client().vendors.create_many([content])] == ["00901V"]
        for _ in range(2):
            with pytest.raises(InDoubt):
                await client().vendors.create_many([content])

    def test_each_kind_of_classification_has_its_own_collection_and_wrapper(self) -> None:
        """The one list of names that differ."""
        assert {kind: (one.path, one.wrapper) for kind, one in COLLECTIONS.items()} == {
            ClassificationKind.ACCOUNT: ("chart-of-accounts", "chartOfAccounts"),
            ClassificationKind.DEPARTMENT: ("departments", "departments"),
            ClassificationKind.LOCATION: ("locations", "locations"),
            ClassificationKind.JOB: ("jobs", "jobs"),
            ClassificationKind.ACCOUNTING_CLASS: ("accounting-classes", "accountingClasses"),
        }

    async def test_an_upload_sends_the_bytes_as_they_are_with_the_name_in_the_address(self, bill: Bill) -> None:
        """No form around the file, and a long time-out for a slow line."""
        bill.on("POST /v3/documents/bills/{id}", (200, {"id": "0du1", "name": "a&b.pdf"}))
        await client().documents.upload("00n1", "a&b.pdf", b"%PDF\x00", media_type="application/pdf")
        (request,) = bill.requests
        assert (request.url, request.body, request.headers["content-type"], request.timeout) == (
            "https://gateway.stage.bill.com/connect/v3/documents/bills/00n1?name=a%26b.pdf",
            b"%PDF\x00",
            "application/pdf",
            120.0,
        )

    async def test_a_subscription_is_made_on_the_other_half_of_the_api_with_its_key(self, bill: Bill) -> None:
        """The only two calls with a key against repetition carry it."""
        new = {"id": "sub", "name": "n", "securityKey": "sk"}
        bill.on("POST /v3/subscriptions", (200, new))
        bill.on("POST /v3/subscriptions/{id}/security_key", (200, {"securityKey": "sk2"}))
        key = UUID("11111111-1111-4111-8111-111111111111")
        one = client()
        await one.subscriptions.create("n", [SubscribedEvent(type="bill.updated")], "https://x", key=key)
        assert await one.subscriptions.new_key("sub", key=key) == "sk2"
        assert [(request.url, request.headers["X-Idempotent-Key"]) for request in bill.requests] == [
            ("https://gateway.stage.bill.com/connect-events/v3/subscriptions", str(key)),
            ("https://gateway.stage.bill.com/connect-events/v3/subscriptions/sub/security_key", str(key)),
        ]

    async def test_the_window_of_the_history_is_sent_in_utc(self, bill: Bill) -> None:
        """What was missed while the feed was off is asked for exactly."""
        bill.on("GET /v3/events/subscription/{id}", (200, rows()))
        moment = datetime(2026, 11, 30, 9, tzinfo=UTC)
        history = client().events.history("sub", created_since=moment, created_until=moment, record="00n1")
        assert [one async for one in history] == []
        asked = parse_qs(urlsplit(bill.requests[0].url).query)
        assert asked == {
            "createdTimeFrom": ["2026-11-30T09:00:00.000Z"],
            "createdTimeTo": ["2026-11-30T09:00:00.000Z"],
            "entityId": ["00n1"],
            "max": ["100"],
        }


class TestRecordedPayments:
    """Looking for a payment that was made outside."""

    CONTENT = RecordedPaymentContent(
        vendor="00901V",
        process_date=date(2026, 12, 20),
        parts=(RecordedPart(bill="00n1", amount=Decimal("70.00")),),
        sync_reference="PAY-1",
    )
    PAYMENT: dict[str, Any] = {  # noqa: RUF012 - never changed
        "id": "stp1",
        "vendorId": "00901V",
        "processDate": "2026-12-20",
        "onlinePayment": False,
        "billPayments": [{"billId": "00n1", "amount": 70}],
    }

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({}, True),
            ({"syncReference": "pay-1"}, True),
            ({"syncReference": "PAY-2"}, False),
            ({"syncReference": "PAY-1", "billPayments": []}, True),
            ({"onlinePayment": True, "syncReference": "PAY-1"}, False),
            ({"processDate": "2026-12-21"}, False),
            ({"vendorId": "00902"}, False),
            ({"billPayments": [{"billId": "00n1", "amount": 71}]}, False),
            ({"billPayments": [{"billId": "00n2", "amount": 70}]}, False),
            ({"billPayments": [{"billId": "00n1", "amount": 70}, {"billId": "00n1", "amount": 70}]}, False),
        ],
    )
    async def test_it_is_known_by_reference_else_by_its_division(
        self,
        bill: Bill,
        change: dict[str, Any],
        found: bool,  # noqa: FBT001
    ) -> None:
        """A payment of another reference, day, vendor or division is another payment."""
        bill.on("GET /v3/payments", (200, rows(self.PAYMENT | change)))
        assert bool(await client().payments.find_recorded(self.CONTENT)) is found
        assert bill.filters() == ["vendorId:eq:00901V,processDate:eq:2026-12-20"]


class TestCheck:
    """The line that says whether Tieout could pay."""

    async def paying(self, bill: Bill, permissions: tuple[int, Any], user: tuple[int, Any]) -> CheckStatus:
        """The line's status for two answers of BILL."""
        bill.on("GET /v3/login/session", (200, {"organizationId": ORGANIZATION, "userId": "006U"}))
        for call in (
            "GET /v3/vendors",
            "GET /v3/bills",
            "GET /v3/payments",
            "GET /v3/subscriptions",
            "GET /v3/funding-accounts/banks",
            *(f"GET /v3/classifications/{one.path}" for one in COLLECTIONS.values()),
        ):
            bill.on(call, (200, rows()))
        bill.on("GET /v3/organizations/{id}", (403, refusal("BDC_1145")))
        bill.on("GET /v3/funding-accounts/permissions", permissions)
        bill.on("GET /v3/users/{id}", user)
        lines = await client().check()
        (line,) = [one for one in lines if one.name == "cannot pay"]
        (organization,) = [one for one in lines if one.name == "organization"]
        assert organization.status is CheckStatus.OK
        return line.status

    @pytest.mark.parametrize(
        ("may_pay", "role", "status"),
        [
            (True, "CLERK", CheckStatus.WARNING),
            (False, "PAYER", CheckStatus.WARNING),
            (False, "CLERK", CheckStatus.OK),
            (None, "CLERK", CheckStatus.OK),
            (None, "ADMINISTRATOR", CheckStatus.WARNING),
            (None, "CUSTOM", CheckStatus.WARNING),
            (False, "CUSTOM", CheckStatus.OK),
            (None, None, CheckStatus.WARNING),
        ],
    )
    async def test_it_warns_unless_bill_says_that_the_user_may_not(
        self,
        bill: Bill,
        may_pay: bool | None,  # noqa: FBT001
        role: str | None,
        status: CheckStatus,
    ) -> None:
        """One yes is enough to warn, and silence is no "no"."""
        refused = (403, refusal("BDC_1145"))
        permissions = refused if may_pay is None else (200, {"user": {"payOnline": may_pay}})
        user = refused if role is None else (200, {"id": "006U", "role": {"type": role}})
        assert await self.paying(bill, permissions, user) is status

    async def test_a_session_of_another_organization_fails_and_asks_nothing_more(self, bill: Bill) -> None:
        """Nothing of a foreign company is read."""
        bill.on("GET /v3/login/session", (200, {"organizationId": "00801OTHER", "userId": "006U"}))
        lines = await client().check()
        assert [(one.name, one.status) for one in lines] == [
            ("sign-in", CheckStatus.OK),
            ("organization", CheckStatus.FAILED),
        ]
        assert len(bill.requests) == 1
