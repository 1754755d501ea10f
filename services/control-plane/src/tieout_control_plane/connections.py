"""Connections as people change them: apply, move, secrets. One change at a time, each read back before the next."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from tieout.connections import credentials
from tieout.connections.documents import establish_key
from tieout.connections.registry import ConnectionView, Registry
from tieout.connections.secrets import Purpose, SecretStore
from tieout.domain.settings import ConnectionSettings, Side, State
from tieout.domain.settings_rules import Fault
from tieout.log.topics import Names
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger
from tieout_control_plane.log_writer import LogUnavailable, LogWriter
from tieout_control_plane.messages import connection_row, settings_fact
from tieout_control_plane.metrics import APPLIED
from tieout_control_plane.plan import Outcome, Refusal, Step, plan

# A committed row is readable within milliseconds; later than this the reader is stuck and its view must not be trusted.
READ_BACK_SECONDS: Final = 20.0
log = logger(__name__)


class Refused(Exception):
    """Nothing was applied; ``refusals`` has all the reasons."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("; ".join(f"{each.connection}: {each.fault.path} {each.fault.message}" for each in refusals))
        self.refusals = tuple(refusals)


class UnknownConnection(Exception):
    """There is no connection of that name."""


class WrongCredentials(Exception):
    """The given credentials are not what the side needs; ``problems`` are sentences without values."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Connections:
    """The connections of the installation; built on a registry that is ready and a producer that is open."""

    def __init__(self, registry: Registry, writer: LogWriter, secrets: SecretStore, names: Names) -> None:
        self._registry = registry
        self._writer = writer
        self._secrets = secrets
        self._names = names
        self._turn = asyncio.Lock()

    def all(self) -> tuple[ConnectionView, ...]:
        """All of them by name, retired ones too."""
        return self._registry.all()

    def get(self, connection: str) -> ConnectionView:
        """One of them. Raises UnknownConnection."""
        view = self._registry.get(connection)
        if view is None:
            raise UnknownConnection(connection)
        return view

    async def apply(self, wanted: Sequence[ConnectionSettings]) -> tuple[Step, ...]:
        """Make all of them as wanted, in one transaction; what is so already is left alone.

        Raises:
            Refused: nothing was applied.
            LogUnavailable, Superseded: see there.
        """
        async with self._turn:
            return await self._apply(wanted)

    async def move(self, connection: str, state: State) -> Step:
        """Pause, resume or retire. Raises UnknownConnection, and as ``apply`` does."""
        async with self._turn:
            settings = self.get(connection).settings.model_copy(update={"state": state})
            (step,) = await self._apply([settings])
            return step

    async def set_secret(self, connection: str, side: Side, values: Mapping[str, object]) -> int:
        """Store one side's credentials and tell the services; returns their version.

        Raises:
            UnknownConnection, WrongCredentials, Refused (it is retired), LogUnavailable, Superseded.
        """
        async with self._turn:
            view = self.get(connection)
            if view.settings.state is State.RETIRED:
                fault = Fault(("state",), "is retired, which is final", "a connection that is not retired")
                raise Refused([Refusal(connection, fault)])
            problems = credentials.problems(side, view.settings.erp.kind, values)
            if problems:
                raise WrongCredentials(problems)
            texts = {field: str(value) for field, value in values.items()}
            reach("control-plane.secret.store.before")
            version = await asyncio.to_thread(self._secrets.put, connection, side, Purpose.CREDENTIALS, texts)
            reach("control-plane.secret.store.after")
            await self._tell_versions(view)
            log.info("credentials set", connection=connection, side=side, version=version)
            return version

    async def reconcile(self) -> int:
        """After a start: tell versions of credentials that were stored but not told before. Returns how many."""
        async with self._turn:
            for view in self._registry.all():
                await asyncio.to_thread(establish_key, self._secrets, view.connection)
            told = [await self._tell_versions(view) for view in self._registry.all()]
            return sum(told)

    async def _apply(self, wanted: Sequence[ConnectionSettings]) -> tuple[Step, ...]:
        known = {view.connection: view for view in self._registry.all()}
        steps, refusals = plan(wanted, known)
        if refusals:
            raise Refused(refusals)
        changing = [step for step in steps if step.outcome is not Outcome.UNCHANGED]
        if not changing:
            return steps
        now = datetime.now(UTC)
        messages = []
        for step in changing:
            await asyncio.to_thread(establish_key, self._secrets, step.settings.connection)
            versions = await asyncio.to_thread(self._secrets.versions, step.settings.connection)
            messages.append(connection_row(self._names, step.settings, step.generation, versions, now))
            messages.append(settings_fact(self._names, step.settings, step.generation, now))
        await self._writer.commit("apply", messages)
        for step in steps:
            APPLIED.labels(step.outcome).inc()
        for step in changing:
            await self._read_back(step.settings.connection, _has_generation(step.generation))
            log.info(
                "connection applied",
                connection=step.settings.connection,
                state=step.settings.state,
                generation=step.generation,
                outcome=step.outcome,
            )
        return steps

    async def _tell_versions(self, view: ConnectionView) -> bool:
        versions = await asyncio.to_thread(self._secrets.versions, view.connection)
        if all(view.secret_version(side) == versions[side] for side in Side):
            return False
        row = connection_row(self._names, view.settings, view.generation, versions, datetime.now(UTC))
        await self._writer.commit("secret.tell", [row])
        await self._read_back(view.connection, _has_versions(versions))
        return True

    async def _read_back(self, connection: str, holds: Callable[[ConnectionView], bool]) -> None:
        found = await asyncio.to_thread(self._registry.wait_until, connection, holds, READ_BACK_SECONDS)
        if found is None:
            raise LogUnavailable(
                f"{connection} was written, but could not be read back; look at it before trying again"
            )


def _has_generation(generation: int) -> Callable[[ConnectionView], bool]:
    return lambda view: view.generation >= generation


def _has_versions(versions: Mapping[Side, int]) -> Callable[[ConnectionView], bool]:
    return lambda view: all(view.secret_version(side) == versions[side] for side in Side)
