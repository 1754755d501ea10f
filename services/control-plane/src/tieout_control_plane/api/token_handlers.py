"""The calls about tokens: for administrators only. No token is ever logged or shown a second time."""

import asyncio
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from tieout.observability.logging import logger
from tieout_control_plane.api.errors import ApiError
from tieout_control_plane.api.requests import PERSON, body_of
from tieout_control_plane.api.token_models import TokenBody, TokenMade, TokenRevoked, TokenShown, TokensShown
from tieout_control_plane.tokens import INITIAL, Role, TokenExists, Tokens

log = logger(__name__)


class TokenHandlers:
    """Who may call the API."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def create_token(self, request: web.Request) -> BaseModel:
        """Make a token for a person; it is shown this once."""
        by = _administrator(request)
        body = await body_of(request, TokenBody)
        try:
            token = await asyncio.to_thread(self._tokens.create, body.name, body.role)
        except TokenExists:
            cure = "Revoke it first, or give another name: a name stands for one person for ever."
            raise ApiError(HTTPStatus.CONFLICT, "exists", f"{body.name!r} has a token already", cure) from None
        log.info("token made", name=body.name, role=body.role.value, by=by)
        return TokenMade(name=body.name, role=body.role, token=token)

    async def tokens(self, request: web.Request) -> BaseModel:
        """Whose tokens there are."""
        _administrator(request)
        found = await asyncio.to_thread(self._tokens.list)
        return TokensShown(tokens=[TokenShown(name=one.name, role=one.role, created=one.created) for one in found])

    async def revoke_token(self, request: web.Request) -> BaseModel:
        """Refuse a person's token from now on."""
        by, name = _administrator(request), request.match_info["name"]
        if name == INITIAL:
            cure = (
                "Give another value by TIEOUT_API_TOKEN and start control-plane again; the one before is refused then."
            )
            raise ApiError(HTTPStatus.CONFLICT, "initial", "this token comes from the environment", cure)
        if not await asyncio.to_thread(self._tokens.revoke, name):
            raise ApiError(HTTPStatus.NOT_FOUND, "unknown_token", f"{name!r} has no token")
        log.info("token revoked", name=name, by=by)
        return TokenRevoked(name=name)


def _administrator(request: web.Request) -> str:
    person = request[PERSON]
    if person.role != Role.ADMIN:
        cure = "Ask an administrator."
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", f"{person.name} may not do that: it takes role admin", cure)
    return person.name
