"""What may be done after a refusal by Business Central, as a table over status and code.

Messages come in the language of the application's user and change between versions: they are shown, never acted on.
The one exception is no prose: ``TableData`` is the platform's own word for an object and stands untranslated in a
refusal for want of permission, which shares its code with trouble of the database.
A call without an answer is classified by ``tieout_connectors.http``.
"""

import re
from dataclasses import dataclass
from typing import Final

from tieout.domain.errors import Executed, Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout_connectors.business_central.wire.protocol import problem
from tieout_connectors.http.pace import seconds_of

READS: Final = frozenset({"GET", "HEAD"})
_METHODS: Final = READS | {"POST", "PATCH", "PUT", "DELETE"}


@dataclass(frozen=True)
class Rule:
    """One line of the table; the first that fits decides.

    Attributes:
        statuses: first and last HTTP status it speaks of.
        code: pattern for the whole code; ``.*`` also fits an answer without one.
        kind: what a refusal means.
        write: what it means for a write, where that differs.
        action: what it means for a bound action or a batch, where that differs.
        duplicate: the record is there already, so that a creation counts as executed.
        marker: an identifier that must stand in the message.
    """

    statuses: tuple[int, int]
    code: str
    kind: type[RecoveryError]
    cure: str = ""
    write: type[RecoveryError] | None = None
    action: type[RecoveryError] | None = None
    duplicate: bool = False
    marker: str = ""

    def fits(self, status: int, code: str, message: str) -> bool:
        """Whether it speaks of this answer."""
        first, last = self.statuses
        return first <= status <= last and re.fullmatch(self.code, code) is not None and self.marker in message


@dataclass(frozen=True)
class Classified:
    """An answer, classified. ``after`` is seconds to wait before a repetition, None if the service tells nothing."""

    kind: type[RecoveryError]
    executed: Executed
    code: str
    message: str
    cure: str
    after: float | None = None

    def as_json(self) -> dict[str, str]:
        """The form that ``tieout inspect business-central/error`` prints."""
        return {
            "class": self.kind.kind,
            "executed": self.executed.value,
            "code": self.code,
            "message": self.message,
            "cure": self.cure,
        }

    def error(self, call: str, status: int) -> RecoveryError:
        """The error of recovery to raise."""
        told = {"code": self.code, "cure": self.cure, "call": call}
        if self.kind is Retry:
            return Retry(self.message, **told, status=status, after=self.after)
        if self.kind is Reject:
            return Reject(self.message, **told, status=status, duplicate=self.executed is Executed.YES)
        return self.kind(self.message, **told, status=status)


_ACTION: Final = re.compile(r"Microsoft\.NAV\.|\$batch", re.IGNORECASE)
"""Calls that may commit in steps, so that after an internal error a part may stand."""

_LOOK: Final = "Look it up in Business Central before anything is sent again."
_ENTRA: Final = "the page Microsoft Entra applications of this environment"
_PERMISSIONS: Final = f"Give the application the permission sets named in Tieout's documentation, on {_ENTRA}."
_REGISTER: Final = f"Sign in again once. If it stays: register the client id on {_ENTRA} and set it to Enabled."
_ADDRESS: Final = "Check tenant, environment and company of this connection, and that API v2.0 is on there."
_COMPANY: Final = "Check the company of this connection; it may have been renamed."
_DEFECT: Final = "Report this as a defect of Tieout, with the code and the call."
_CORRECT: Final = "Correct in Business Central what the message names; the record is sent again after that."
_GONE: Final = "The record is gone: it was deleted in Business Central, or belongs to another company."
_NOT_OPEN: Final = "What is referred to is closed, of another vendor or not there: compare it in Business Central."
_THERE: Final = "It is there already: look it up and link it."
_CHANGED: Final = "Another user changed it meanwhile: it is read again before it is repeated."
_LOCKED: Final = "Another session was writing the same records; it is repeated."
_PACE: Final = "Too many calls for this application's user; it is repeated after a pause."
_LATER: Final = "The service failed or is being updated; it is asked again later."
_FIELD: Final = f"Business Central did not accept a value or a field. If it is not the record's: {_DEFECT}"

ANY: Final = ".*"
RULES: Final[tuple[Rule, ...]] = (
    Rule((200, 299), ANY, Retry, "The answer could not be read; it is asked again.", write=InDoubt),
    Rule((300, 399), ANY, Fatal, _ADDRESS),
    # 401 comes for a token that has just run out and for an application that nobody registered: once is the first.
    Rule((401, 401), r"Authorization_.*", Fatal, _PERMISSIONS),
    Rule((401, 401), ANY, Retry, _REGISTER),
    Rule((403, 403), ANY, Fatal, _PERMISSIONS),
    Rule((404, 404), r"Internal_CompanyNotFound", Fatal, _COMPANY),
    Rule((404, 404), r"BadRequest_ResourceNotFound|Internal_RecordNotFound", Reject, _GONE),
    Rule((404, 404), ANY, Fatal, _ADDRESS),
    Rule((405, 405), ANY, Fatal, "On premises: switch ApiServicesEnabled and ODataServicesEnabled on."),
    Rule((408, 408), ANY, Retry, "The call took longer than the service allows.", write=InDoubt),
    # A 409 is a stale ETag, a duplicate, a lock or a business rule: the code says which.
    Rule((400, 409), r"Internal_EntityWithSameKeyExists", Reject, _THERE, duplicate=True),
    Rule((409, 409), r"Request_EntityChanged", Retry, _CHANGED),
    Rule((409, 409), r"Application_.*|Internal_(DataNotFoundFilter|InvalidTableRelation)", Reject, _CORRECT),
    Rule((409, 409), ANY, Retry, _LOCKED, action=InDoubt),
    Rule((412, 412), ANY, Retry, _CHANGED),
    Rule((413, 413), ANY, Reject, "Lower page_rows of this connection."),
    Rule((429, 429), ANY, Retry, _PACE),
    Rule((400, 400), r"Application_TooManyRequests", Retry, _PACE),
    Rule((400, 400), r".*SkipTokenIsNoLongerValid", Retry, "The list is read again from its beginning."),
    Rule((400, 400), r"BadRequest_MethodNotAllowed", Fatal, _DEFECT),
    Rule((400, 400), r"Internal_ServerError", Fatal, _PERMISSIONS, marker="TableData"),
    # The time-out of a lock arrives like this too.
    Rule((400, 400), r"Internal_ServerError", Retry, f"It is repeated. If it stays: {_PERMISSIONS}", action=InDoubt),
    Rule((400, 400), r"Internal_TenantUnavailable", Retry, _LATER),
    Rule((400, 400), r"Internal_DataNotFoundFilter", Reject, _NOT_OPEN),
    Rule((400, 400), r"Internal_CompanyNotFound", Fatal, _COMPANY),
    Rule((400, 400), r"Authentication_.*|Authorization_.*", Fatal, _PERMISSIONS),
    Rule((400, 400), r"Application_.*|Internal_.*", Reject, _CORRECT),
    Rule((400, 400), r"BadRequest.*", Reject, _FIELD),
    Rule((400, 499), ANY, Reject, f"Business Central refused it. {_DEFECT}"),
    Rule((500, 599), ANY, Retry, _LATER, write=InDoubt),
)

UNKNOWN: Final = Rule((0, 999), ANY, Retry, "No answer of the service.", write=InDoubt)


def classify(call: str, status: int, body: bytes, *, retry_after: str = "") -> Classified:
    """What may be done after this answer. Pure: the same answer always means the same.

    Args:
        call: method and path, with or without ids: ``POST vendorPaymentJournals({id})/vendorPayments``.
        status: the HTTP status. 2xx is classified too, for an answer that cannot be read.
        body: as received, of any shape.
        retry_after: the header, if there was one; seconds.

    Raises:
        ValueError: if the call is not a method and a path.
    """
    method, _, path = call.strip().partition(" ")
    if method.upper() not in _METHODS or not path.strip():
        raise ValueError(f"a call is a method and a path, such as 'POST vendors', not {call!r}")
    code, message = problem(body)
    rule = next((one for one in RULES if one.fits(status, code, message)), UNKNOWN)
    kind = rule.kind
    if method.upper() not in READS:
        kind = rule.write or (rule.action if rule.action and _ACTION.search(path) else None) or kind
    executed = Executed.NO
    if kind is InDoubt:
        executed = Executed.UNKNOWN
    elif rule.duplicate and method.upper() == "POST":
        executed = Executed.YES
    return Classified(
        kind=kind,
        executed=executed,
        code=code or f"http_{status}",
        message=message or f"HTTP {status} without a message",
        cure=_LOOK if kind is InDoubt else rule.cure,
        after=seconds_of(retry_after) if kind is Retry else None,
    )
