"""What happens in BILL becomes raw messages: by webhooks, and by polling where they are lost; subscriptions heal."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from support.commanding import BUDGET, Writer
from support.installation import Installation, eventually, store_bill_credentials
from support.simulators import Running, running
from support.writing import settings
from tieout.connections.documents import establish_key
from tieout.connections.secrets import Purpose
from tieout.connections.webhook_keys import WebhookKeys, read_keys
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events import catalogue
from tieout.events.cursors import BillCursor
from tieout.events.envelope import Message, Payload
from tieout.events.raw import BillDocument
from tieout.events.requests import CheckAnswered, CheckAsked, NoticeSeen
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Topic
from tieout_bill_writer.reads import AT_ONCE
from tieout_devstack.certificates import Authority
from tieout_devstack.ports import free_port
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import DEV_KEY, PASSWORD, USERNAME, VENDOR

WRITER: Final = "tieout_bill_writer"
INGEST: Final = "tieout_webhook_ingest"
LOOK: Final = {"bill_subscription_look": "0.5"}


@dataclass
class Place:
    """An installation with bill-writer, and webhook-ingest where BILL can reach it."""

    made: Installation
    bill: Running
    ca: Authority
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """What BILL delivers to."""
        return f"https://127.0.0.1:{self.port}/webhooks/bill/acme"

    def begin(self, *, webhooks: bool = True, every: str = "1d") -> None:
        """Apply the connection; polls come ``every``, after a first one."""
        store_bill_credentials(self.made, "acme", USERNAME, PASSWORD, DEV_KEY)
        establish_key(self.made.secrets, "acme")
        self.apply(webhooks=webhooks, every=every)

    def apply(self, generation: int = 1, *, webhooks: bool = True, every: str = "1d", state: str = "active") -> None:
        """Apply other settings."""
        plain = settings(self.bill, state=state)
        changes = {"schedule": {"default": every}} | ({"webhooks": self.url} if webhooks else {})
        bill = plain.bill.model_dump(mode="json", exclude_none=True) | changes
        document = plain.model_dump(mode="json", exclude_none=True) | {"bill": bill}
        self.made.apply(ConnectionSettings.model_validate(document), generation=generation)

    def ingest(self) -> None:
        """Start webhook-ingest."""
        certificate = self.ca.issue("webhook-ingest")
        health = free_port()
        process = self.made.start(
            INGEST,
            listen_port=str(self.port),
            http_port=str(health),
            tls_certificate_file=str(certificate.certificate),
            tls_key_file=str(certificate.key),
        )
        process.wait_ready(f"http://127.0.0.1:{health}/readyz", seconds=40)

    def writer(self, **extra: str) -> None:
        """Start bill-writer."""
        Writer(self.made, self.bill).start(**(LOOK | extra))

    def killed(self) -> None:
        """bill-writer has died at its crash point."""
        assert self.made.running[WRITER].wait_gone(seconds=20), "the crash point was not reached"
        self.made.running[WRITER].kill()

    def subscriptions(self) -> list[dict[str, Any]]:
        """BILL's truth."""
        found: list[dict[str, Any]] = self.bill.ask("/_sandbox/webhooks")["subscriptions"]
        return found

    def is_on(self) -> bool:
        """Whether there is one subscription, and BILL delivers to it."""
        return [one["status"]["enabled"] for one in self.subscriptions()] == [True]

    def new_bill(self, number: str) -> str:
        """A bill that somebody enters in BILL; its id."""
        body = {
            "vendorId": VENDOR,
            "dueDate": "2027-01-31",
            "invoice": {"invoiceNumber": number, "invoiceDate": "2026-12-31"},
            "billLineItems": [{"amount": 228.99}],
        }
        made: dict[str, str] = self.bill.ask("/_sandbox/people", {"do": "create", "kind": "bill", "body": body})
        return made["id"]

    def pay(self, bill: str) -> str:
        """Somebody pays a bill, and the money has left; the payment's id."""
        wish = {"action": "create", "bills": [{"billId": bill}], "to": "PROCESSED"}
        made: list[dict[str, str]] = self.bill.ask("/_sandbox/payments", wish)["payments"]
        return made[0]["id"]

    def shown(self, kind: str, key: str) -> list[BillDocument]:
        """What stands in the log of one record."""
        documents = [one.data for one in self.made.read(Topic.BILL_EVENTS)]
        return [one for one in documents if isinstance(one, BillDocument) and (one.kind, one.key) == (kind, key)]

    def processed(self, payment: str) -> BillDocument:
        """The payment with its money gone, once the log shows it."""

        def found() -> BillDocument | None:
            shown = self.shown("payment", payment)
            return next((one for one in shown if one.document["singleStatus"] == "PROCESSED"), None)

        return eventually(found, seconds=15, what="the payment")

    def polled(self) -> None:
        """Every kind was polled to its end once."""

        def ended() -> bool:
            cursors = [one.data for one in self.made.read(Topic.CURSORS)]
            return {one.kind for one in cursors if isinstance(one, BillCursor) and one.ended} == {
                "payment", "bill", "vendor",
            }  # fmt: skip

        eventually(ended, seconds=15, what="the first poll")

    def notice(self, kind: str, *keys: str) -> None:
        """Notices as webhook-ingest writes them."""
        self.ask(*(NoticeSeen(connection="acme", kind=kind, key=key, event=f"event-{key}") for key in keys))

    def ask(self, *requests: Payload) -> None:
        """Requests on ``bill.reads``."""
        now = datetime.now(UTC)
        messages = [
            Message(f"r{n}", "/test", catalogue.name_of(one), "s", now, BUDGET, one) for n, one in enumerate(requests)
        ]
        PlainProducer(self.made.access).send_now(
            [outgoing(self.made.names, Topic.BILL_READS, message) for message in messages]
        )

    def keys(self) -> WebhookKeys:
        """The stored keys."""
        found = read_keys(self.made.secrets, "acme")
        assert found is not None
        return found


@pytest.fixture
def place(made: Installation, ca: Authority) -> Iterator[Place]:
    """BILL, simulated; nothing is started yet."""
    with running(BillSimulator(None, str(ca.certificate))) as bill:
        yield Place(made, bill, ca)


@pytest.mark.promise("C4")
def test_a_payment_arrives_by_webhook(place: Place) -> None:
    """Somebody pays in BILL: the payment with its division is in the log at once, although polls come once a day."""
    place.begin()
    place.writer()
    place.ingest()
    place.polled()
    eventually(place.is_on, seconds=10, what="the subscription")
    bill = place.new_bill("W-1")
    shown = place.processed(place.pay(bill))
    assert shown.origin == "read"
    assert [part["billId"] for part in shown.document["billPayments"]] == [bill]
    eventually(lambda: place.shown("bill", bill), what="the bill")


@pytest.mark.promise("C5")
def test_a_lost_webhook_is_found_by_polling(place: Place) -> None:
    """Every notification is lost on its way: the payment is found within one interval, once per change."""
    place.bill.ask("/_sandbox/switches", {"webhook_lose": 1000})
    place.begin(every="1s")
    place.writer()
    place.polled()
    eventually(place.is_on, seconds=10, what="the subscription")
    payment = place.pay(place.new_bill("P-1"))
    shown = place.processed(payment)
    assert shown.origin == "poll"
    runs = len(place.bill.calls("GET", "/v3/payments"))
    eventually(lambda: len(place.bill.calls("GET", "/v3/payments")) > runs + 1, what="another poll")
    versions = [one.version for one in place.shown("payment", payment)]
    assert len(versions) == len(set(versions)), "what did not change is not stored again"


@pytest.mark.promise("C5")
@pytest.mark.parametrize("point", ["create.after", "key.before"])
def test_a_death_before_the_key_is_stored_heals(place: Place, point: str) -> None:
    """BILL shows a key once, and the process dies with it: the subscription is found and gets another key."""
    place.begin()
    place.ingest()
    place.writer(crash_at=f"bill-writer.subscription.{point}")
    place.killed()
    (made,) = place.subscriptions()
    assert made["status"] == {"enabled": False}, "nothing is signed with a key that nobody has"
    place.writer()
    eventually(place.is_on, seconds=15, what="the subscription")
    (one,) = place.subscriptions()
    assert (one["id"], place.keys().subscription) == (made["id"], made["id"])
    bill = place.new_bill("K-1")
    eventually(lambda: any(one.origin == "read" for one in place.shown("bill", bill)), seconds=10, what="the notice")


@pytest.mark.promise("C5")
def test_a_disabled_subscription_is_revived_and_the_gap_is_read(place: Place) -> None:
    """BILL has switched the feed off and delivers nothing of that time: it is on again, and what happened is there."""
    place.begin()
    place.writer()
    place.polled()
    eventually(place.is_on, seconds=10, what="the subscription")
    (one,) = place.subscriptions()
    place.bill.ask("/_sandbox/switches", {"webhook_lose": 1000})
    payment = place.pay(place.new_bill("G-1"))
    place.bill.ask("/_sandbox/webhooks", {"disable": one["id"]})
    assert place.processed(payment).origin == "poll"
    assert place.is_on()
    assert [again["id"] for again in place.subscriptions()] == [one["id"]]


@pytest.mark.parametrize("point", ["notice.read.after", "notice.stored.before"])
def test_a_notice_survives_a_death_before_its_record_is_durable(place: Place, point: str) -> None:
    """The process dies between BILL's answer and the log: the notice is not committed, and the record is read again."""
    place.begin(webhooks=False)
    place.writer(crash_at=f"bill-writer.{point}")
    place.polled()
    payment = place.pay(place.new_bill("D-1"))
    place.notice("payment", payment)
    place.killed()
    assert place.shown("payment", payment) == []
    place.writer()
    assert place.processed(payment).origin == "read"


def test_notices_of_a_sick_connection_do_not_keep_a_check_waiting(place: Place) -> None:
    """More notices wait than requests are served at a time: whoever asks what is wrong is answered."""
    place.begin(webhooks=False)
    store_bill_credentials(place.made, "acme", USERNAME, "wrong", DEV_KEY)
    place.writer()
    place.notice("payment", *(f"stp{number}" for number in range(AT_ONCE + 4)))
    deadline = datetime.now(UTC) + timedelta(seconds=15)
    place.ask(CheckAsked(connection="acme", side=Side.BILL, generation=1, secret_version=1, deadline=deadline))

    def answered() -> list[CheckAnswered]:
        return [one.data for one in place.made.read(Topic.SNAPSHOTS) if isinstance(one.data, CheckAnswered)]

    (answer,) = eventually(answered, seconds=15, what="the answer")
    assert [line.code for line in answer.lines] == ["BDC_1101"]


@pytest.mark.parametrize("point", ["number.after", "rows.before", "rows.after"])
def test_a_poll_that_is_cut_off_goes_on_at_once(place: Place, point: str) -> None:
    """The process dies within its first poll: its successor does not wait for tomorrow, and nothing is lost."""
    payment = place.pay(place.new_bill("C-1"))
    place.begin(webhooks=False)
    place.writer(crash_at=f"bill-writer.poll.{point}")
    place.killed()
    place.writer()
    assert place.processed(payment).origin == "poll"
    place.polled()


def test_payment_events_may_be_refused_and_a_retired_connection_has_no_subscription(place: Place) -> None:
    """BILL allows no payment events: the others are subscribed to. Retired, nothing is left in BILL, nor any key."""
    place.bill.ask("/_sandbox/switches", {"payment_events_allowed": False})
    place.begin()
    place.writer()
    eventually(place.is_on, seconds=15, what="the subscription")
    (one,) = place.subscriptions()
    types = {event["type"] for event in one["events"]}
    assert {"bill.created", "vendor.updated"} <= types
    assert not any(name.startswith("payment.") for name in types)
    place.apply(generation=2, state="retired")
    eventually(lambda: not place.subscriptions(), seconds=10, what="the end of the subscription")
    eventually(lambda: read_keys(place.made.secrets, "acme") is None, seconds=10, what="the end of the keys")


def test_no_bank_details_reach_the_log(place: Place) -> None:
    """A vendor's account in BILL leaves a fingerprint, by which a change is seen, and none of its digits."""
    account = {"nameOnAccount": "Happy", "accountNumber": "555000111", "routingNumber": "322271627"}
    place.bill.ask("/_sandbox/people", {"do": "bank_account", "kind": "vendor", "id": VENDOR, "body": account})
    place.begin(webhooks=False)
    place.writer()
    place.polled()
    (vendor,) = place.shown("vendor", VENDOR)
    assert "555000111" not in vendor.model_dump_json()
    assert set(vendor.document["paymentInformation"]["bankAccount"]) == {"fingerprint"}
    assert place.made.secrets.get("acme", Side.BILL, Purpose.WEBHOOK_KEYS) is None
