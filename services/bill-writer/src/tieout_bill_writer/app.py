"""The wiring of bill-writer: registry, secrets, budgets, one runner per partition of the commands."""

import asyncio
import threading

from tieout.connections.registry import Registry
from tieout.connections.secrets import SecretStore
from tieout.effects.budget import CALLS, LOGINS
from tieout.effects.consumer import CommandConsumer
from tieout.effects.log import EffectsLog
from tieout.effects.protocol import Restored
from tieout.effects.runtime import Runner
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout_bill_writer.healing import Healing
from tieout_bill_writer.meters import Meters
from tieout_bill_writer.organizations import Organizations
from tieout_bill_writer.settings import BillWriterSettings

SERVICE = "bill-writer"
REGISTRY_TIMEOUT = 60.0


class BillWriter:
    """Built in the event loop; ``run`` blocks a thread of its own."""

    def __init__(self, settings: BillWriterSettings, secrets: SecretStore, health: Health) -> None:
        self._settings = settings
        names = settings.names()
        limits = {CALLS: settings.calls_per_hour, LOGINS: settings.logins_per_hour}
        self._names = names
        self._registry = Registry(settings.kafka(), names)
        self._meters = Meters(SERVICE, names, limits)
        self._organizations = Organizations(self._registry, secrets, self._meters, timeout=settings.bill_http_timeout)
        self._healing = Healing(self._registry, self._organizations, self._log_of)
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._consumer = CommandConsumer(
            settings.kafka(),
            names,
            SERVICE,
            commands=Topic.BILL_COMMANDS,
            effects=Topic.BILL_EFFECTS,
            instance=settings.instance,
            new_runner=self._new_runner,
            loop=self._loop,
        )
        health.probe("partitions", lambda: None if self._consumer.owned else "no partition is assigned yet")
        health.probe("registry", self._registry.problem)

    def run(self) -> None:
        """Until ``stop``. The registry comes first: a command is judged by settings."""
        self._registry.start()
        self._registry.wait_ready(REGISTRY_TIMEOUT)
        try:
            self._consumer.run()
        finally:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
            self._registry.stop()

    def stop(self) -> None:
        """Drain and return from ``run``."""
        self._consumer.stop()

    def _new_runner(self, partition: int, effects: EffectsLog, restored: Restored) -> Runner:
        self._meters.attach(partition, effects, restored)
        return Runner(SERVICE, effects, self._organizations, self._settings.timings())

    def _log_of(self, budget: str) -> EffectsLog | None:
        owned = self._consumer.owned.get(self._names.partition_of(budget))
        return None if owned is None else owned.effects

    async def _close(self) -> None:
        await self._healing.close()
        await self._organizations.close()
