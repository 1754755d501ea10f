"""What may be done after a refusal by BILL, as tables: by kind of call, by code, and where there is no code by status.

BILL's messages can name the wrong cause and change without notice: they are shown, never acted on. A call without an
answer is classified by ``tieout_connectors.http``.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tieout.domain.errors import Executed, Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout_connectors.bill.wire.problems import Problem, read_problems


class Endpoint(StrEnum):
    """The kinds of calls whose refusals mean different things."""

    LOGIN = "login"  # changes nothing, and a refusal is about the credentials
    READ = "read"  # changes nothing
    WRITE = "write"  # has an effect, and no key against repetition
    KEYED = "keyed"  # has an effect; the same idempotency key gives the same answer for 24 hours


class Kind(StrEnum):
    """The recovery, from the gravest: where one answer names several problems, the gravest decides."""

    IN_DOUBT = "in_doubt"
    FATAL = "fatal"
    REJECT = "reject"
    RETRY = "retry"


@dataclass(frozen=True)
class Rule:
    """What a code or a status means. ``lost`` is the recovery of a write where it differs from a read's."""

    kind: Kind
    cure: str
    lost: Kind | None = None
    duplicate: bool = False
    weak: bool = False
    """True for a code that only repeats that another item failed: any other problem tells more."""
    after: float | None = None


@dataclass(frozen=True)
class Classified:
    """An answer, classified. ``after`` is seconds to wait before a repetition, None if BILL tells nothing."""

    kind: Kind
    executed: Executed
    code: str
    message: str
    cure: str
    after: float | None = None

    def as_json(self) -> dict[str, str]:
        """The form that ``tieout inspect bill/error`` prints."""
        return {
            "class": self.kind.value,
            "executed": self.executed.value,
            "code": self.code,
            "message": self.message,
            "cure": self.cure,
        }

    def error(self, call: str, status: int) -> RecoveryError:
        """The error of recovery to raise."""
        if self.kind is Kind.RETRY:
            return Retry(self.message, code=self.code, cure=self.cure, call=call, status=status, after=self.after)
        if self.kind is Kind.REJECT:
            duplicate = self.executed is Executed.YES
            return Reject(self.message, code=self.code, cure=self.cure, call=call, status=status, duplicate=duplicate)
        kind = InDoubt if self.kind is Kind.IN_DOUBT else Fatal
        return kind(self.message, code=self.code, cure=self.cure, call=call, status=status)


SESSION_INVALID: Final = "BDC_1109"
NEXT_HOUR: Final = "BDC_1144"
NO_PERMISSION: Final = "BDC_1145"
FILTER_REFUSED: Final = frozenset({"BDC_1130", "BDC_1131"})

_LOOK = "Look it up in BILL before anything is sent again."
_BUG = "Report this as a defect of Tieout, with the code and the call."
_PAYER = "Tieout makes no payments; this concerns paying inside BILL."

CODES: Final[dict[str, Rule]] = {
    "BDC_1001": Rule(Kind.RETRY, "BILL failed; it is asked again later.", lost=Kind.IN_DOUBT),
    "BDC_1002": Rule(Kind.REJECT, f"BILL did not understand a parameter, or failed. {_BUG}", lost=Kind.IN_DOUBT),
    "BDC_1101": Rule(Kind.FATAL, "Correct the BILL user and password, or the name and value of the sync token."),
    "BDC_1102": Rule(Kind.FATAL, "Correct the developer key; a key works in its own environment only."),
    "BDC_1103": Rule(Kind.FATAL, "Have BILL activate the developer key."),
    "BDC_1104": Rule(Kind.FATAL, "Accept BILL's terms of service as the connection's user."),
    "BDC_1105": Rule(Kind.FATAL, "Have BILL give the organization access to its API."),
    "BDC_1107": Rule(Kind.RETRY, "BILL has locked the organization; if it stays so, ask BILL's support.", after=300.0),
    "BDC_1108": Rule(Kind.REJECT, "Fill in what BILL names as missing."),
    "BDC_1109": Rule(Kind.RETRY, "Sign in again once, then repeat the call once."),
    "BDC_1110": Rule(Kind.FATAL, "BILL has locked this sign-in; unlock it in BILL before trying again."),
    "BDC_1117": Rule(Kind.REJECT, "Fill in what BILL names as missing."),
    "BDC_1119": Rule(Kind.REJECT, "Correct the value that BILL names."),
    "BDC_1120": Rule(Kind.REJECT, "BILL has no such record; see whether it was made in another organization."),
    "BDC_1121": Rule(Kind.FATAL, f"Check the address of BILL's API in the settings. If it is right: {_BUG}"),
    "BDC_1122": Rule(Kind.REJECT, _BUG),
    "BDC_1123": Rule(Kind.FATAL, "Correct the organization's id; it begins with 008."),
    "BDC_1124": Rule(Kind.REJECT, "Correct the value that BILL names."),
    "BDC_1129": Rule(Kind.REJECT, "Correct the value that BILL names."),
    "BDC_1130": Rule(Kind.REJECT, _BUG),
    "BDC_1131": Rule(Kind.REJECT, _BUG),
    "BDC_1143": Rule(Kind.REJECT, "Correct the field that BILL names, for example a number that is too long."),
    "BDC_1144": Rule(
        Kind.RETRY, "The hour's calls or sign-ins of the developer key are spent; wait for the next hour."
    ),
    "BDC_1145": Rule(Kind.FATAL, "Give the BILL user this permission, or switch the feature on in BILL."),
    "BDC_1150": Rule(Kind.REJECT, _PAYER),
    "BDC_1151": Rule(Kind.REJECT, _PAYER),
    "BDC_1152": Rule(Kind.REJECT, "Choose another process date."),
    "BDC_1159": Rule(
        Kind.REJECT, "More than the bill's open amount would be paid; compare the payments on both sides."
    ),
    "BDC_1171": Rule(Kind.REJECT, "It is in BILL already: look it up and link it.", duplicate=True),
    "BDC_1205": Rule(
        Kind.REJECT, "BILL has no record with an id that was named; see whether it is of another organization."
    ),
    "BDC_1246": Rule(Kind.REJECT, "Send this one again without the one that failed.", weak=True),
    "BDC_1322": Rule(Kind.RETRY, "More than three calls at a time for the organization; it is repeated after a pause."),
    "BDC_1356": Rule(Kind.REJECT, _PAYER),
    "BDC_1358": Rule(Kind.REJECT, _PAYER),
    "BDC_1361": Rule(Kind.FATAL, "This needs a session confirmed by a second factor; signing in again does not help."),
    "BDC_1374": Rule(Kind.REJECT, _PAYER),
    "BDC_1402": Rule(Kind.REJECT, "Choose a process date at least two business days ahead."),
}
"""By BILL's code, whatever the status: the status of most codes is not documented."""

STATUSES: Final[dict[int, tuple[str, Rule]]] = {
    300: ("redirected", Rule(Kind.FATAL, "Check the address of BILL's API in the settings.")),
    400: ("bad_request", Rule(Kind.REJECT, "Correct the field that BILL names.")),
    401: ("unauthorized", Rule(Kind.RETRY, "Sign in again once, then repeat the call once.")),
    403: ("forbidden", Rule(Kind.FATAL, "Give the BILL user this permission.")),
    404: ("not_found", Rule(Kind.REJECT, "BILL has no such record, or the address of its API is wrong.")),
    408: ("timed_out", Rule(Kind.RETRY, "BILL did not wait for the call.", lost=Kind.IN_DOUBT)),
    422: ("refused", Rule(Kind.REJECT, "Correct what BILL names.")),
    423: ("locked", CODES["BDC_1107"]),
    429: ("rate_limited", Rule(Kind.RETRY, "Too many calls; it is repeated after a pause.")),
    500: ("server_error", Rule(Kind.RETRY, "BILL failed; it is asked again later.", lost=Kind.IN_DOUBT)),
}
"""By status, for answers whose code is missing or not in the table. A status not named here is its hundred's."""

LOGIN_REFUSED: Final = Rule(Kind.FATAL, "Correct the credentials of the connection's BILL side.")
"""A sign-in refused for any reason but load: repeating it would only spend the 200 sign-ins of the hour."""

UNREADABLE: Final = "unreadable"


def endpoint_of(call: str) -> Endpoint:
    """The kind of a call, written as ``POST /v3/bills``.

    Raises:
        ValueError: if the call is not a method and a path.
    """
    method, _, path = call.strip().partition(" ")
    method, path = method.upper(), path.strip()
    at = path.find("/v3/")
    if not method.isalpha() or at < 0:
        raise ValueError(f"a call is a method and a path, such as 'POST /v3/bills', not {call!r}")
    parts = path[at:].partition("?")[0].rstrip("/").split("/")[2:]
    if parts == ["login"] and method == "POST":
        return Endpoint.LOGIN
    if method in {"GET", "HEAD"}:
        return Endpoint.READ
    keyed = parts == ["subscriptions"] or parts[-1] in {"security_key", "security-key"}
    return Endpoint.KEYED if keyed and method == "POST" else Endpoint.WRITE


def classify(call: str, status: int, body: bytes) -> Classified:
    """What may be done after this answer. Pure: the same answer always means the same.

    Args:
        call: method and path, with or without ids: ``POST /v3/bills``.
        status: the HTTP status. 2xx is classified too, for an answer that cannot be read: it may have been executed.
        body: as received, of any shape.

    Raises:
        ValueError: if the call is not a method and a path.
    """
    endpoint = endpoint_of(call)
    problems = read_problems(body)
    if 200 <= status < 300:
        kind = Kind.RETRY if endpoint in {Endpoint.READ, Endpoint.LOGIN} else Kind.IN_DOUBT
        return _classified(kind, UNREADABLE, "the answer cannot be read", Rule(kind, _LOOK))
    errors = [one for one in problems if one.severity not in {"WARNING", "INFORMATION"}] or list(problems)
    judged = [(_rule(endpoint, status, one), one) for one in errors] or [
        (_rule(endpoint, status, Problem("", "")), Problem("", ""))
    ]
    kinds = list(Kind)
    rule, chosen = min(judged, key=lambda pair: (pair[0].weak, kinds.index(pair[0].kind)))
    code = chosen.code or STATUSES[_known(status)][0]
    message = _message([one for _, one in judged]) or f"HTTP {status} without a message"
    one_record = call.strip().upper().startswith("POST ") and not call.rstrip("/").endswith("/bulk")
    rule = replace(rule, duplicate=rule.duplicate and one_record)
    result = _classified(rule.kind, code, message, rule)
    return replace(result, after=_to_next_hour(chosen.timestamp)) if chosen.code == NEXT_HOUR else result


def _rule(endpoint: Endpoint, status: int, problem: Problem) -> Rule:
    """The table's answer for one problem: the code's, else the status's, as it applies to this kind of call."""
    rule = CODES.get(problem.code)
    if endpoint is Endpoint.LOGIN:
        if rule is None:
            rule = LOGIN_REFUSED if status < 500 and status not in {408, 423, 429} else STATUSES[_known(status)][1]
        fatal = rule.kind is Kind.REJECT or problem.code == SESSION_INVALID
        return replace(LOGIN_REFUSED, cure=rule.cure) if fatal else rule
    rule = rule or STATUSES[_known(status)][1]
    if endpoint is Endpoint.READ or rule.lost is None:
        return rule
    cure = "Send it again with the same idempotency key." if endpoint is Endpoint.KEYED else _LOOK
    return replace(rule, kind=rule.lost, cure=cure)


def _known(status: int) -> int:
    if status in STATUSES:
        return status
    hundred = status // 100 * 100
    return hundred if hundred in STATUSES else 500


def _classified(kind: Kind, code: str, message: str, rule: Rule) -> Classified:
    executed = Executed.NO
    if kind is Kind.IN_DOUBT:
        executed = Executed.UNKNOWN
    elif rule.duplicate:
        executed = Executed.YES
    return Classified(kind, executed, code, message, rule.cure, rule.after)


def _message(problems: list[Problem]) -> str:
    """The messages, verbatim, each once: BILL repeats some behind the id of the bill and ``" : "``."""
    told: list[str] = []
    for one in problems:
        if one.message and not any(one.message == old or one.message.endswith(f" : {old}") for old in told):
            told.append(one.message)
    return "; ".join(told)


def _to_next_hour(timestamp: str) -> float | None:
    """Seconds from BILL's own time to its next clock hour, None if it does not say what time it is."""
    try:
        now = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    start = now.replace(minute=0, second=0, microsecond=0)
    return (start + timedelta(hours=1) - now).total_seconds()
