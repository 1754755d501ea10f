"""What each call about records, holds and tasks does."""

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from tieout_control_plane.api import record_models as models
from tieout_control_plane.api.errors import ApiError
from tieout_control_plane.api.models import ProblemLine
from tieout_control_plane.api.requests import PERSON, body_of, name_of, query_of, ref_of
from tieout_control_plane.connections import Connections
from tieout_control_plane.projection.holds import HoldShown, shown
from tieout_control_plane.projection.records import Records, links_shown
from tieout_control_plane.projection.timelines import Timelines
from tieout_control_plane.releasing import Releasing, UnknownHold


class RecordHandlers:
    """The calls that read the projection, and the one by which a person releases a hold."""

    def __init__(self, connections: Connections, records: Records, timelines: Timelines, releasing: Releasing) -> None:
        self._connections = connections
        self._records = records
        self._timelines = timelines
        self._releasing = releasing

    async def counters(self, request: web.Request) -> BaseModel:
        """How many records, holds, tasks and answers there are."""
        connection = self._known(request)
        found = await asyncio.to_thread(self._records.counters, connection)
        links: dict[str, dict[str, int]] = {}
        outcomes: dict[str, dict[str, int]] = {}
        holds: dict[str, int] = {}
        tasks: dict[str, int] = {}
        for name, count in found.items():
            table, _, rest = name.partition("/")
            first, _, second = rest.partition("/")
            if table in ("link", "outcome"):
                (links if table == "link" else outcomes).setdefault(first, {})[second] = count
            else:
                (holds if table == "hold" else tasks)[rest] = count
        return models.Counters(connection=connection, links=links, holds=holds, tasks=tasks, outcomes=outcomes)

    async def records(self, request: web.Request) -> BaseModel:
        """Records by kind, phase and words."""
        connection, query = self._known(request), query_of(request, models.RecordsQuery)
        found = await asyncio.to_thread(
            self._records.list,
            connection,
            kind=query.kind,
            phase=query.phase,
            words=query.text,
            after=query.after,
            limit=query.limit,
        )
        following = found[-1].link if len(found) == query.limit else ""
        return models.Records(
            connection=connection, records=[models.RecordLine.of(each) for each in found], next=following
        )

    async def record(self, request: web.Request) -> BaseModel:
        """One record, by link, by an id of either side or by number, with all that belongs to it."""
        connection = self._known(request)
        whole = await self._whole(connection, ref_of(request))
        record, link = whole.record, whole.record.link
        hold = None if whole.hold is None else shown(connection, link, whole.hold, record.number)
        return models.RecordShown(
            connection=connection,
            record=models.RecordLine.of(record),
            hold=hold,
            task=None if whole.task is None else models.TaskShown.of(link, whole.task, record.number),
            payments=[models.PaidLine.of(each) for each in whole.payments],
            related=[models.RecordLine.of(each) for each in whole.related],
            detail=record.value,
        )

    async def timeline(self, request: web.Request) -> BaseModel:
        """What happened to a record, in order: what was decided and why, and what the writers answered."""
        connection, query = self._known(request), query_of(request, models.TimelineQuery)
        whole = await self._whole(connection, ref_of(request))
        links = list(links_shown(whole)) if query.related else [whole.record.link]
        steps = await asyncio.to_thread(self._timelines.of, connection, links, after=query.after, limit=query.limit)
        last = steps[-1].entries[-1].place if steps else query.after
        behind = await asyncio.to_thread(self._timelines.of, connection, links, after=last, limit=1) if steps else ()
        return models.Timeline(
            connection=connection,
            link=whole.record.link,
            links=links,
            steps=[models.StepLine.of(step) for step in steps],
            next=last if behind else None,
        )

    async def holds(self, request: web.Request) -> BaseModel:
        """What waits for a person, with reason, place and cure."""
        connection, query = self._known(request), query_of(request, models.HoldsQuery)
        found = await asyncio.to_thread(
            self._records.holds, connection, reason=query.reason, after=query.after, limit=query.limit
        )
        holds = [shown(connection, link, value, number) for link, value, number in found]
        return models.Holds(connection=connection, holds=holds, next=found[-1][0] if len(found) == query.limit else "")

    async def hold(self, request: web.Request) -> BaseModel:
        """One hold, by its name or by whatever names its record."""
        return await self._hold(self._known(request), ref_of(request))

    async def release(self, request: web.Request) -> BaseModel:
        """Release a hold as the owner of the token."""
        connection = self._known(request)
        body = await body_of(request, models.ReleaseBody)
        hold = await self._hold(connection, ref_of(request))
        person = request[PERSON]
        view = self._connections.get(connection)
        fact = await self._releasing.release(view, hold.ref, person, body.reason, body.choice)
        return models.Released(connection=connection, ref=hold.ref, fact=fact, person=person.name)

    async def tasks(self, request: web.Request) -> BaseModel:
        """What somebody has to do outside: a reversal that is due, a journal that waits to be posted."""
        connection, query = self._known(request), query_of(request, models.PageQuery)
        found = await asyncio.to_thread(self._records.tasks, connection, after=query.after, limit=query.limit)
        tasks = [models.TaskShown.of(link, value, number) for link, value, number in found]
        return models.Tasks(connection=connection, tasks=tasks, next=found[-1][0] if len(found) == query.limit else "")

    def _known(self, request: web.Request) -> str:
        return self._connections.get(name_of(request)).connection

    async def _whole(self, connection: str, ref: str) -> Any:
        whole = await asyncio.to_thread(self._records.whole, connection, await self._one(connection, ref))
        if whole is None:
            raise _unknown(connection, ref)
        return whole

    async def _one(self, connection: str, ref: str) -> str:
        """The one link that a reference means."""
        links = await asyncio.to_thread(self._records.find, connection, ref)
        if not links:
            raise _unknown(connection, ref)
        if len(links) > 1:
            problems = [ProblemLine(connection=connection, field=link, message="is one of them") for link in links]
            raise ApiError(
                HTTPStatus.CONFLICT, "ambiguous", f"{ref} means several records", "Name one by its link.", problems
            )
        return links[0]

    async def _hold(self, connection: str, ref: str) -> HoldShown:
        found = await asyncio.to_thread(self._records.hold, connection, ref)
        if found is None:
            links = await asyncio.to_thread(self._records.find, connection, ref)
            if not links:
                raise UnknownHold(ref)
            ref = await self._one(connection, ref)
            found = await asyncio.to_thread(self._records.hold, connection, ref)
        if found is None:
            raise UnknownHold(ref)
        return shown(connection, ref, *found)


def _unknown(connection: str, ref: str) -> ApiError:
    cure = "Search for it: tieout records list --text WORDS"
    return ApiError(HTTPStatus.NOT_FOUND, "unknown_record", f"{connection} has no record {ref}", cure)
