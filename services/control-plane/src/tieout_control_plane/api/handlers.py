"""What each call of the API does. Bodies are never logged."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from tieout.domain.settings import Side, State
from tieout.events.requests import CheckStatus
from tieout_control_plane.api import models
from tieout_control_plane.api.errors import ApiError
from tieout_control_plane.api.requests import body_of, name_of
from tieout_control_plane.asking import Asking
from tieout_control_plane.connections import Connections

_WORST_FIRST: Final = (CheckStatus.FAILED, CheckStatus.WARNING, CheckStatus.OK)


class ConnectionHandlers:
    """The calls about connections, on the services behind them."""

    def __init__(self, connections: Connections, asking: Asking, check_seconds: float) -> None:
        self._connections = connections
        self._asking = asking
        self._check_seconds = check_seconds

    async def apply(self, request: web.Request) -> BaseModel:
        """Apply connections, all or none."""
        body = await body_of(request, models.ApplyBody)
        steps = await self._connections.apply(body.connections)
        return models.AppliedAll(connections=[models.Applied.of(step) for step in steps])

    async def list(self, _request: web.Request) -> BaseModel:
        """All connections."""
        return models.Summaries(connections=[models.Summary.of(view) for view in self._connections.all()])

    async def show(self, request: web.Request) -> BaseModel:
        """One connection with its settings."""
        return models.Shown.of(self._connections.get(name_of(request)))

    async def pause(self, request: web.Request) -> BaseModel:
        """Stop synchronizing; nothing is lost meanwhile."""
        return models.Applied.of(await self._connections.move(name_of(request), State.PAUSED))

    async def resume(self, request: web.Request) -> BaseModel:
        """Synchronize, or go on doing so."""
        return models.Applied.of(await self._connections.move(name_of(request), State.ACTIVE))

    async def retire(self, request: web.Request) -> BaseModel:
        """End the connection for good."""
        return models.Applied.of(await self._connections.move(name_of(request), State.RETIRED))

    async def set_secret(self, request: web.Request) -> BaseModel:
        """Store one side's credentials, encrypted."""
        connection, side = name_of(request), _side(request)
        body = await body_of(request, models.SecretBody)
        version = await self._connections.set_secret(connection, side, body.values)
        return models.SecretSet(connection=connection, side=side, version=version)

    async def check(self, request: web.Request) -> BaseModel:
        """Ask both real systems whether the connection would work."""
        view = self._connections.get(name_of(request))
        body = await body_of(request, models.CheckBody)
        found = await self._asking.check(view, body.seconds or self._check_seconds)
        sides = [
            models.SideChecked(side=side, status=_worst([line.status for line in lines]), lines=list(lines))
            for side, lines in found.items()
        ]
        worst = _worst([side.status for side in sides])
        return models.Checked(connection=view.connection, status=worst, sides=sides)

    async def sync(self, request: web.Request) -> BaseModel:
        """Have the ERP read now."""
        view = self._connections.get(name_of(request))
        body = await body_of(request, models.SyncBody)
        question = await self._asking.sync(view, body.kinds)
        return models.SyncRequested(connection=view.connection, request=question, kinds=body.kinds)


def _side(request: web.Request) -> Side:
    side = request.match_info["side"]
    if side not in set(Side):
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_side", "a connection has two sides: bill and erp")
    return Side(side)


def _worst(statuses: Sequence[CheckStatus]) -> CheckStatus:
    return next((status for status in _WORST_FIRST if status in statuses), CheckStatus.OK)
