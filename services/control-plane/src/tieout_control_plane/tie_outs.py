"""A tie-out from the question to the stored run: both sides asked, links read, compared, written to the log."""

import asyncio
import gzip
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from confluent_kafka import KafkaException
from sqlalchemy import Engine

from tieout.connections.registry import ConnectionView
from tieout.domain.settings import Side, State
from tieout.events.identity import digest
from tieout.events.snapshots import Snapshot
from tieout.events.tie_outs import TieOutPart
from tieout.log.topics import Names
from tieout.observability.logging import logger
from tieout.tie_out.comparing import changed, compare
from tieout.tie_out.inputs import BillSide, ErpSide, Inputs, Scope
from tieout.tie_out.results import Result
from tieout_control_plane.asking import Asking, NotNow
from tieout_control_plane.log_writer import LogUnavailable, LogWriter
from tieout_control_plane.messages import tie_out_part
from tieout_control_plane.metrics import COMPARED
from tieout_control_plane.projection.beliefs import beliefs
from tieout_control_plane.projection.projector import Projector
from tieout_control_plane.projection.stored import Stored, StoredTieOuts

log = logger(__name__)

FORMAT: Final = 1
# A part is a message: in base 64 it stays below 1 MiB.
PART_BYTES: Final = 600_000
# Bills of before the cut-over that are linked, asked for by id: each costs a call. More than these are left unread, and
# then shown as gone; an adoption of more has a cut-over at another date.
MOST_NAMED: Final = 500
# How long the tables may take to follow the log, after which a comparison with what Tieout believes proves nothing.
FOLLOW_SECONDS: Final = 60.0


class NoTieOut(Exception):
    """There is no finished run of that day; ``nearest`` is the day nearest to it that has one."""

    def __init__(self, connection: str, asked: str, nearest: date | None) -> None:
        super().__init__(f"{connection} has no tie-out of {asked}")
        self.connection = connection
        self.nearest = nearest


@dataclass(frozen=True)
class Finished:
    """A stored run and what was answered: the same text whenever it is asked for."""

    stored: Stored
    answer: str


class TieOuts:
    """Runs one tie-out at a time: each takes memory and calls, and two at once would show the same."""

    def __init__(self, names: Names, asking: Asking, writer: LogWriter, engine: Engine, projector: Projector) -> None:
        self._names = names
        self._asking = asking
        self._writer = writer
        self._engine = engine
        self._projector = projector
        self._stored = StoredTieOuts(engine)
        self._turn = asyncio.Lock()

    async def compare(self, view: ConnectionView, day: date | None, seconds: float, *, fresh: bool) -> Finished:
        """The run of a day: a stored one, or for today a new one if there is none yet or ``fresh`` is wanted.

        Raises:
            NoTieOut: another day than today, and no run of it is stored.
            NotNow: a fresh run of another day is wanted, or the connection is retired.
            NoSnapshot, LogUnavailable, Superseded: see there.
        """
        today = today_of(view)
        if fresh and day not in (None, today):
            raise NotNow(f"only today ({today}) can be compared afresh: neither side shows a past day again")
        if not fresh:
            found = await self.find(view.connection, str(day or today), missing_is_fine=day in (None, today))
            if found is not None:
                return found
        if view.settings.state is State.RETIRED:
            raise NotNow("a retired connection is not read any more; its stored tie-outs can be shown by --as-of")
        async with self._turn:
            return await self._run(view, today, seconds)

    async def find(self, connection: str, ref: str, *, missing_is_fine: bool = False) -> Finished | None:
        """A stored run by its id, or the last one of a day. Raises NoTieOut."""
        stored = await asyncio.to_thread(self._find, connection, ref)
        if stored is None:
            if missing_is_fine:
                return None
            day = day_of(ref)
            near = None if day is None else await asyncio.to_thread(self._stored.nearest, connection, day)
            raise NoTieOut(connection, ref, near)
        return Finished(stored, (await self._document(connection, stored))["answer"])

    async def inputs(self, connection: str, ref: str) -> str:
        """What a run was made from, as JSON. Raises NoTieOut."""
        found = await self.find(connection, ref)
        assert found is not None  # noqa: S101 - a missing one raises
        inputs = (await self._document(connection, found.stored))["inputs"]
        return json.dumps(inputs, sort_keys=True, ensure_ascii=False)

    async def list(self, connection: str, limit: int) -> tuple[Stored, ...]:
        """The latest runs, newest first."""
        return await asyncio.to_thread(self._list, connection, limit)

    def _list(self, connection: str, limit: int) -> tuple[Stored, ...]:
        return self._stored.list(connection, limit=limit)

    def _find(self, connection: str, ref: str) -> Stored | None:
        day = day_of(ref)
        return self._stored.of_run(connection, ref) if day is None else self._stored.of_day(connection, day)

    async def _document(self, connection: str, stored: Stored) -> dict[str, Any]:
        whole = await asyncio.to_thread(self._stored.document, connection, stored)
        found: dict[str, Any] = json.loads(whole)
        return found

    async def _run(self, view: ConnectionView, today: date, seconds: float) -> Finished:
        inputs = await self._inputs(view, today, seconds)
        before = await asyncio.to_thread(self._stored.latest, view.connection)
        earlier = None if before is None else await self._result(view.connection, before)
        result = await asyncio.to_thread(compare, inputs)
        document = await asyncio.to_thread(_written, inputs, result, None if before is None else before.run, earlier)
        run = await self._write(view.connection, today, result, document)
        COMPARED.labels("clean" if result.clean else "differs" if result.complete else "incomplete").inc()
        log.info("compared", connection=view.connection, run=run, differences=len(result.differences))
        await self._follow()
        found = await self.find(view.connection, run)
        assert found is not None  # noqa: S101 - a missing one raises
        return found

    async def _result(self, connection: str, stored: Stored) -> Result:
        return Result.model_validate(json.loads((await self._document(connection, stored))["answer"])["result"])

    async def _inputs(self, view: ConnectionView, today: date, seconds: float) -> Inputs:
        """Both ledgers, and then what Tieout believes: it has to know at least what they show."""
        settings, begun = view.settings, datetime.now(UTC)
        since = today if settings.cutover is None else settings.cutover.date
        erp, bill = await asyncio.gather(
            self._asking.snapshot(view, Side.ERP, since, seconds),
            self._asking.snapshot(view, Side.BILL, since, seconds),
        )
        await self._follow()
        links = await asyncio.to_thread(beliefs, self._engine, view.connection, settings, begun)
        bills = {bill.id: bill for bill in bill.bills}
        named = sorted({link.target for link in links.bills if link.target} - bills.keys())[:MOST_NAMED]
        if named:
            left = seconds - (datetime.now(UTC) - begun).total_seconds()
            more = await self._asking.snapshot(view, Side.BILL, since, max(left, 1.0), named)
            bills |= {one.id: one for one in more.bills}
        return Inputs(
            connection=view.connection,
            as_of=today,
            begun=begun,
            taken=datetime.now(UTC),
            scope=Scope(
                cutover=None if settings.cutover is None else settings.cutover.date,
                also=() if settings.cutover is None else settings.cutover.also,
                control=settings.accounts.control,
                clearing=settings.accounts.clearing,
                transfers=settings.policy.funds_transfers,
            ),
            erp=_erp_side(erp),
            bill=BillSide(bills=tuple(bills.values()), payments=tuple(bill.payments)),
            links=links,
        )

    async def _follow(self) -> None:
        try:
            caught_up = await asyncio.to_thread(self._projector.wait_for_now, FOLLOW_SECONDS)
        except KafkaException as error:
            raise LogUnavailable(f"Kafka does not tell where the log ends: {error.args[0]}") from error
        if not caught_up:
            problem = self._projector.problem() or f"they are more than {FOLLOW_SECONDS:.0f} s behind"
            raise LogUnavailable(f"the tables do not follow the log: {problem}")

    async def _write(self, connection: str, today: date, result: Result, document: bytes) -> str:
        packed = gzip.compress(document, mtime=0)
        sha256 = hashlib.sha256(document).hexdigest()
        run = "r" + digest("tie-out", connection, sha256)[:31]
        pieces = [packed[at : at + PART_BYTES] for at in range(0, len(packed), PART_BYTES)]
        parts = [
            TieOutPart(
                connection=connection,
                run=run,
                as_of=today,
                taken=result.taken,
                sha256=sha256,
                size=len(document),
                differences=len(result.differences),
                unexpected=sum(not each.expected for each in result.differences),
                complete=result.complete,
                number=number,
                count=len(pieces),
                content=piece,
            )
            for number, piece in enumerate(pieces)
        ]
        await self._writer.commit("tie_out", [tie_out_part(self._names, part) for part in parts])
        return run


def today_of(view: ConnectionView) -> date:
    """Today where the connection's company is, by the time zone of its schedule."""
    try:
        zone = ZoneInfo(view.settings.erp.schedule.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now(UTC).date()
    return datetime.now(zone).date()


def day_of(ref: str) -> date | None:
    """The day that a reference means, None for a run's id."""
    try:
        return date.fromisoformat(ref)
    except ValueError:
        return None


def _written(inputs: Inputs, result: Result, before: str | None, earlier: Result | None) -> bytes:
    """The document of a run: what is answered, as text that is never made again, and what it was made from."""
    appeared, gone = changed(earlier, result)
    answer = {
        "format": FORMAT,
        "connection": result.connection,
        "as_of": result.as_of.isoformat(),
        "complete": result.complete,
        "clean": result.clean,
        "result": result.model_dump(mode="json", by_alias=True),
        "since": {
            "run": before,
            "appeared": [each.model_dump(mode="json", by_alias=True) for each in appeared],
            "gone": [each.model_dump(mode="json", by_alias=True) for each in gone],
        },
    }
    text = json.dumps(answer, sort_keys=True, ensure_ascii=False)
    whole = {"answer": text, "inputs": inputs.model_dump(mode="json", exclude_defaults=True)}
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _erp_side(erp: Snapshot) -> ErpSide:
    return ErpSide(
        currency=erp.currency,
        open_entries=tuple(erp.entries),
        unreadable=tuple(erp.unreadable),
        balances=tuple(erp.balances),
        strays=tuple(erp.strays),
        postings=tuple(erp.postings),
    )
