"""What BILL, and whoever else knows the address, is answered."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from confluent_kafka import KafkaError, KafkaException
from prometheus_client import REGISTRY

from support.deciding import settings
from tieout.connections.registry import ConnectionView
from tieout.connections.webhook_keys import WebhookKeys
from tieout.log.produce import Outgoing
from tieout.log.topics import Names
from tieout_connectors.bill.signature import HEADER, sign
from tieout_webhook_ingest import server
from tieout_webhook_ingest.deliveries import Full
from tieout_webhook_ingest.keyring import Held, Keyring, KeysUnavailable
from tieout_webhook_ingest.notification import Address, Notification, notification
from tieout_webhook_ingest.server import BODY_LIMIT, Gate, Ingest, Result

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WITHIN = 0.3
EVENT = json.dumps(
    json.loads((Path(__file__).parent.parent / "fixtures" / "bill" / "webhook.bill.updated.json").read_text())
).encode()


@dataclass
class Kafka:
    """A broker that stores, refuses, is full, or keeps silent."""

    stored: list[Outgoing] = field(default_factory=list)
    error: Exception | None = None
    silent: bool = False
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)

    def send(self, messages: Sequence[Outgoing]) -> "asyncio.Future[None]":
        """As ``Deliveries.send``."""
        if isinstance(self.error, Full):
            raise self.error
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.silent:
            self.waiting.append(future)
        elif self.error is not None:
            future.set_exception(self.error)
        else:
            self.stored += messages
            future.set_result(None)
        return future


class Registry:
    """Two connections, one of them retired."""

    def get(self, connection: str) -> ConnectionView | None:
        """As the registry of all services."""
        state = {"acme": "active", "gone": "retired", "paused": "paused"}.get(connection)
        if state is None:
            return None
        made = settings(connection=connection, state=state, bill={"environment": "sandbox", "organization": ORG})
        return ConnectionView(connection, 1, made, {})


ORG = "00801ORGANIZATION000"


@dataclass
class World:
    """A server, what it stands on, and a client."""

    url: str
    kafka: Kafka
    gate: Gate
    http: aiohttp.ClientSession
    port: int
    keys: dict[str, WebhookKeys | None] = field(
        default_factory=lambda: {"acme": WebhookKeys("key", "old", NOON + timedelta(minutes=1))}
    )
    now: datetime = NOON

    def load(self, connection: str) -> Held:
        """As the store of secrets."""
        if connection not in self.keys:
            raise KeysUnavailable("down")
        return Held(self.keys[connection])

    async def post(self, body: bytes, signature: str | None, connection: str = "acme", **headers: str) -> int:
        """Deliver, and assert that the answer has no body."""
        if signature is not None:
            headers[HEADER] = signature
        url = f"{self.url}/webhooks/bill/{connection}"
        async with self.http.post(url, data=io.BytesIO(body), headers=headers) as answer:
            assert await answer.read() == b""
            return answer.status


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A server on a free port."""
    kafka, gate = Kafka(), Gate(3, 3 * BODY_LIMIT)
    async with aiohttp.ClientSession() as http:
        made = World("", kafka, gate, http, 0)
        keyring = Keyring(made.load)
        ingest = Ingest(Names("t", 4), Registry(), keyring, kafka, gate=gate, within=WITHIN, now=lambda: made.now)
        runner = web.AppRunner(ingest.app(), access_log=None, auto_decompress=False, lingering_time=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        made.url = f"http://127.0.0.1:{made.port}"
        yield made
        with closing(keyring):
            await runner.cleanup()
        assert (gate.requests, gate.bytes) == (3, 3 * BODY_LIMIT), "a place was not given back"


def counted(result: Result) -> float:
    """How many requests have ended so, in this process."""
    return REGISTRY.get_sample_value("tieout_webhook_requests_total", {"result": result}) or 0.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the server does."""
    end = asyncio.get_running_loop().time() + 5
    while not condition():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.005)


async def test_a_signed_notification_is_stored_and_answered_with_200(world: World) -> None:
    """Both messages are with Kafka, in the connection's and the budget's partitions, when BILL is told 200."""
    before = counted(Result.STORED)
    assert await world.post(EVENT, sign(EVENT, "key")) == 200
    raw, notice = world.kafka.stored
    assert (raw.topic, raw.key, raw.partition) == ("t.bill.events", b"acme", Names("t", 4).partition_of("acme"))
    assert (notice.topic, notice.key, notice.partition) == ("t.bill.reads", b"main", Names("t", 4).partition_of("main"))
    assert counted(Result.STORED) == before + 1


async def test_nothing_is_answered_before_kafka_has_it(world: World) -> None:
    """A 200 means stored, never handed over."""
    world.kafka.silent = True
    answer = asyncio.create_task(world.post(EVENT, sign(EVENT, "key")))
    await until(lambda: bool(world.kafka.waiting))
    assert not answer.done()
    world.kafka.waiting[0].set_result(None)
    assert await answer == 200


@pytest.mark.parametrize(
    ("signature", "result"),
    [
        (None, Result.UNSIGNED),
        ("", Result.UNSIGNED),
        (sign(EVENT, "guess"), Result.WRONG_SIGNATURE),
        (sign(EVENT + b" ", "key"), Result.WRONG_SIGNATURE),
        (sign(EVENT, ""), Result.WRONG_SIGNATURE),
        ("=" * 5000, Result.WRONG_SIGNATURE),
    ],
)
async def test_a_forgery_is_refused_counted_and_not_stored(world: World, signature: str | None, result: Result) -> None:
    """Whoever cannot sign leaves nothing behind but a number in the metrics."""
    before = counted(result)
    assert await world.post(EVENT, signature) == 401
    assert world.kafka.stored == []
    assert counted(result) == before + 1


async def test_a_forged_body_is_not_parsed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No parser ever sees what BILL has not signed."""
    parsed: list[bytes] = []

    def watched(body: bytes, address: Address, key: bytes | None, now: datetime) -> Notification:
        parsed.append(body)
        return notification(body, address, key, now)

    monkeypatch.setattr(server, "notification", watched)
    for signature, connection in ((sign(b"", "key"), "acme"), (None, "acme"), (sign(EVENT, "key"), "nobody")):
        assert await world.post(EVENT, signature, connection) in {401, 404}
    assert parsed == []
    assert await world.post(EVENT, sign(EVENT, "key")) == 200
    assert parsed == [EVENT]


async def test_both_keys_count_during_a_rotation_and_the_old_one_ends(world: World) -> None:
    """BILL changes over when it likes; an hour later the old key is dead."""
    assert await world.post(EVENT, sign(EVENT, "old")) == 200
    assert await world.post(EVENT, sign(EVENT, "key")) == 200
    world.now = NOON + timedelta(minutes=1)
    assert await world.post(EVENT, sign(EVENT, "old")) == 401
    assert await world.post(EVENT, sign(EVENT, "key")) == 200


async def test_a_new_key_counts_from_its_first_notification(world: World) -> None:
    """A rotation loses nothing, although the keys are not read for each notification."""
    assert await world.post(EVENT, sign(EVENT, "key")) == 200
    world.keys["acme"] = WebhookKeys("new")
    assert await world.post(EVENT, sign(EVENT, "new")) == 200
    assert await world.post(EVENT, sign(EVENT, "key")) == 401


async def test_a_connection_without_a_key_accepts_nothing(world: World) -> None:
    """A subscription that is not ours yet cannot be signed for with any key."""
    world.keys["acme"] = None
    before = counted(Result.NO_KEY)
    assert await world.post(EVENT, sign(EVENT, "the key of a connection that there is not")) == 401
    assert counted(Result.NO_KEY) == before + 1
    assert world.kafka.stored == []


async def test_keys_that_cannot_be_read_bring_bill_back(world: World) -> None:
    """It is not BILL's fault, so it is not told that its signature is wrong."""
    world.keys = {}
    assert await world.post(EVENT, sign(EVENT, "key")) == 503


@pytest.mark.parametrize("connection", ["nobody", "gone", "..%2Facme", "x" * 3000])
async def test_an_unknown_or_retired_connection_is_not_found(world: World, connection: str) -> None:
    """Whatever it is signed with."""
    assert await world.post(EVENT, sign(EVENT, "the key of a connection that there is not"), connection) == 404
    assert world.kafka.stored == []


async def test_a_paused_connection_goes_on_taking_notifications(world: World) -> None:
    """Refusing them would have BILL switch the subscription off."""
    world.keys["paused"] = WebhookKeys("key")
    assert await world.post(EVENT, sign(EVENT, "key"), "paused") == 200


async def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(world: World) -> None:
    """The limit is exact; a larger body is not looked at."""
    most = b"x" * BODY_LIMIT
    assert await world.post(most, sign(most, "key")) == 200
    assert await world.post(most + b"x", sign(most + b"x", "key")) == 413
    assert len(world.kafka.stored) == 1


async def test_a_large_body_without_a_length_is_cut_off(world: World) -> None:
    """Sending in chunks does not get around the limit."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * (BODY_LIMIT // 16)

    async with world.http.post(f"{world.url}/webhooks/bill/acme", data=chunks(), headers={HEADER: "x"}) as answer:
        assert answer.status == 413


async def test_the_bytes_are_verified_as_they_were_sent(world: World) -> None:
    """A compressed body is not unpacked: a signature over what is inside does not count, nor can it grow in memory."""
    packed = gzip.compress(EVENT)
    headers = {"Content-Encoding": "gzip"}
    assert await world.post(packed, sign(EVENT, "key"), **headers) == 401
    assert await world.post(packed, sign(packed, "key"), **headers) == 200
    assert b"\x1f" not in (world.kafka.stored[0].value or b"")


async def test_what_is_signed_and_unreadable_is_stored_and_acknowledged(world: World) -> None:
    """BILL is not made to repeat what no repeat can mend."""
    assert await world.post(b"<html>", sign(b"<html>", "key")) == 200
    (raw,) = world.kafka.stored
    assert b"<html>" in (raw.value or b"")


async def test_a_slow_kafka_is_answered_with_503_in_time(world: World) -> None:
    """BILL is answered before it gives up by itself, and comes again."""
    world.kafka.silent = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await world.post(EVENT, sign(EVENT, "key")) == 503
    assert WITHIN <= loop.time() - began < WITHIN + 2
    world.kafka.silent = False
    assert await world.post(EVENT, sign(EVENT, "key")) == 200


@pytest.mark.parametrize("error", [Full(), KafkaException(KafkaError(KafkaError.NOT_ENOUGH_REPLICAS))])
async def test_what_kafka_does_not_take_is_not_acknowledged(world: World, error: Exception) -> None:
    """Never a 200 for something that is not stored."""
    world.kafka.error = error
    assert await world.post(EVENT, sign(EVENT, "key")) == 503


async def test_more_than_fits_is_refused_and_the_rest_is_served(world: World) -> None:
    """A burst does not use up the memory: what is too much comes again."""
    world.kafka.silent = True
    kept = [asyncio.create_task(world.post(EVENT, sign(EVENT, "key"))) for _ in range(3)]
    await until(lambda: len(world.kafka.waiting) == 3)
    before = counted(Result.BUSY)
    assert await world.post(EVENT, sign(EVENT, "key")) == 503
    assert counted(Result.BUSY) == before + 1
    for future in world.kafka.waiting:
        future.set_result(None)
    assert [await one for one in kept] == [200] * 3


async def raw_request(world: World, head: str, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request that may never be whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(f"POST /webhooks/bill/acme HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body)
    await writer.drain()
    return reader, writer


async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(world: World) -> None:
    """Nothing of it is read, so nobody's memory or time is taken."""
    reader, writer = await raw_request(world, f"Content-Length: {BODY_LIMIT + 1}", b"")
    async with asyncio.timeout(5):
        assert b" 413 " in await reader.readline()
    writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(world: World) -> None:
    """Slow senders do not take the places of others for ever."""
    reader, writer = await raw_request(world, "Content-Length: 100", b"x")
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    writer.close()


async def test_a_sender_that_goes_away_leaves_no_trace(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """No place is lost and no error is logged when a body breaks off."""
    before = counted(Result.BROKEN_OFF)
    _, writer = await raw_request(world, "Content-Length: 100", b"x")
    await until(lambda: world.gate.requests == 2)
    writer.close()
    await until(lambda: world.gate.requests == 3)
    assert counted(Result.BROKEN_OFF) == before + 1
    assert caplog.records == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_there_is_nothing_but_deliveries(world: World, method: str) -> None:
    """Neither metrics nor health are shown to the outside."""
    async with world.http.request(method, f"{world.url}/webhooks/bill/acme") as answer:
        assert answer.status == 405
    for path in ("/metrics", "/healthz", "/readyz", "/"):
        async with world.http.get(world.url + path) as answer:
            assert answer.status == 404
