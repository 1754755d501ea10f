"""Refusals of the API: one exception, and the table from our errors to statuses."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from tieout.connections.key_wrapper import SideNotHeld, WrongMasterKey
from tieout.connections.secrets import StoreNotReady
from tieout_control_plane.api.models import Error, ErrorBody, ProblemLine
from tieout_control_plane.asking import NoSnapshot, NotNow
from tieout_control_plane.connections import Refused, UnknownConnection, WrongCredentials
from tieout_control_plane.log_writer import LogUnavailable, Superseded
from tieout_control_plane.metrics import REFUSED
from tieout_control_plane.projection.stored import Damaged
from tieout_control_plane.releasing import UnknownHold, WrongChoice
from tieout_control_plane.tie_outs import NoTieOut


class ApiError(Exception):
    """A refusal with its status."""

    def __init__(
        self, status: HTTPStatus, code: str, message: str, cure: str = "", problems: Sequence[ProblemLine] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = Error(error=ErrorBody(code=code, message=message, cure=cure, problems=list(problems)))

    def response(self) -> web.Response:
        """As JSON; counted."""
        REFUSED.labels(self.body.error.code).inc()
        return web.Response(status=self.status, text=self.body.model_dump_json(), content_type="application/json")


def _refused(error: Refused) -> ApiError:
    problems = [
        ProblemLine(
            connection=each.connection, field=each.fault.path, message=each.fault.message, allowed=each.fault.allowed
        )
        for each in error.refusals
    ]
    return ApiError(HTTPStatus.CONFLICT, "refused", "nothing was applied", "Correct what is named.", problems)


def _wrong_credentials(error: WrongCredentials) -> ApiError:
    lines = [ProblemLine(message=text) for text in error.problems]
    message = "the credentials are not what this side needs; nothing was stored"
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_credentials", message, "Correct them.", lines)


def wrong_body(error: ValidationError) -> ApiError:
    """A body that does not fit, by field; what was sent is not repeated."""
    problems = []
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        path = ".".join(str(part) for part in each["loc"])
        problems.append(ProblemLine(field=path, message=each["msg"]))
    cure = "The shape of every body stands in /openapi.json."
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_body", "the request is not what this call takes", cure, problems
    )


def _wrong_choice(error: WrongChoice) -> ApiError:
    allowed = ", ".join(error.allowed) or "nothing: this hold offers no choice"
    problem = ProblemLine(field="choice", message=str(error), allowed=allowed)
    cure = f"Choose one of: {allowed}." if error.allowed else "Release it without a choice."
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_choice", str(error), cure, [problem])


def _no_tie_out(error: NoTieOut) -> ApiError:
    if error.nearest is None:
        cure = f"Make one: tieout compare {error.connection}"
    else:
        cure = f"The nearest is of {error.nearest}: tieout compare {error.connection} --as-of {error.nearest}"
    return ApiError(HTTPStatus.NOT_FOUND, "no_tie_out", str(error), cure)


def _unavailable(code: str, cure: str) -> Callable[[Exception], ApiError]:
    return lambda error: ApiError(HTTPStatus.SERVICE_UNAVAILABLE, code, str(error), cure)


_AGAIN: Final = "Try again; /readyz tells what is missing."
REFUSALS: Final[dict[type[Exception], Callable[[Any], ApiError]]] = {
    Refused: _refused,
    WrongCredentials: _wrong_credentials,
    ValidationError: wrong_body,
    UnknownConnection: lambda error: ApiError(
        HTTPStatus.NOT_FOUND, "unknown_connection", f"there is no connection {error}", "tieout connections list"
    ),
    WrongChoice: _wrong_choice,
    UnknownHold: lambda error: ApiError(
        HTTPStatus.NOT_FOUND, "unknown_hold", f"nothing is held under {error}", "tieout holds list"
    ),
    NoTieOut: _no_tie_out,
    NoSnapshot: lambda error: ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, error.line.code or "no_snapshot", str(error), error.line.cure
    ),
    Damaged: lambda error: ApiError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "damaged",
        str(error),
        "Empty the table projection_positions and start control-plane again: the log has it whole.",
    ),
    NotNow: lambda error: ApiError(HTTPStatus.CONFLICT, "not_now", str(error)),
    WrongMasterKey: _unavailable("no_key", "The database holds a key that another master key sealed."),
    SideNotHeld: _unavailable("no_key", "Start control-plane with TIEOUT_MASTER_KEY, or with both sides' keys."),
    Superseded: _unavailable("superseded", "Ask the control-plane that took over; this one is ending."),
    LogUnavailable: _unavailable("unavailable", _AGAIN),
    StoreNotReady: _unavailable("unavailable", _AGAIN),
}
"""Our own errors that a caller can act on, none of which holds a secret's value; anything else is a defect."""
