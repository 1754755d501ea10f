"""Of two processes with one transactional.id only the later one writes, whatever the earlier one still has to say."""

import pytest

from support.installation import Installation
from tieout.events.facts import SideFact
from tieout.log.outgoing import outgoing
from tieout.log.produce import Fenced, Outgoing, TransactionalProducer
from tieout.log.topics import Topic


def test_a_superseded_producer_is_told_so_and_never_writes_again(made: Installation) -> None:
    """Its transaction is refused as fenced, the next one too, and nobody ever reads a word of it."""
    identity = made.names.transactional_id("twice")
    first, second = TransactionalProducer(made.access, identity), TransactionalProducer(made.access, identity)
    first.open()
    first.commit([saying(made, "before")])
    second.open()
    for _ in range(2):
        with pytest.raises(Fenced):
            first.commit([saying(made, "after")])
    second.commit([saying(made, "successor")])
    assert [message.id for message in made.read(Topic.FACTS)] == ["before", "successor"]
    first.close()
    second.close()


def saying(made: Installation, identity: str) -> Outgoing:
    """A message that is recognized by its id."""
    return outgoing(made.names, Topic.FACTS, made.message("acme", SideFact(side="bill", healed=True), identity))
