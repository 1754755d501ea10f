"""What the commands of one partition share while they are carried out."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from tieout.domain.errors import RecoveryError, Reject
from tieout.effects.book import Book
from tieout.effects.lanes import Lanes, Turns
from tieout.effects.port import Connections, Effect, UnknownEffect
from tieout.effects.protocol import Timings
from tieout.events.commands import CommandFrame
from tieout.log.produce import Fenced
from tieout.observability.logging import logger

log = logger(__name__)

T = TypeVar("T")


@dataclass
class Desk:
    """The shared parts.

    ``calling`` are the tasks between their intent and what is written of its answer, ``resting`` counts the commands
    that wait for somebody outside.
    """

    service: str
    book: Book
    connections: Connections
    timings: Timings
    clock: Callable[[], datetime]
    turns: Turns
    lanes: Lanes = field(default_factory=Lanes)
    calling: set["asyncio.Task[object]"] = field(default_factory=set)
    draining: bool = False
    resting: int = 0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around an intent, its call and the record of its answer: a drain waits for that and for nothing else."""
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("a call is made in a task")
        self.calling.add(task)
        try:
            yield
        finally:
            self.calling.discard(task)
            if self.draining:
                task.cancel()

    @contextmanager
    def rest(self) -> Iterator[None]:
        """While a command waits for somebody outside: it costs nothing, so it keeps nobody else from being taken up."""
        self.resting += 1
        try:
            yield
        finally:
            self.resting -= 1

    async def effect(self, command: CommandFrame, before: Effect | None) -> Effect:
        """The effect as of today's settings and credentials: the one from before if it still is."""
        if before is not None and self.connections.is_current(before):
            return before
        return await sound(self.connections.effect(command), Reject)


async def sound(work: Awaitable[T], otherwise: type[RecoveryError]) -> T:
    """The result of an effect's method; a defect in it becomes an error of recovery, so that it stops one command only.

    Without this one odd record would end the process again and again, and with it everybody else's commands.
    """
    try:
        return await work
    except (RecoveryError, Fenced, UnknownEffect):
        raise
    except Exception as error:  # logged with its trace, and raised as an error of recovery
        # A defect of ours in one record: told apart by `otherwise`, so that a write stays in doubt and is looked up.
        log.exception("defect in an effect", error=type(error).__name__)
        reason = f"{type(error).__name__} in Tieout; the service's log has the trace"
        raise otherwise(reason, code="defect", cure="Report this with the log's trace.") from error
