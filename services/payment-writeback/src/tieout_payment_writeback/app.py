"""The wiring of payment-writeback: registry, secrets, ERPs, one runner per partition of the commands."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from tieout.connections.registry import Registry
from tieout.connections.secrets import SecretStore
from tieout.domain.settings import Side
from tieout.effects.consumer import CommandConsumer
from tieout.effects.healing import Healing
from tieout.effects.log import EffectsLog
from tieout.effects.messages import Scribe
from tieout.effects.order_work import OrderWork
from tieout.effects.protocol import Restored
from tieout.effects.resting import WaitingRoom
from tieout.effects.runtime import Runner
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout_payment_writeback.companies import Companies
from tieout_payment_writeback.settings import WritebackSettings

SERVICE: Final = "payment-writeback"
REGISTRY_TIMEOUT: Final = 60.0
CLOSE_TIMEOUT: Final = 10.0


class PaymentWriteback:
    """Built in the event loop; ``run`` blocks a thread of its own."""

    def __init__(self, settings: WritebackSettings, secrets: SecretStore, health: Health) -> None:
        self._settings = settings
        access, self._names = settings.kafka(), settings.names()
        self._registry = Registry(access, self._names)
        self._companies = Companies(self._registry, secrets)
        self._room = WaitingRoom(SERVICE, settings.pauses())
        self._logs: dict[int, EffectsLog] = {}
        self._loop = asyncio.get_running_loop()
        self._healing = Healing(
            self._registry,
            self._companies,
            self._log_of,
            Scribe(SERVICE, lambda: datetime.now(UTC)),
            Side.ERP,
            self._companies.answers,
            first_try=settings.erp_first_heal,
        )
        self._consumer = CommandConsumer(
            access,
            self._names,
            SERVICE,
            commands=Topic.ERP_COMMANDS,
            effects=Topic.ERP_EFFECTS,
            instance=settings.instance,
            new_runner=self._new_runner,
            loop=self._loop,
            closed=self._closed,
        )
        joined = self._consumer.joined
        health.probe("group", lambda: None if joined.is_set() else "the group has not told what is ours")
        health.probe("registry", self._registry.problem)
        health.probe("commands", self._consumer.halts.problem)

    def run(self) -> None:
        """Until ``stop``. The registry comes first: a command is judged by settings."""
        self._registry.start()
        self._registry.wait_ready(REGISTRY_TIMEOUT)
        try:
            self._consumer.run()
        finally:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(CLOSE_TIMEOUT)
            self._registry.stop()

    def stop(self) -> None:
        """Drain and return from ``run``."""
        self._consumer.stop()

    def _new_runner(self, partition: int, effects: EffectsLog, restored: Restored) -> Runner:  # noqa: ARG002 - the port
        self._logs[partition] = effects
        return Runner(
            SERVICE,
            effects,
            self._companies,
            self._settings.timings(),
            at_once=self._settings.orders_at_once,
            orders=OrderWork(self._companies, self._room),
        )

    async def _closed(self, partition: int) -> None:
        """A partition is not ours any more, with its connections and what is owed to them."""
        self._logs.pop(partition, None)
        self._healing.detach(self._is_ours)
        self._companies.detach(frozenset(name for name in self._companies.open if self._is_ours(name)))

    def _is_ours(self, connection: str) -> bool:
        return self._names.partition_of(connection) in self._logs

    def _log_of(self, connection: str) -> EffectsLog | None:
        return self._logs.get(self._names.partition_of(connection))

    async def _close(self) -> None:
        await self._healing.close()
        await self._companies.close()
