"""What each call about tie-outs does."""

from aiohttp import web
from pydantic import BaseModel

from tieout_control_plane.api import tie_out_models as models
from tieout_control_plane.api.requests import body_of, name_of, query_of, ref_of
from tieout_control_plane.connections import Connections
from tieout_control_plane.tie_outs import TieOuts


class TieOutHandlers:
    """The calls that compare both ledgers, and show what was compared."""

    def __init__(self, connections: Connections, tie_outs: TieOuts) -> None:
        self._connections = connections
        self._tie_outs = tie_outs

    async def compare(self, request: web.Request) -> str:
        """Compare both ledgers, or show the stored comparison of a day."""
        view = self._connections.get(name_of(request))
        body = await body_of(request, models.CompareBody)
        return (await self._tie_outs.compare(view, body.as_of, body.seconds, fresh=body.fresh)).answer

    async def tie_outs(self, request: web.Request) -> BaseModel:
        """The latest finished tie-outs, newest first."""
        connection = self._connections.get(name_of(request)).connection
        found = await self._tie_outs.list(connection, query_of(request, models.Query).limit)
        return models.TieOuts(connection=connection, tie_outs=[models.TieOutLine.of(each) for each in found])

    async def tie_out(self, request: web.Request) -> str:
        """One finished tie-out, by its run, or the last one of a day."""
        connection = self._connections.get(name_of(request)).connection
        found = await self._tie_outs.find(connection, ref_of(request))
        assert found is not None  # noqa: S101 - a missing one raises
        return found.answer

    async def inputs(self, request: web.Request) -> str:
        """What a tie-out was made from: both ledgers' rows and the links, as they were."""
        connection = self._connections.get(name_of(request)).connection
        return await self._tie_outs.inputs(connection, ref_of(request))
