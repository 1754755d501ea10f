"""One partition, one outside, one process: the stage of the stories about single commands."""

import random
from typing import Any

from support.fake_effects import FakeConnections, FakeEffect, Outside, Part, Process, names, until
from tieout.effects.port import Done
from tieout.events.facts import Result


class World:
    """One partition, one outside without faults, one process."""

    def __init__(self, make: Any = None, *, latency: tuple[float, float] = (0.1, 0.2), lag: float = 0.0) -> None:
        self.part = Part()
        rng = random.Random(1)  # noqa: S311 - to be repeated
        self.outside = Outside(rng, latency=latency, lag=lag)
        self.connections = FakeConnections(self.outside)
        if make is not None:
            self.connections.make = make
        self.process = Process(self.part, self.connections)

    async def carried_out(self, *messages: Any, seconds: float = 600) -> list[str]:
        """Ask for them and wait for their ends; all results in their order."""
        for message in messages:
            self.part.ask(message)
        await until(lambda: self.all_ended(messages), seconds)
        return names(self.part.outcomes())

    def all_ended(self, messages: Any) -> bool:
        """Whether each has a final outcome."""
        final = {fact.command for fact in self.part.outcomes() if fact.result is not Result.IN_DOUBT}
        return all(message.id in final for message in messages)


def made(**methods: Any) -> Any:
    """A kind of effect that differs from the usual one by some methods or attributes."""
    return type("Made", (FakeEffect,), methods)


def failing(error: Exception, times: int = 1) -> Any:
    """A method that fails so often and then does what it should."""
    left = [times]

    async def perform(self: FakeEffect, deadline: float) -> Done:
        if left[0]:
            left[0] -= 1
            raise error
        return await FakeEffect.perform(self, deadline)

    return perform
