"""Taking a partition over: what a predecessor left open is answered under the membership that gave it to us."""

import asyncio
from types import SimpleNamespace
from typing import Any

from tieout.effects.consumer import CommandConsumer, _Opened
from tieout.effects.runtime import Runner
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic


class Member:
    """A consumer right after the group has answered it, as a rebalance callback sees it."""

    def __init__(self) -> None:
        self.assigned: list[Any] = []

    def consumer_group_metadata(self) -> str:
        """The membership of now."""
        return "member of generation 7"

    def incremental_assign(self, places: list[Any]) -> None:
        """Noted."""
        self.assigned.append(places)

    def resume(self, places: list[Any]) -> None:
        """Nothing is paused."""


async def test_a_takeover_commits_with_the_membership_it_got_its_partition_by() -> None:
    """A doubt found at the start may be written before the first `consume` returns: it has the group's metadata."""
    seen: list[object] = []

    def runner(*_opened: object) -> Runner:
        raise AssertionError("no partition is opened here")

    consumer = CommandConsumer(
        KafkaAccess(bootstrap="127.0.0.1:9"), Names("t", 1), "bill-writer", commands=Topic.BILL_COMMANDS,
        effects=Topic.BILL_EFFECTS, instance="", new_runner=runner, loop=asyncio.get_running_loop(),
    )  # fmt: skip

    def opening(_places: list[Any]) -> list[_Opened]:
        seen.append(consumer._metadata)
        return []

    vars(consumer)["_open"] = opening
    member: Any = Member()
    consumer._assigned(member, [SimpleNamespace(partition=0)])
    assert seen == ["member of generation 7"]
    assert member.assigned == [[]]
    assert consumer.joined.is_set()
    consumer._pool.shutdown()
    consumer._consumer.close()
