"""The wiring of bill-writer: registry, secrets, budgets, reads, one runner per partition of the commands."""

import asyncio
from typing import Final

from tieout.connections.registry import Registry
from tieout.connections.secrets import SecretStore
from tieout.effects.consumer import CommandConsumer
from tieout.effects.log import EffectsLog
from tieout.effects.protocol import Restored
from tieout.effects.runtime import Runner
from tieout.events.requests import CheckAsked, NoticeSeen, SnapshotAsked
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout_bill_writer.checks import Checks
from tieout_bill_writer.healing import bill_healing
from tieout_bill_writer.incoming import Incoming
from tieout_bill_writer.meters import Meters
from tieout_bill_writer.opening import Opener
from tieout_bill_writer.organizations import Organizations
from tieout_bill_writer.reads import Reads
from tieout_bill_writer.settings import BillWriterSettings
from tieout_bill_writer.snapshots import Snapshots

SERVICE: Final = "bill-writer"
REGISTRY_TIMEOUT: Final = 60.0


class BillWriter:
    """Built in the event loop; ``run`` blocks a thread of its own."""

    def __init__(self, settings: BillWriterSettings, secrets: SecretStore, health: Health) -> None:
        self._settings = settings
        access, names = settings.kafka(), settings.names()
        self._names = names
        self._registry = Registry(access, names)
        self._meters = Meters(SERVICE, names, settings.limits(), timeout=settings.bill_http_timeout)
        opener = Opener(secrets, self._meters, access, names, settings.bill_http_timeout, settings.bill_document_slow)
        self._organizations = Organizations(self._registry, names, opener)
        self._healing = bill_healing(
            self._registry, self._organizations, self._log_of, first_try=settings.bill_first_heal
        )
        checks = Checks(SERVICE, self._registry, self._organizations, self._healing)
        self._incoming = Incoming(settings, secrets, self._registry, self._organizations)
        notices = self._incoming.notices
        snapshots = Snapshots(SERVICE, self._registry, self._organizations)
        self._reads = Reads(
            access,
            names,
            SERVICE,
            {CheckAsked: checks.handle, NoticeSeen: notices.handle, SnapshotAsked: snapshots.handle},
            patient=[NoticeSeen, SnapshotAsked],
        )
        self._logs: dict[int, EffectsLog] = {}
        self._loop = asyncio.get_running_loop()
        self._consumer = CommandConsumer(
            access,
            names,
            SERVICE,
            commands=Topic.BILL_COMMANDS,
            effects=Topic.BILL_EFFECTS,
            instance=settings.instance,
            new_runner=self._new_runner,
            loop=self._loop,
            closed=self._closed,
            guard=self._guard,
        )
        joined = self._consumer.joined
        health.probe("group", lambda: None if joined.is_set() else "the group has not told what is ours")
        health.probe("registry", self._registry.problem)
        health.probe("commands", self._consumer.halts.problem)

    def run(self) -> None:
        """Until ``stop``. The registry comes first: a command is judged by settings."""
        self._registry.start()
        self._registry.wait_ready(REGISTRY_TIMEOUT)
        self._reads.start()
        try:
            self._consumer.run()
        finally:
            self._reads.stop()
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
            self._registry.stop()

    def stop(self) -> None:
        """Drain and return from ``run``."""
        self._consumer.stop()

    def _new_runner(self, partition: int, effects: EffectsLog, restored: Restored) -> Runner:
        self._meters.attach(partition, effects, restored)
        self._logs[partition] = effects
        self._follow()
        return Runner(SERVICE, effects, self._organizations, self._settings.timings())

    async def _closed(self, partition: int) -> None:
        """A partition is not ours any more, with its budgets, their organizations and what is owed to them."""
        self._logs.pop(partition, None)
        self._follow()
        self._healing.detach(lambda key: self._names.partition_of(key) in self._logs)
        self._organizations.detach(partition)
        self._meters.detach(partition)

    def _follow(self) -> None:
        """What is read of BILL follows the budgets, like what is written."""
        self._reads.follow(self._logs)
        self._incoming.follow(self._logs)

    def _guard(self) -> None:
        self._reads.guard()
        self._incoming.guard()

    def _log_of(self, key: str) -> EffectsLog | None:
        return self._logs.get(self._names.partition_of(key))

    async def _close(self) -> None:
        await self._reads.close()
        await self._incoming.close()
        await self._healing.close()
        await self._organizations.close()
