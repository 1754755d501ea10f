"""``POST /webhooks/bill/{connection}``: verified over the raw bytes, then durable, then answered.

Both messages of a notification are handed to Kafka together and the answer waits for both. Whatever ends the process
before that, BILL has no 200 and comes again, and the repeat gives the same two messages: one stored without the other
is completed by it. Should BILL give up in between, its history shows the notification as not delivered, and polling
finds the record.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

from aiohttp import web
from confluent_kafka import KafkaException

from tieout.connections.registry import ConnectionView
from tieout.domain.settings import State
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing
from tieout.log.topics import Names, Topic
from tieout.observability.crash_points import reach
from tieout_connectors.bill.signature import HEADER, is_genuine
from tieout_webhook_ingest import metrics
from tieout_webhook_ingest.deliveries import Full
from tieout_webhook_ingest.keyring import Held, Keyring, KeysUnavailable
from tieout_webhook_ingest.notification import Address, notification

PATH: Final = "/webhooks/bill/{connection}"
BODY_LIMIT: Final = 1024 * 1024
# An unknown connection costs what a known one costs: its signature is compared with a key nobody has.
NOBODYS_KEY: Final = ("the key of a connection that there is not",)


class Result(StrEnum):
    """What became of a request."""

    STORED = "stored"
    UNSIGNED = "unsigned"
    WRONG_SIGNATURE = "wrong_signature"
    NO_KEY = "no_key"
    UNKNOWN_CONNECTION = "unknown_connection"
    TOO_LARGE = "too_large"
    BROKEN_OFF = "broken_off"
    TOO_SLOW = "too_slow"
    BUSY = "busy"
    KEYS_UNAVAILABLE = "keys_unavailable"
    NOT_DURABLE = "not_durable"


STATUS: Final[dict[Result, int]] = {
    Result.STORED: 200,
    Result.UNSIGNED: 401,
    Result.WRONG_SIGNATURE: 401,
    Result.NO_KEY: 401,
    Result.UNKNOWN_CONNECTION: 404,
    Result.TOO_LARGE: 413,
    Result.BROKEN_OFF: 400,
    Result.TOO_SLOW: 408,
    Result.BUSY: 503,
    Result.KEYS_UNAVAILABLE: 503,
    Result.NOT_DURABLE: 503,
}
"""BILL takes 200 for success and nothing else; anything else brings it back after 2, 4, 8 and 16 seconds."""

_COUNTERS: Final = {result: metrics.REQUESTS.labels(result.value) for result in Result}
# The rest of these bodies is not waited for.
_CUT_OFF: Final = frozenset({Result.TOO_LARGE, Result.TOO_SLOW, Result.BUSY, Result.BROKEN_OFF})


class Connections(Protocol):
    """The registry, as far as it is needed here."""

    def get(self, connection: str) -> ConnectionView | None:
        """The connection, None if there is none."""
        ...


class Sink(Protocol):
    """``Deliveries``, as far as it is needed here."""

    def send(self, messages: Sequence[Outgoing]) -> "asyncio.Future[None]":
        """A future that is done once all are durable; it may end with KafkaException. Raises Full."""
        ...


@dataclass
class Gate:
    """Limits on what is in work at the same time."""

    requests: int
    bytes: int

    def enter(self, size: int) -> bool:
        """Take a place; False if there is none."""
        if self.requests < 1 or self.bytes < size:
            return False
        self.requests -= 1
        self.bytes -= size
        return True

    def leave(self, size: int) -> None:
        """Give it back."""
        self.requests += 1
        self.bytes += size


class Ingest:
    """The handler. ``within`` is seconds from the head of a request to its answer."""

    def __init__(
        self,
        names: Names,
        connections: Connections,
        keyring: Keyring,
        deliveries: Sink,
        *,
        gate: Gate,
        within: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._names = names
        self._connections = connections
        self._keyring = keyring
        self._deliveries = deliveries
        self._gate = gate
        most = gate.requests
        metrics.IN_WORK.set_function(lambda: most - gate.requests)
        self._within = within
        self._now = now

    def app(self) -> web.Application:
        """The application that BILL reaches; it has this one path."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post(PATH, self.receive)
        return app

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one request."""
        began = time.perf_counter()
        result = await self._bounded(request)
        _COUNTERS[result].inc()
        response = web.Response(status=STATUS[result])
        if result is Result.STORED:
            metrics.SECONDS.observe(time.perf_counter() - began)
        elif result in _CUT_OFF:
            response.force_close()
        return response

    async def _bounded(self, request: web.Request) -> Result:
        size = BODY_LIMIT if request.content_length is None else request.content_length
        if size > BODY_LIMIT:
            return Result.TOO_LARGE
        if not self._gate.enter(size):
            return Result.BUSY
        late = Result.TOO_SLOW
        try:
            async with asyncio.timeout(self._within):
                body = await request.read()
                late = Result.NOT_DURABLE
                return await self._taken(request.match_info["connection"], body, request.headers.get(HEADER))
        except web.HTTPRequestEntityTooLarge:
            return Result.TOO_LARGE
        except (web.RequestPayloadError, ConnectionError):
            return Result.BROKEN_OFF
        except TimeoutError:
            return late
        finally:
            self._gate.leave(size)

    async def _taken(self, connection: str, body: bytes, signature: str | None) -> Result:
        """Verify, store, and tell what became of it."""
        view = self._connections.get(connection)
        if view is None or view.settings.state is State.RETIRED:
            is_genuine(body, signature, NOBODYS_KEY)
            return Result.UNKNOWN_CONNECTION
        if not signature:
            is_genuine(body, signature, NOBODYS_KEY)
            return Result.UNSIGNED
        try:
            held = await self._keyring.of(connection)
            if not self._signed(body, signature, held):
                newer = await self._keyring.again(connection, held)
                if newer is None or not self._signed(body, signature, newer):
                    return Result.NO_KEY if (newer or held).keys is None else Result.WRONG_SIGNATURE
                held = newer
        except KeysUnavailable:
            return Result.KEYS_UNAVAILABLE
        return await self._store(view, body, held)

    def _signed(self, body: bytes, signature: str, held: Held) -> bool:
        keys = NOBODYS_KEY if held.keys is None else held.keys.accepted(self._now())
        return is_genuine(body, signature, keys) and held.keys is not None

    async def _store(self, view: ConnectionView, body: bytes, held: Held) -> Result:
        bill = view.settings.bill
        address = Address(view.connection, bill.organization, bill.budget)
        came = notification(body, address, held.fingerprint_key, self._now())
        messages = [outgoing(self._names, Topic.BILL_EVENTS, came.raw, delivered=_raw_is_there)]
        if came.notice is not None:
            messages.append(outgoing(self._names, Topic.BILL_READS, came.notice, delivered=_notice_is_there))
        reach("webhook-ingest.store.before")
        try:
            await self._deliveries.send(messages)
        except Full:
            return Result.BUSY
        except KafkaException:
            return Result.NOT_DURABLE
        reach("webhook-ingest.store.after")
        metrics.EVENTS.labels(came.about).inc()
        return Result.STORED


def _raw_is_there(_offset: int) -> None:
    reach("webhook-ingest.raw.after")


def _notice_is_there(_offset: int) -> None:
    reach("webhook-ingest.notice.after")
