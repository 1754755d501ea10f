"""Every call of the API as a table: the server's routes and the OpenAPI document are both made from it."""

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tieout_control_plane.api import models
from tieout_control_plane.api.handlers import Handlers

Handle = Callable[[Handlers, web.Request], Awaitable[BaseModel]]


@dataclass(frozen=True)
class Operation:
    """One call. ``refusals`` are the statuses it may answer beside success, with their meaning."""

    method: str
    path: str
    handle: Handle
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The operation's id: the handler's name."""
        return self.handle.__name__

    @property
    def summary(self) -> str:
        """The handler's own sentence."""
        return (inspect.getdoc(self.handle) or "").splitlines()[0]


ONE: Final = "/v1/connections/{connection}"
OPERATIONS: Final = (
    Operation("POST", "/v1/connections/apply", Handlers.apply, models.AppliedAll, models.ApplyBody, (409, 422)),
    Operation("GET", "/v1/connections", Handlers.list, models.Summaries),
    Operation("GET", ONE, Handlers.show, models.Shown, None, (404,)),
    Operation("POST", f"{ONE}/pause", Handlers.pause, models.Applied, None, (404, 409)),
    Operation("POST", f"{ONE}/resume", Handlers.resume, models.Applied, None, (404, 409)),
    Operation("POST", f"{ONE}/retire", Handlers.retire, models.Applied, None, (404, 409)),
    Operation(
        "PUT", f"{ONE}/secrets/{{side}}", Handlers.set_secret, models.SecretSet, models.SecretBody, (404, 409, 422)
    ),
    Operation("POST", f"{ONE}/check", Handlers.check, models.Checked, models.CheckBody, (404, 409, 422)),
    Operation("POST", f"{ONE}/sync", Handlers.sync, models.SyncRequested, models.SyncBody, (404, 409, 422)),
)

MEANINGS: Final[dict[int, str]] = {
    401: "no token, or one that is not known",
    404: "no such connection or side",
    409: "refused as a whole: the problems are named, nothing was changed",
    413: "the body is too large",
    422: "the body is not what the call takes: the fields are named, nothing was changed",
    503: "not ready, or Kafka or PostgreSQL does not answer; may be tried again",
}
ALWAYS: Final = (401, 413, 503)
_REF: Final = "#/components/schemas/{model}"


def openapi(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    named = {model for each in OPERATIONS for model in (each.answer, each.body) if model is not None} | {models.Error}
    ordered = sorted(named, key=lambda model: model.__name__)
    inputs = {each.body for each in OPERATIONS}
    refs, definitions = models_json_schema(
        [(model, "validation" if model in inputs else "serialization") for model in ordered], ref_template=_REF
    )
    schemas: dict[Any, Any] = {model: schema for (model, _mode), schema in refs.items()}
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _described(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tieout control-plane", "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": definitions.get("$defs", {}),
        },
    }


def _described(each: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": schemas[models.Error]}}
    responses: dict[str, Any] = {
        "200": {"description": "done", "content": {"application/json": {"schema": schemas[each.answer]}}}
    }
    for status in sorted({*each.refusals, *ALWAYS}):
        responses[str(status)] = {"description": MEANINGS[status], "content": error}
    described: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", each.path)
        ],
        "responses": responses,
    }
    if each.body is not None:
        content = {"application/json": {"schema": schemas[each.body]}}
        described["requestBody"] = {
            "required": any(f.is_required() for f in each.body.model_fields.values()),
            "content": content,
        }
    return described
