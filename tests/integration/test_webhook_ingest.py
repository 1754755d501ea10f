"""webhook-ingest as a process, over TLS, on a real broker and a real database: what a 200 is worth."""

import http.client
import json
import signal
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from support.installation import Installation, eventually, installation
from support.simulators import running
from tieout.connections.documents import establish_key
from tieout.connections.webhook_keys import WebhookKeys, read_keys, write_keys
from tieout.domain.bill_events import EventType, SubscribedEvent
from tieout.domain.settings import ConnectionSettings
from tieout.events.raw import BillDocument
from tieout.events.requests import NoticeSeen
from tieout.log.topics import Topic
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, CredentialKind, Credentials
from tieout_connectors.bill.signature import HEADER, sign
from tieout_connectors.http.call import open_session
from tieout_devstack import certificates, kafka, processes
from tieout_devstack.ports import free_port
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME, VENDOR

MODULE = "tieout_webhook_ingest"
BODY = json.loads((Path(__file__).parents[1] / "fixtures" / "bill" / "webhook.bill.updated.json").read_text())
WITHIN = 2.0
POINTS = [f"webhook-ingest.{name}" for name in ("store.before", "raw.after", "notice.after", "store.after")]


def settings(**changes: object) -> ConnectionSettings:
    """A connection whose organization is the notifications'."""
    base: dict[str, object] = {
        "connection": "acme",
        "state": "active",
        "erp": {"kind": "business-central", "tenant": "contoso.example", "company": "CRONUS"},
        "bill": {"environment": "sandbox", "organization": BODY["metadata"]["organizationId"]},
        "cutover": {"date": "2026-01-01"},
    }
    return ConnectionSettings.model_validate(base | changes)


def event(number: int) -> bytes:
    """A notification with an id of its own."""
    return json.dumps(BODY | {"metadata": BODY["metadata"] | {"eventId": f"event-{number}"}}).encode()


@dataclass
class Ingest:
    """An installation with webhook-ingest, as BILL sees it."""

    made: Installation
    trusted: ssl.SSLContext
    certificate: certificates.ServerCertificate
    port: int
    health: int
    process: processes.Background | None = None

    def start(self, **extra: str) -> None:
        """Start the service and wait until it is ready."""
        self.process = self.made.start(
            MODULE,
            listen_port=str(self.port),
            http_port=str(self.health),
            tls_certificate_file=str(self.certificate.certificate),
            tls_key_file=str(self.certificate.key),
            answer_within=str(WITHIN),
            **extra,
        )
        self.process.wait_ready(f"http://127.0.0.1:{self.health}/readyz", seconds=40)

    def kill(self) -> None:
        """As a power cut."""
        assert self.process is not None
        self.process.send(signal.SIGKILL)
        self.gone()

    def gone(self) -> None:
        """The process has ended, by whatever."""
        assert self.process is not None
        assert self.process.wait_gone(seconds=10)
        self.process.kill()

    def post(self, body: bytes, key: str | None = "key", connection: str = "acme") -> int:
        """Deliver once, as BILL; the answer must have no body."""
        headers = {} if key is None else {HEADER: sign(body, key)}
        calling = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.trusted)
        try:
            calling.request("POST", f"/webhooks/bill/{connection}", body, headers)
            answer = calling.getresponse()
            assert answer.read() == b""
            return answer.status
        finally:
            calling.close()

    def stored(self) -> dict[str, str]:
        """Raw messages by BILL's event id, with their message ids."""
        found = {}
        for message in self.made.read(Topic.BILL_EVENTS):
            assert isinstance(message.data, BillDocument)
            found[message.data.key] = message.id
        return found

    def notices(self) -> dict[str, str]:
        """Notices by BILL's event id, with the record they name."""
        found = {}
        for message in self.made.read(Topic.BILL_READS):
            assert isinstance(message.data, NoticeSeen)
            found[message.data.event] = message.data.key
        return found

    def metric(self, result: str) -> float:
        """How many requests have ended so."""
        calling = http.client.HTTPConnection("127.0.0.1", self.health, timeout=10)
        calling.request("GET", "/metrics")
        text = calling.getresponse().read().decode()
        calling.close()
        name = f'tieout_webhook_requests_total{{result="{result}"}} '
        return float(next(line for line in text.splitlines() if line.startswith(name)).removeprefix(name))


@pytest.fixture
def ingest(
    kafka_bootstrap: str, postgres_url: str, topic_prefix: str, devstack_folder: Path, ca: certificates.Authority
) -> Iterator[Ingest]:
    """An installation with a connection and its key; the service is not started yet."""
    folder = devstack_folder / topic_prefix
    folder.mkdir()
    with installation(kafka_bootstrap, postgres_url, topic_prefix, folder) as made:
        yield prepared(made, ca)


def prepared(made: Installation, ca: certificates.Authority) -> Ingest:
    """The connection as control-plane and bill-writer leave it."""
    establish_key(made.secrets, "acme")
    write_keys(made.secrets, "acme", WebhookKeys("key"))
    made.apply(settings())
    return Ingest(made, ca.client_context(), ca.issue("webhook-ingest"), free_port(), free_port())


def test_a_kill_right_after_the_200_loses_nothing(ingest: Ingest) -> None:
    """What BILL was told is stored stands in both topics, although the process was killed in the same moment."""
    ingest.start()
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda number: ingest.post(event(number)), range(40)))
    ingest.kill()
    assert answers == [200] * 40
    wanted = {f"event-{number}" for number in range(40)}
    assert set(ingest.stored()) == wanted
    assert ingest.notices() == dict.fromkeys(wanted, BODY["bill"]["id"])
    log = [json.loads(line) for line in ingest.made.log_of(MODULE).splitlines() if line.startswith("{")]
    assert [line["event"] for line in log if line["level"] == "info"] == ["started"]


def test_a_death_at_any_point_is_mended_by_bills_repeat(ingest: Ingest) -> None:
    """Killed before, between and after the two messages: BILL has no 200, comes again, and both are there."""
    listing = ingest.made.folder / "points"
    ingest.start(crash_list=str(listing))
    assert ingest.post(event(0)) == 200
    ingest.kill()
    assert set(listing.read_text().split()) == set(POINTS)
    for number, point in enumerate(POINTS, start=1):
        ingest.start(crash_at=point)
        with pytest.raises((http.client.HTTPException, OSError)):
            ingest.post(event(number))
        ingest.gone()
    before = ingest.stored()
    assert "event-1" not in before
    assert "event-4" in before
    ingest.start()
    for number in range(1, len(POINTS) + 1):
        assert ingest.post(event(number)) == 200
    wanted = {f"event-{number}" for number in range(len(POINTS) + 1)}
    assert set(ingest.stored()) == set(ingest.notices()) == wanted
    assert {key: ingest.stored()[key] for key in before} == before, "a repeat is the same message"


def test_forgeries_are_refused_counted_and_leave_nothing(ingest: Ingest) -> None:
    """Unsigned, wrongly signed, too large, for nobody: each with its status, none in the log."""
    ingest.start()
    assert ingest.post(event(1), None) == 401
    assert ingest.post(event(1), "guess") == 401
    assert ingest.post(event(1), "key", "nobody") == 404
    assert ingest.post(b"x" * (1024 * 1024 + 1)) == 413
    assert ingest.stored() == ingest.notices() == {}
    wanted = {"unsigned": 1, "wrong_signature": 1, "unknown_connection": 1, "too_large": 1, "stored": 0}
    assert {name: ingest.metric(name) for name in wanted} == wanted
    assert ingest.post(b"<html>", "key") == 200
    (key,) = ingest.stored()
    assert key.startswith("sha256-")
    assert ingest.notices() == {}


def test_a_rotation_is_followed_at_once_and_the_old_key_ends(ingest: Ingest) -> None:
    """Both keys count while BILL changes over; the old one is refused once its time is up."""
    ingest.start()
    assert ingest.post(event(1), "key") == 200
    assert ingest.post(event(2), "next") == 401
    keys = read_keys(ingest.made.secrets, "acme")
    assert keys is not None
    now = datetime.now(UTC)
    write_keys(ingest.made.secrets, "acme", keys.rotated("next", now))
    eventually(lambda: ingest.post(event(2), "next") == 200, seconds=10, what="the new key")
    assert ingest.post(event(3), "key") == 200
    write_keys(ingest.made.secrets, "acme", keys.rotated("next", now, timedelta(0)))
    eventually(lambda: ingest.post(event(4), "key") == 401, seconds=15, what="the end of the old key")
    assert ingest.post(event(4), "next") == 200
    assert {f"event-{number}" for number in range(1, 5)} <= set(ingest.stored())


def test_a_silent_kafka_is_answered_with_503_in_time_and_the_repeat_is_stored(
    devstack_folder: Path, postgres_url: str, topic_prefix: str, ca: certificates.Authority
) -> None:
    """While the broker hangs BILL is told to come again, within its ten seconds; then it is taken."""
    folder = devstack_folder / topic_prefix
    folder.mkdir()
    broker = kafka.start(folder / "kafka")
    if broker.process is None:
        pytest.skip("the broker of the environment is not ours to stop")
    try:
        with installation(broker.bootstrap, postgres_url, topic_prefix, folder) as made:
            ingest = prepared(made, ca)
            ingest.start()
            assert ingest.post(event(1)) == 200
            broker.process.send(signal.SIGSTOP)
            began = time.monotonic()
            assert ingest.post(event(2)) == 503
            assert time.monotonic() - began < WITHIN + 3
            broker.process.send(signal.SIGCONT)
            eventually(lambda: ingest.post(event(2)) == 200, seconds=30, what="the repeat")
            assert set(ingest.stored()) == set(ingest.notices()) == {"event-1", "event-2"}
            assert ingest.metric("not_durable") >= 1
            assert ingest.process is not None
            assert ingest.process.stop(grace_seconds=10)
    finally:
        broker.process.send(signal.SIGCONT)
        broker.stop()


@pytest.mark.promise("C4")
async def test_bill_delivers_and_takes_the_answer_for_success(ingest: Ingest, ca: certificates.Authority) -> None:
    """A subscription's key is stored, a change in BILL arrives signed, and its record is named for reading."""
    ingest.made.apply(settings(bill={"organization": ORGANIZATION, "environment": "sandbox"}), generation=2)
    ingest.start()
    credentials = Credentials(USERNAME, PASSWORD, ORGANIZATION, DEV_KEY, CredentialKind.USER)
    with running(BillSimulator(None, str(ca.certificate))) as simulator:
        async with open_session() as session:
            client = BillClient(session, Addresses.at(simulator.url), credentials)
            url = f"https://127.0.0.1:{ingest.port}/webhooks/bill/acme"
            wanted = [SubscribedEvent(type=EventType.VENDOR_ARCHIVED)]
            new = await client.subscriptions.create("Tieout", wanted, url, key=uuid4())
            write_keys(ingest.made.secrets, "acme", WebhookKeys(new.security_key))
            await client.vendors.archive(VENDOR)
            eventually(ingest.notices, what="the notice")
            (item,) = [one async for one in client.events.history(new.subscription.id)]
            await client.close()
    assert ingest.notices() == {item.id: VENDOR}
    assert set(ingest.stored()) == {item.id}
    assert item.status == 200
    assert ingest.metric("stored") == 1


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"TIEOUT_MASTER_KEY": ""}, "openssl rand -base64 32"),
        ({"TIEOUT_MASTER_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "master key"),
        ({"TIEOUT_TLS_KEY_FILE": "/nowhere.key"}, "/nowhere.key: No such file"),
        ({"TIEOUT_TLS_ENDS_BEFORE": "true"}, "TIEOUT_TLS_ENDS_BEFORE"),
    ],
)
def test_wrong_settings_end_it_at_once_with_the_cure(ingest: Ingest, extra: dict[str, str], said: str) -> None:
    """A missing or wrong master key, certificate or setting is said, and nothing listens."""
    changes = {name.removeprefix("TIEOUT_").lower(): value for name, value in extra.items()}
    files = {
        "tls_certificate_file": str(ingest.certificate.certificate),
        "tls_key_file": str(ingest.certificate.key),
        "listen_port": str(ingest.port),
    }
    process = ingest.made.start(MODULE, **(files | changes))
    assert process.wait_gone(seconds=30)
    assert said in ingest.made.log_of(MODULE)
