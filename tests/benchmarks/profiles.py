"""Where the time goes in what is measured: shares of a profile by part.

The profiler makes calls dearer than they are, so what is many small calls of Python looks larger than it is; the order
of the parts is what it shows.
"""

import asyncio
import cProfile
import pstats
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from benchmarks import webhook
from benchmarks.callers import call
from benchmarks.company import Company, mix
from benchmarks.servers import Servers
from tieout.connections.registry import ConnectionView
from tieout.connections.webhook_keys import WebhookKeys
from tieout.events.envelope import Headers, Message, Payload, encode
from tieout.log.loop import BATCH
from tieout.log.rows import BatchRows, RowStore
from tieout.log.topics import Names
from tieout_decider.deciding import Decider
from tieout_webhook_ingest.deliveries import Deliveries
from tieout_webhook_ingest.keyring import Held, Keyring
from tieout_webhook_ingest.server import Gate, Ingest

PATIENCE: Final = 60.0

Parts = Mapping[str, tuple[str, ...]]
# Of a function's own time; the first part whose word is in the path or the name of a function has it.
DECIDER: Final[Parts] = {
    "pydantic: parse, check, copy, dump": ("pydantic", "/copy.py"),
    "JSON of rows and contents, hashes, marks": ("/json/", "hashlib", "identity.py", "base64", "hmac.py"),
    "rows: RocksDB and this batch's": ("/log/rows.py", "Rdict", "rocksdict", "WriteBatch"),
    "envelopes: headers in and out": ("envelope.py", "outgoing.py", "deciding.py", "topics.py"),
    "the rules of decide": ("/decide/",),
    "money and records": ("/domain/",),
}
WEBHOOK: Final[Parts] = {
    "the signature": ("signature.py", "hmac", "hashlib", "base64"),
    "pydantic: check, dump": ("pydantic",),
    "handing over to Kafka": ("Producer", "deliveries.py"),
    "JSON, and what must not be kept": ("/json/", "/wire/", "notification.py"),
    "envelopes: ids and headers": ("/events/", "outgoing.py", "topics.py"),
    "the handler: limits, keys, counting": ("tieout_webhook_ingest", "prometheus_client", "timeouts.py"),
    "aiohttp and the event loop": ("aiohttp", "asyncio", "select", "socket", "multidict", "yarl"),
}
REST: Final = "all else: strings, dictionaries, the interpreter"


class Read:
    """A message as the consumer hands it over."""

    def __init__(self, headers: Headers, value: bytes, offset: int) -> None:
        self._headers, self._value, self._offset = headers, value, offset

    def headers(self) -> Headers:
        """As read."""
        return self._headers

    def value(self) -> bytes:
        """As read."""
        return self._value

    def offset(self) -> int:
        """Its place."""
        return self._offset

    def topic(self) -> str:
        """Where from."""
        return "sync.facts"


def measure(servers: Servers, facts: int = 2_000, seconds: float = 2.0) -> dict[str, dict[str, float]]:
    """Shares by part."""
    return {
        "the decider, without Kafka": shares(decider(facts), DECIDER),
        "webhook-ingest's event loop": shares(webhook_ingest(servers, seconds), WEBHOOK),
    }


def decider(count: int) -> cProfile.Profile:
    """Batches of the fixed mix, from messages that were read to messages to be produced."""
    companies = [Company(f"acme{number}", 10, 26) for number in range(max(1, count // 250))]
    known = [fact for company in companies for fact in company.facts]
    deciding = Decider(Names("bench", 1))
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        store = RowStore(Path(folder))
        _run(deciding, store, known)
        facts = mix(companies, count)
        profile.enable()
        _run(deciding, store, facts)
        profile.disable()
        store.close()
    return profile


def _run(deciding: Decider, store: RowStore, facts: Sequence[Message[Payload]]) -> None:
    read: list[Any] = [Read(*encode(fact), offset) for offset, fact in enumerate(facts)]
    for start in range(0, len(read), BATCH):
        rows = BatchRows(store)
        deciding.process(0, read[start : start + BATCH], rows)
        store.apply(rows.new.items())


def webhook_ingest(servers: Servers, seconds: float) -> cProfile.Profile:
    """The service's handler in a thread of its own, on its own processor time, with its producer on the real broker."""
    names = servers.topics(2)
    profile = cProfile.Profile(time.thread_time)
    ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        deliveries = Deliveries(servers.access, PATIENCE, failure.set_result)
        deliveries.start()
        keyring = Keyring(lambda _connection: Held(WebhookKeys(current=webhook.KEY)))
        gate = Gate(1_000, 64 * 1024 * 1024)
        ingest = Ingest(names, OneConnection(), keyring, deliveries, gate=gate, within=PATIENCE)
        runner = web.AppRunner(ingest.app(), access_log=None, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stopped = asyncio.Event()
        ready.set_result((runner.addresses[0][1], asyncio.get_running_loop(), stopped))
        await stopped.wait()
        profile.disable()
        await runner.cleanup()
        keyring.close()
        await asyncio.to_thread(deliveries.stop)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    port, loop, stopped = ready.result(PATIENCE)
    try:
        calls = webhook.requests(500)
        # The first answers wait until the producer has found the topics' leaders.
        asyncio.run(call(port, calls, 64, seconds / 4))
        # In the server's thread: a profile is of the thread that begins it.
        loop.call_soon_threadsafe(profile.enable)
        asyncio.run(call(port, calls, 64, seconds))
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(PATIENCE)
    return profile


class OneConnection:
    """A registry that knows the one connection."""

    def __init__(self) -> None:
        self._view = ConnectionView(webhook.ADDRESS.connection, 1, webhook.settings(), {})

    def get(self, connection: str) -> ConnectionView | None:
        """The connection."""
        return self._view if connection == self._view.connection else None


def shares(profile: cProfile.Profile, parts: Parts) -> dict[str, float]:
    """Each part's share of the time, the largest first."""
    own: Counter[str] = Counter()
    for (path, _line, name), (_, _, seconds, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        place = f"{path}:{name}"
        part = next((part for part, words in parts.items() if any(word in place for word in words)), REST)
        own[part] += seconds
    whole = sum(own.values())
    return {part: seconds / whole for part, seconds in own.most_common()}
