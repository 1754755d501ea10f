"""The messages that control-plane writes, ready for their topics."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tieout.domain.settings import ConnectionSettings, Side
from tieout.events.catalogue import name_of
from tieout.events.connections import ConnectionApplied
from tieout.events.envelope import Message, Payload, time_text
from tieout.events.facts import HoldReleased, SettingsFact, TickFact
from tieout.events.identity import digest, fact_id, tick_id
from tieout.events.tie_outs import TieOutPart
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing
from tieout.log.topics import Names, Topic

SOURCE: Final = "/control-plane"


@dataclass(frozen=True)
class Written:
    """A message that is ready, and its id."""

    id: str
    outgoing: Outgoing


def connection_row(
    names: Names, settings: ConnectionSettings, generation: int, versions: Mapping[Side, int], now: datetime
) -> Outgoing:
    """The connection's row of ``connections``."""
    data = ConnectionApplied(generation=generation, settings=settings, secret_versions=dict(versions))
    told = [f"{side}={version}" for side, version in sorted(versions.items())]
    row_id = "n" + digest("connection", settings.connection, str(generation), *told)[:31]
    return outgoing(names, Topic.CONNECTIONS, _message(row_id, settings.connection, data, now))


def settings_fact(names: Names, settings: ConnectionSettings, generation: int, now: datetime) -> Outgoing:
    """The same settings as a fact, for the decider."""
    data = SettingsFact(generation=generation, settings=settings)
    fact = fact_id(settings.connection, "settings", str(generation))
    return outgoing(names, Topic.FACTS, _message(fact, settings.connection, data, now))


def tick(names: Names, connection: str, slot: datetime) -> Outgoing:
    """The beginning of a slot, as a fact of one connection."""
    fact = tick_id(connection, time_text(slot))
    return outgoing(names, Topic.FACTS, _message(fact, connection, TickFact(slot=slot), slot))


def hold_released(names: Names, connection: str, held: str, data: HoldReleased, now: datetime) -> Written:
    """A release as a fact. ``held`` is the fact that led to the hold: a second click of one person is the same fact."""
    version = f"{held}/{data.reason}/{data.person}/{data.choice}"
    fact = fact_id(connection, f"hold/{data.link}", version)
    return Written(fact, outgoing(names, Topic.FACTS, _message(fact, connection, data, now, subject=data.link)))


def tie_out_part(names: Names, data: TieOutPart) -> Outgoing:
    """A part of a finished tie-out."""
    part = "n" + digest("tie-out", data.connection, data.run, str(data.number))[:31]
    return outgoing(names, Topic.TIE_OUTS, _message(part, data.connection, data, data.taken, subject=data.run))


def request(
    names: Names, topic: Topic, connection: str, key: str, data: Payload, now: datetime
) -> tuple[str, Outgoing]:
    """A question to a side's owner, and its id. ``key`` is the connection, or the budget on ``bill.reads``."""
    question = "q" + uuid.uuid4().hex[:31]
    return question, outgoing(names, topic, _message(question, connection, data, now, key))


def _message(
    message_id: str, connection: str, data: Payload, time: datetime, key: str = "", subject: str = ""
) -> Message[Payload]:
    return Message(
        id=message_id,
        source=SOURCE,
        type=name_of(data),
        subject=subject or connection,
        time=time,
        partitionkey=key or connection,
        data=data,
        correlationid=subject or connection,
    )
