"""webhook-ingest as a process: its parts in order of start, and its stop."""

import asyncio
import os
import signal
import sys
from typing import Final

from aiohttp import web
from confluent_kafka import KafkaException

from tieout.connections.registry import Registry
from tieout.connections.secrets import SecretStore
from tieout.connections.starting import prepared
from tieout.log.admin import WrongTopics
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout.observability.logging import logger
from tieout_webhook_ingest.certificate import Certificate
from tieout_webhook_ingest.deliveries import Deliveries
from tieout_webhook_ingest.keyring import Keyring, StoredKeys
from tieout_webhook_ingest.server import Gate, Ingest
from tieout_webhook_ingest.settings import IngestSettings

log = logger(__name__)

EXIT_CRASHED: Final = 70
TOPICS: Final = (Topic.CONNECTIONS, Topic.BILL_EVENTS, Topic.BILL_READS)
# A connection without a request is closed after so long; BILL's notifications come in bursts.
IDLE_SECONDS: Final = 30.0
# The rest of a body that is refused is read for so long, so that its sender sees the answer.
LINGERING_SECONDS: Final = 2.0
# The thread that hears Kafka's answers competes with the event loop for the interpreter. With Python's 5 ms it waits as
# long as Kafka itself takes, and the slowest answers take twice as long.
SWITCH_SECONDS: Final = 0.000_5
# A burst of BILL's for all organizations arrives at once; what the queue does not hold is refused by the kernel.
BACKLOG: Final = 1024


async def serve(settings: IngestSettings, store: SecretStore, certificate: Certificate | None) -> int:
    """Run until SIGTERM or SIGINT; the answer is the process's exit code.

    Raises:
        WrongMasterKey, StoreNotReady: it must not start, and says why.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    health = Health()
    health.set("start", "starting")
    runner = await health.serve(settings.http_host, settings.http_port)
    registry = Registry(settings.kafka(), settings.names())
    try:
        await prepared(settings.kafka(), settings.names(), TOPICS, registry, store)
        health.probe("connections", registry.problem)
        return await _run(settings, registry, store, certificate, health, stopped)
    except (WrongTopics, TimeoutError, KafkaException) as error:
        log.critical("does not start", reason=str(error))
        return EXIT_CRASHED
    finally:
        registry.stop()
        await runner.cleanup()


async def _run(
    settings: IngestSettings,
    registry: Registry,
    store: SecretStore,
    certificate: Certificate | None,
    health: Health,
    stopped: asyncio.Event,
) -> int:
    failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    deliveries = Deliveries(settings.kafka(), settings.answer_within, failure.set_result)
    keyring = Keyring(StoredKeys(store))
    gate = Gate(settings.requests_at_once, settings.bytes_at_once)
    within = settings.answer_within
    ingest = Ingest(settings.names(), registry, keyring, deliveries, gate=gate, within=within)
    deliveries.start()
    runner = await _listen(settings, ingest, certificate)
    log.info("started", port=runner.addresses[0][1], pid=os.getpid(), tls=certificate is not None)
    health.set("start", None)
    waits: set[asyncio.Future[object]] = {asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(failure)}
    watching = None if certificate is None else asyncio.ensure_future(certificate.watch())
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    health.set("stopping", "the process was asked to stop" if stopped.is_set() else "the process failed")
    # No new connections from here on; what is in work is answered within its own deadline.
    await runner.cleanup()
    if watching is not None:
        watching.cancel()
    keyring.close()
    await asyncio.to_thread(deliveries.stop)
    if failure.done():
        log.critical("crashed", error=type(failure.result()).__name__, reason=str(failure.result()))
        return EXIT_CRASHED
    return 0


async def _listen(settings: IngestSettings, ingest: Ingest, certificate: Certificate | None) -> web.AppRunner:
    runner = web.AppRunner(
        ingest.app(),
        access_log=None,
        # The signature is over the bytes as they came, and nobody may send a megabyte that unpacks to a thousand.
        auto_decompress=False,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGERING_SECONDS,
        shutdown_timeout=settings.answer_within + 1,
    )
    await runner.setup()
    context = None if certificate is None else certificate.context
    site = web.TCPSite(runner, settings.listen_host, settings.listen_port, ssl_context=context, backlog=BACKLOG)
    await site.start()
    return runner
