"""webhook-ingest as a process, beside a bare aiohttp POST and beside produce-and-wait alone.

Ours verifies the signature, and answers 200 once Kafka has both messages on all replicas. Produce-and-wait hands the
same two messages of a notification to the same producer, from as many places at once, and waits for them.
"""

import asyncio
import itertools
import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.callers import Tally, call
from benchmarks.measuring import Goal, Pair
from benchmarks.servers import Servers
from support.installation import Installation, eventually, installation
from tieout.connections.documents import establish_key
from tieout.connections.webhook_keys import WebhookKeys, write_keys
from tieout.domain.settings import ConnectionSettings
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing
from tieout.log.topics import Topic
from tieout_connectors.bill.signature import HEADER, sign
from tieout_devstack import processes
from tieout_devstack.ports import free_port
from tieout_webhook_ingest.deliveries import Deliveries
from tieout_webhook_ingest.notification import Address, notification

RATE_GOAL: Final = 0.40
P99_GOAL: Final = 3.0
TESTS: Final = Path(__file__).parents[1]
BODY: Final[dict[str, Any]] = json.loads((TESTS / "fixtures/bill/webhook.bill.updated.json").read_text())
ADDRESS: Final = Address("acme", BODY["metadata"]["organizationId"], "acme")
KEY: Final = "a key of the benchmark"
READY: Final = 60.0


@dataclass(frozen=True)
class Size:
    """``connections`` post at the same time, for ``seconds`` in each of ``rounds``."""

    rounds: int = 5
    seconds: float = 2.0
    connections: int = 64
    bodies: int = 2_000


def measure(servers: Servers, size: Size) -> list[Goal]:
    """All three in turn."""
    calls = requests(size.bodies)
    rates, slowest = [], []
    with _both(servers) as (made, port, bare_port):
        messages = [_messages(made, _body(number)) for number in range(200)]
        for number in range(size.rounds + 1):
            alone = asyncio.run(_produced(made, messages, size.connections, size.seconds))
            ours = asyncio.run(call(port, calls, size.connections, size.seconds))
            bare = asyncio.run(call(bare_port, calls, size.connections, size.seconds))
            if number > 0:  # the first round opens connections, reads keys and warms caches
                rates.append(Pair(ours.rate, bare.rate))
                slowest.append(Pair(ours.p99, alone.p99))
    notes = {"connections": size.connections}
    return [
        Goal("webhook, verified and durable / bare aiohttp POST", "requests/s", tuple(rates), RATE_GOAL, notes=notes),
        Goal("webhook's p99 / produce-and-wait's p99", "s", tuple(slowest), P99_GOAL, "at most", notes=notes),
    ]


def settings() -> ConnectionSettings:
    """The connection that the notifications are for."""
    return ConnectionSettings.model_validate(
        {
            "connection": ADDRESS.connection,
            "state": "active",
            "erp": {"kind": "business-central", "tenant": "contoso.example", "company": "CRONUS"},
            "bill": {"environment": "sandbox", "organization": ADDRESS.organization},
            "cutover": {"date": "2026-01-01"},
        }
    )


def requests(count: int) -> list[bytes]:
    """Whole requests, each a notification of its own, signed."""
    return [_request(_body(number)) for number in range(count)]


@contextmanager
def _both(servers: Servers) -> Iterator[tuple[Installation, int, int]]:
    """The installation of the service, the service's port, and the bare server's."""
    with (
        servers.database() as database,
        installation(servers.bootstrap, database, servers.name(), servers.folder) as made,
        _bare(servers) as bare_port,
    ):
        yield made, _started(made), bare_port


def _started(made: Installation) -> int:
    """The service, with a connection and its key, ready."""
    made.apply(settings())
    establish_key(made.secrets, ADDRESS.connection)
    write_keys(made.secrets, ADDRESS.connection, WebhookKeys(current=KEY))
    port, health = free_port(), free_port()
    process = made.start("tieout_webhook_ingest", listen_port=str(port), http_port=str(health), tls_ends_before="true")
    process.wait_ready(f"http://127.0.0.1:{health}/readyz", seconds=READY)
    return port


@contextmanager
def _bare(servers: Servers) -> Iterator[int]:
    port = free_port()
    process = processes.start(
        "bare-post",
        [sys.executable, "-m", "benchmarks.bare_post", str(port)],
        log=servers.folder / "bare-post.log",
        env={"PYTHONPATH": str(TESTS)},
        pid_file=servers.folder / f"bare-post{processes.PID_SUFFIX}",
    )
    try:
        eventually(lambda: _listens(port), seconds=READY, what="the bare server")
        yield port
    finally:
        process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


async def _produced(made: Installation, messages: list[list[Outgoing]], places: int, seconds: float) -> Tally:
    """Produce and wait, from so many places at once."""
    failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    deliveries = Deliveries(made.access, 7.0, failure.set_result)
    deliveries.start()
    tally = Tally()
    endless = itertools.cycle(messages)
    began = time.perf_counter()

    async def place() -> None:
        while (now := time.perf_counter()) < began + seconds:
            await deliveries.send(next(endless))
            tally.seconds.append(time.perf_counter() - now)

    await asyncio.gather(*(place() for _ in range(places)))
    tally.elapsed = time.perf_counter() - began
    await asyncio.to_thread(deliveries.stop)
    return tally


def _body(number: int) -> bytes:
    document = BODY | {"metadata": BODY["metadata"] | {"eventId": f"e1b6-{number:08d}"}}
    return json.dumps(document, separators=(",", ":")).encode()


def _request(body: bytes) -> bytes:
    head = (
        f"POST /webhooks/bill/{ADDRESS.connection} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{HEADER}: {sign(body, KEY)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _messages(made: Installation, body: bytes) -> list[Outgoing]:
    came = notification(body, ADDRESS, None, datetime.now(UTC))
    assert came.notice is not None
    return [
        outgoing(made.names, Topic.BILL_EVENTS, came.raw),
        outgoing(made.names, Topic.BILL_READS, came.notice),
    ]
