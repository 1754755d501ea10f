"""The faust stage: both raw topics in, ``sync.facts`` out, acknowledged once delivered.

faust 0.15.3 loses events outside of exactly this shape, so nothing here is a matter of taste: no table, at least once,
``noack_take``, one agent instance, the futures of all sends awaited (``flush`` is no barrier), acknowledgement in the
order of offsets with no await between, the guard, and every error ends the process with nothing of its batch committed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import faust
from aiokafka.structs import RecordMetadata

from tieout.events.envelope import encode
from tieout.log.topics import MESSAGE_LIMIT, Names, Topic
from tieout.observability.crash_points import reach
from tieout_fact_mapper import metrics
from tieout_fact_mapper.access import credentials
from tieout_fact_mapper.guard import Contiguity, Spot
from tieout_fact_mapper.mapping import Place, UnreadableMessage, map_message
from tieout_fact_mapper.settings import MapperSettings

# Larger batches gain nothing (faust's own work per event is the ceiling) and repeat more after a kill.
BATCH: Final = 500
# How long the first event of a batch waits for others, in seconds: seen by a user as delay of a single change.
WITHIN: Final = 0.05
# Broker timings of static membership: a restart within the session keeps its partitions.
SESSION_SECONDS: Final = 10.0
HEARTBEAT_SECONDS: Final = 3.0
# Repeated at most after a kill; each commit is one request.
COMMIT_SECONDS: Final = 1.0

RAW_TOPICS: Final = (Topic.ERP_CHANGES, Topic.BILL_EVENTS)
Crash = Callable[[BaseException], None]


def make_app(settings: MapperSettings) -> faust.App:
    """The faust app in the one configuration that held under kill tests."""
    names = settings.names()
    settings.work_folder.parent.mkdir(parents=True, exist_ok=True)
    return faust.App(
        names.group("fact-mapper"),
        broker=[f"aiokafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
        broker_credentials=credentials(settings.kafka()),
        datadir=str(settings.work_folder),
        store="memory://",
        processing_guarantee="at_least_once",
        agent_supervisor="mode.CrashingSupervisor",
        stream_wait_empty=False,
        stream_recovery_delay=0,
        stream_buffer_maxsize=2 * BATCH,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_group_instance_id=settings.instance or None,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=2 * MESSAGE_LIMIT,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_max_poll_records=BATCH,
        broker_commit_interval=COMMIT_SECONDS,
        producer_acks=-1,
        producer_max_request_size=MESSAGE_LIMIT,
        worker_redirect_stdouts=False,
    )


class Stage:
    """The agent of the app. ``lock`` is held while a batch is on its way, so that a stop waits for its end."""

    def __init__(self, app: faust.App, names: Names, crash: Crash) -> None:
        self._app = app
        self._names = names
        self._crash = crash
        self._guard = Contiguity()
        self.lock = asyncio.Lock()
        self.last_batch = time.monotonic()
        raw = app.topic(
            *(names.topic(topic) for topic in RAW_TOPICS), key_serializer="raw", value_serializer="raw", internal=False
        )
        self._agent = app.agent(raw, name="fact-mapper", concurrency=1)(self._map_all)

    async def _map_all(self, stream: Any) -> None:
        async for events in stream.noack().noack_take(BATCH, WITHIN):
            try:
                async with self.lock:
                    await self._map(events)
            except Exception as error:  # noqa: BLE001 - the process ends here: stock faust would go on and lose the batch
                self._crash(error)

    async def _map(self, events: Sequence[Any]) -> None:
        began = time.perf_counter()
        generation = self._app.consumer_generation_id
        current = [event for event in events if event.message.generation_id == generation]
        sends: list[Awaitable[RecordMetadata]] = []
        types: list[str] = []
        reach("fact-mapper.facts.before")
        for event in current:
            sends += await self._send_facts_of(event.message, generation, types)
        await asyncio.gather(*sends)
        reach("fact-mapper.facts.after")
        reach("fact-mapper.ack.before")
        # A batch of an assignment that has ended is read again by whoever has the partition now.
        if self._app.consumer_generation_id == generation:
            for event in current:
                event.ack()
        reach("fact-mapper.ack.after")
        self.last_batch = time.monotonic()
        metrics.BATCH_SECONDS.observe(time.perf_counter() - began)
        for type_name in types:
            metrics.MAPPED.labels(type_name).inc()
        for event in current:
            metrics.READ.labels(event.message.topic).inc()

    async def _send_facts_of(self, message: Any, generation: int, types: list[str]) -> list[Awaitable[RecordMetadata]]:
        spot = Spot(message.topic, message.partition)
        self._guard.expect(generation, spot, message.offset, self._committed(message.tp))
        place = Place(message.topic, message.partition, message.offset)
        try:
            facts = map_message(message.headers, message.value, place)
        except UnreadableMessage as error:
            raise Unreadably(place, error) from error
        sends = []
        for fact in facts:
            headers, value = encode(fact)
            types.append(fact.type)
            sends.append(
                await self._app.producer.send(
                    self._names.topic(Topic.FACTS),
                    fact.partitionkey.encode(),
                    value,
                    self._names.partition_of(fact.partitionkey),
                    None,
                    headers,
                )
            )
        return sends

    def _committed(self, tp: Any) -> int:
        """The partition's committed offset. Private in faust: its version is pinned, and the guard's test covers it."""
        return self._app.consumer._committed_offset[tp] or 0  # noqa: SLF001

    def lag(self) -> dict[str, int]:
        """Messages not mapped yet per topic, for the partitions held now."""
        behind = dict.fromkeys((self._names.topic(topic) for topic in RAW_TOPICS), 0)
        consumer = self._app.consumer
        for tp in consumer.assignment():
            due = self._guard.due().get(Spot(tp.topic, tp.partition), self._committed(tp))
            behind[tp.topic] += max(0, (consumer.highwater(tp) or 0) - due)
        return behind


class Unreadably(Exception):
    """A message of ours that this release cannot read, and where it stands."""

    def __init__(self, place: Place, cause: UnreadableMessage) -> None:
        super().__init__(f"{place.topic}/{place.partition} offset {place.offset}: {cause}")
        self.place = place
