"""What a handler takes from a request: its body and its query as models, names from its path, who is calling."""

from http import HTTPStatus
from typing import Final, TypeVar

from aiohttp import web

from tieout_control_plane.api import models
from tieout_control_plane.api.errors import ApiError
from tieout_control_plane.tokens import Person

B = TypeVar("B", bound=models.Body)

JSON: Final = "application/json"
PERSON: Final = web.RequestKey("person", Person)


async def body_of(request: web.Request, model: type[B]) -> B:
    """The body as its model; an empty one is an empty object."""
    raw = await request.read()
    if raw and request.content_type != JSON:
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no_json", f"send the body as {JSON}")
    return model.model_validate_json(raw or b"{}")


def query_of(request: web.Request, model: type[B]) -> B:
    """The query as its model; a parameter given twice counts once, with its first value."""
    return model.model_validate({name: request.query[name] for name in request.query})


def name_of(request: web.Request) -> str:
    """The connection that the path names."""
    return request.match_info["connection"]


def ref_of(request: web.Request) -> str:
    """The reference that the path names."""
    return request.match_info["ref"]
