"""Questions to the services that own a side: does it answer (check), read it now (sync)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from confluent_kafka import KafkaException

from tieout.connections.registry import ConnectionView
from tieout.domain.records import Kind
from tieout.domain.settings import Side, State
from tieout.events.requests import CheckAsked, CheckLine, CheckStatus, SnapshotAsked, SyncAsked
from tieout.events.snapshots import Incomplete, Snapshot
from tieout.log.produce import Outgoing, PlainProducer
from tieout.log.topics import Names, Topic
from tieout.observability.crash_points import reach
from tieout_control_plane.answers import Answers
from tieout_control_plane.log_writer import LogUnavailable
from tieout_control_plane.messages import request
from tieout_control_plane.metrics import UNANSWERED

OWNERS: Final[dict[Side, tuple[Topic, str]]] = {
    Side.BILL: (Topic.BILL_READS, "bill-writer"),
    Side.ERP: (Topic.ERP_POLLS, "erp-poller"),
}
"""Who answers for a side, and where it is asked."""

# The owner's answer has to travel back before we stop waiting for it.
TRAVEL_SECONDS: Final = 2.0
# A wish to synchronize that nobody has taken up after an hour is not what its author still wants.
SYNC_SECONDS: Final = 3600.0


class NotNow(Exception):
    """The connection's state does not allow it; the text says which would."""


class NoSnapshot(Exception):
    """A side could not be read; ``line`` says why, and the cure."""

    def __init__(self, side: Side, line: CheckLine) -> None:
        super().__init__(f"{side.upper()}: {line.detail}")
        self.line = line


class Asking:
    """Asks over the log. ``answers`` must have been started."""

    def __init__(self, names: Names, answers: Answers, producer: PlainProducer) -> None:
        self._names = names
        self._answers = answers
        self._producer = producer

    async def check(self, view: ConnectionView, seconds: float) -> dict[Side, tuple[CheckLine, ...]]:
        """What both sides' owners found; a side without an answer in time gets a failed line that says so.

        Raises:
            NotNow: the connection is retired.
            LogUnavailable: the question could not be asked.
        """
        if view.settings.state is State.RETIRED:
            raise NotNow("a retired connection is not read any more")
        found = await asyncio.gather(*(self._check(view, side, seconds) for side in Side))
        return dict(zip(Side, found, strict=True))

    async def snapshot(
        self, view: ConnectionView, side: Side, since: date, seconds: float, bills: Sequence[str] = ()
    ) -> Snapshot:
        """What a tie-out compares of one side; with ``bills`` only those of BILL.

        Raises:
            NoSnapshot: the owner refused, or did not answer; says why.
            LogUnavailable: the question could not be asked.
        """
        topic, owner = OWNERS[side]
        now = datetime.now(UTC)
        accounts = view.settings.accounts
        data = SnapshotAsked(
            connection=view.connection,
            side=side,
            generation=view.generation,
            since=since,
            deadline=now + timedelta(seconds=max(1.0, seconds - TRAVEL_SECONDS)),
            control=accounts.control if side is Side.ERP else (),
            clearing=accounts.clearing if side is Side.ERP else "",
            sources=tuple(filter(None, (accounts.cards, accounts.wallet))) if side is Side.ERP else (),
            bills=tuple(bills),
        )
        key = view.settings.bill.budget if side is Side.BILL else view.connection
        question, message = request(self._names, topic, view.connection, key, data, now)
        answer = self._answers.expect_snapshot(question)
        try:
            await self._send("snapshot", message)
            return await asyncio.wait_for(answer, seconds)
        except Incomplete as error:
            raise NoSnapshot(side, error.line) from error
        except TimeoutError:
            UNANSWERED.labels(side).inc()
            cure = f"Is {owner} running, and ready? It answers for this side."
            line = _failed("answer", f"{owner} did not answer within {seconds:.0f} s", cure, "no_answer")
            raise NoSnapshot(side, line) from None
        finally:
            answer.cancel()

    async def sync(self, view: ConnectionView, kinds: Sequence[Kind]) -> str:
        """Have the ERP read now; returns the request's id. Raises NotNow, LogUnavailable."""
        if view.settings.state is not State.ACTIVE:
            raise NotNow(
                f"it is {view.settings.state}; only an active connection is synchronized: tieout connections resume"
            )
        now = datetime.now(UTC)
        data = SyncAsked(
            connection=view.connection,
            generation=view.generation,
            kinds=tuple(kinds),
            deadline=now + timedelta(seconds=SYNC_SECONDS),
        )
        question, message = request(self._names, Topic.ERP_POLLS, view.connection, view.connection, data, now)
        await self._send("sync", message)
        return question

    async def _check(self, view: ConnectionView, side: Side, seconds: float) -> tuple[CheckLine, ...]:
        topic, owner = OWNERS[side]
        version = view.secret_version(side)
        if version == 0:
            cure = f"tieout connections secret set {view.connection} {side}"
            return (_failed("credentials", "none were given", cure, "no_credentials"),)
        now = datetime.now(UTC)
        data = CheckAsked(
            connection=view.connection,
            side=side,
            generation=view.generation,
            secret_version=version,
            deadline=now + timedelta(seconds=max(1.0, seconds - TRAVEL_SECONDS)),
        )
        key = view.settings.bill.budget if side is Side.BILL else view.connection
        question, message = request(self._names, topic, view.connection, key, data, now)
        answer = self._answers.expect(question)
        try:
            await self._send("check", message)
            return (await asyncio.wait_for(answer, seconds)).lines
        except TimeoutError:
            UNANSWERED.labels(side).inc()
            cure = f"Is {owner} running, and ready? It answers for this side."
            return (_failed("answer", f"{owner} did not answer within {seconds:.0f} s", cure, "no_answer"),)
        finally:
            answer.cancel()

    async def _send(self, what: str, message: Outgoing) -> None:
        reach(f"control-plane.{what}.before")
        try:
            await self._producer.send([message])
        except KafkaException as error:
            raise LogUnavailable(f"Kafka did not take the question: {error.args[0]}") from error
        reach(f"control-plane.{what}.after")


def _failed(name: str, detail: str, cure: str, code: str) -> CheckLine:
    return CheckLine(name=name, status=CheckStatus.FAILED, detail=detail, cure=cure, code=code)
