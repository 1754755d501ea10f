"""Every call of the API as a table: the server's routes and the OpenAPI document are both made from it."""

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tieout.tie_out.inputs import Inputs
from tieout_control_plane.api import models, record_models, tie_out_models, token_models
from tieout_control_plane.api.handlers import ConnectionHandlers
from tieout_control_plane.api.record_handlers import RecordHandlers
from tieout_control_plane.api.tie_out_handlers import TieOutHandlers
from tieout_control_plane.api.token_handlers import TokenHandlers
from tieout_control_plane.projection.holds import HoldShown

Handle = Callable[[Any, web.Request], Awaitable[BaseModel | str]]
"""What carries a call out; text is JSON that was kept, and goes out byte for byte."""


@dataclass(frozen=True)
class Operation:
    """One call, a method of ``of``. ``refusals`` are the statuses it may answer beside success, with their meaning."""

    of: type
    method: str
    path: str
    handle: Handle
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()
    query: type[BaseModel] | None = None

    @property
    def name(self) -> str:
        """The operation's id: the handler's name."""
        return self.handle.__name__

    @property
    def summary(self) -> str:
        """The handler's own sentence."""
        return (inspect.getdoc(self.handle) or "").splitlines()[0]


ONE: Final = "/v1/connections/{connection}"
_C, _R, _T, _K = ConnectionHandlers, RecordHandlers, TieOutHandlers, TokenHandlers
OPERATIONS: Final = (
    Operation(_C, "POST", "/v1/connections/apply", _C.apply, models.AppliedAll, models.ApplyBody, (409, 422)),
    Operation(_C, "GET", "/v1/connections", _C.list, models.Summaries),
    Operation(_C, "GET", ONE, _C.show, models.Shown, None, (404,)),
    Operation(_C, "POST", f"{ONE}/pause", _C.pause, models.Applied, None, (404, 409)),
    Operation(_C, "POST", f"{ONE}/resume", _C.resume, models.Applied, None, (404, 409)),
    Operation(_C, "POST", f"{ONE}/retire", _C.retire, models.Applied, None, (404, 409)),
    Operation(
        _C, "PUT", f"{ONE}/secrets/{{side}}", _C.set_secret, models.SecretSet, models.SecretBody, (404, 409, 422)
    ),
    Operation(_C, "POST", f"{ONE}/check", _C.check, models.Checked, models.CheckBody, (404, 409, 422)),
    Operation(_C, "POST", f"{ONE}/sync", _C.sync, models.SyncRequested, models.SyncBody, (404, 409, 422)),
    Operation(_R, "GET", f"{ONE}/counters", _R.counters, record_models.Counters, None, (404,)),
    Operation(
        _R, "GET", f"{ONE}/records", _R.records, record_models.Records, None, (404, 422), record_models.RecordsQuery
    ),
    Operation(_R, "GET", f"{ONE}/records/{{ref}}", _R.record, record_models.RecordShown, None, (404, 409)),
    Operation(
        _R,
        "GET",
        f"{ONE}/records/{{ref}}/timeline",
        _R.timeline,
        record_models.Timeline,
        None,
        (404, 409, 422),
        record_models.TimelineQuery,
    ),
    Operation(_R, "GET", f"{ONE}/holds", _R.holds, record_models.Holds, None, (404, 422), record_models.HoldsQuery),
    Operation(_R, "GET", f"{ONE}/holds/{{ref}}", _R.hold, HoldShown, None, (404,)),
    Operation(
        _R,
        "POST",
        f"{ONE}/holds/{{ref}}/release",
        _R.release,
        record_models.Released,
        record_models.ReleaseBody,
        (404, 409, 422),
    ),
    Operation(_R, "GET", f"{ONE}/tasks", _R.tasks, record_models.Tasks, None, (404, 422), record_models.PageQuery),
    Operation(
        _T,
        "POST",
        f"{ONE}/tie-outs",
        _T.compare,
        tie_out_models.TieOut,
        tie_out_models.CompareBody,
        (404, 409, 422),
    ),
    Operation(
        _T, "GET", f"{ONE}/tie-outs", _T.tie_outs, tie_out_models.TieOuts, None, (404, 422), tie_out_models.Query
    ),
    Operation(_T, "GET", f"{ONE}/tie-outs/{{ref}}", _T.tie_out, tie_out_models.TieOut, None, (404,)),
    Operation(_T, "GET", f"{ONE}/tie-outs/{{ref}}/inputs", _T.inputs, Inputs, None, (404,)),
    Operation(
        _K, "POST", "/v1/tokens", _K.create_token, token_models.TokenMade, token_models.TokenBody, (403, 409, 422)
    ),
    Operation(_K, "GET", "/v1/tokens", _K.tokens, token_models.TokensShown, None, (403,)),
    Operation(_K, "DELETE", "/v1/tokens/{name}", _K.revoke_token, token_models.TokenRevoked, None, (403, 404, 409)),
)

MEANINGS: Final[dict[int, str]] = {
    401: "no token, or one that is not known",
    403: "the role of the token's owner does not allow it",
    404: "no such connection, side, record, hold, tie-out or token",
    409: "refused as a whole: the problems are named, nothing was changed; or a reference means several records",
    413: "the body is too large",
    422: "body or query are not what the call takes: the fields are named, nothing was changed",
    503: "not ready, or Kafka or PostgreSQL does not answer; may be tried again",
}
ALWAYS: Final = (401, 413, 503)
_REF: Final = "#/components/schemas/{model}"


def openapi(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    inputs = {model for each in OPERATIONS for model in (each.body, each.query) if model is not None}
    named = inputs | {each.answer for each in OPERATIONS} | {models.Error}
    ordered = sorted(named, key=lambda model: model.__name__)
    refs, definitions = models_json_schema(
        [(model, "validation" if model in inputs else "serialization") for model in ordered], ref_template=_REF
    )
    schemas: dict[Any, Any] = {model: schema for (model, _mode), schema in refs.items()}
    queries = {model: definitions["$defs"][schema["$ref"].rpartition("/")[2]] for model, schema in schemas.items()}
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _described(each, schemas, queries)
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


def _in_path(each: Operation) -> list[dict[str, Any]]:
    """A reference that holds slashes is sent with ``%2F`` in their place."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", each.path)
    ]


def _in_query(each: Operation, queries: dict[Any, Any]) -> list[dict[str, Any]]:
    if each.query is None:
        return []
    schema = queries[each.query]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": declared}
        for name, declared in schema["properties"].items()
    ]


def _described(each: Operation, schemas: dict[Any, Any], queries: dict[Any, Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": schemas[models.Error]}}
    responses: dict[str, Any] = {
        "200": {"description": "done", "content": {"application/json": {"schema": schemas[each.answer]}}}
    }
    for status in sorted({*each.refusals, *ALWAYS}):
        responses[str(status)] = {"description": MEANINGS[status], "content": error}
    described: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": [*_in_path(each), *_in_query(each, queries)],
        "responses": responses,
    }
    if each.body is not None:
        content = {"application/json": {"schema": schemas[each.body]}}
        described["requestBody"] = {
            "required": any(f.is_required() for f in each.body.model_fields.values()),
            "content": content,
        }
    return described
