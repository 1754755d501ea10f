"""The HTTP server: probes, the API's description, and the calls of ``operations`` behind a token."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from tieout.observability.health import Health
from tieout.observability.logging import logger
from tieout_control_plane.api.errors import REFUSALS, ApiError
from tieout_control_plane.api.operations import OPERATIONS, Operation, openapi
from tieout_control_plane.api.requests import PERSON
from tieout_control_plane.tokens import Person, Tokens

# A hundred connections with long lists take less; a body beyond it is a mistake, and reading it only costs memory.
LARGEST_BODY: Final = 4 * 1024 * 1024
VERSION: Final = "0.1.0"
BEARER: Final = "Bearer "
log = logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The routes. Until ``open`` every call of the API is answered 503, while the probes answer already."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._tokens: Tokens | None = None
        self._handlers: dict[type, Any] | None = None

    def open(self, tokens: Tokens, *handlers: object) -> None:
        """From now on calls are carried out, each by the handlers that its operation names."""
        self._tokens = tokens
        self._handlers = {type(each): each for each in handlers}

    def application(self) -> web.Application:
        """For aiohttp. No access log: it would repeat what callers send in their paths."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_refusals])
        app.add_routes(self._health.routes())
        document = openapi(VERSION)

        async def described(_request: web.Request) -> web.Response:
            return web.json_response(document)

        app.router.add_get("/openapi.json", described)
        for operation in OPERATIONS:
            app.router.add_route(operation.method, operation.path, self._route(operation))
        return app

    def _route(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            handlers, tokens = self._handlers, self._tokens
            if handlers is None or tokens is None:
                raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "starting", "control-plane is starting", "See /readyz.")
            request[PERSON] = await _admit(request, tokens)
            answer = await operation.handle(handlers[operation.of], request)
            text = answer if isinstance(answer, str) else answer.model_dump_json()
            return web.Response(text=text, content_type="application/json")

        return handle


async def _admit(request: web.Request, tokens: Tokens) -> Person:
    header = request.headers.get("Authorization", "")
    token = header.removeprefix(BEARER) if header.startswith(BEARER) else ""
    person = await asyncio.to_thread(tokens.person, token) if token else None
    if person is None:
        what = "the token is not known here" if token else "no token was given"
        cure = "Send Authorization: Bearer TOKEN; the command line takes it from TIEOUT_API_TOKEN or --token-file."
        raise ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", what, cure)
    return person


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except tuple(REFUSALS) as error:
        return REFUSALS[type(error)](error).response()
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        status = HTTPStatus(error.status)
        code, phrase = status.phrase.lower().replace(" ", "_"), status.phrase.lower()
        return ApiError(status, code, phrase, "The calls there are stand in /openapi.json.").response()
    except Exception as error:  # noqa: BLE001 - the edge of the process: one call fails, the others go on
        # Only where it happened is logged, neither its text nor local variables: those may be a caller's secret.
        log.error("defect", call=f"{request.method} {_template(request)}", error=type(error).__name__, at=_place(error))  # noqa: TRY400
        return ApiError(
            HTTPStatus.INTERNAL_SERVER_ERROR, "defect", f"{type(error).__name__} in control-plane", "See its log."
        ).response()


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "?"


def _place(error: BaseException) -> list[str]:
    """Function and line of each step, from the outermost."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places
