"""BILL's refusals: one table of codes, and their shapes on the wire.

Where BILL's pages leave the HTTP status open, the table holds the value that this simulator uses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout_sandbox.bill.times import printed


@dataclass(frozen=True)
class Code:
    """One of BILL's codes: HTTP status, category, text (``{}`` takes the particulars)."""

    status: int
    category: str
    text: str


CODES: dict[str, Code] = {
    "BDC_1001": Code(500, "SERVER", "System error. {}"),
    "BDC_1101": Code(401, "REQUEST", "Invalid user name or password."),
    "BDC_1102": Code(401, "REQUEST", "Invalid developer key."),
    "BDC_1103": Code(403, "REQUEST", "The developer key is not active."),
    "BDC_1107": Code(423, "DOWNSTREAM", "The organization is locked out."),
    "BDC_1109": Code(401, "DOWNSTREAM", "Session is invalid. Please log in."),
    "BDC_1110": Code(401, "REQUEST", "Login is locked."),
    "BDC_1117": Code(400, "REQUEST", "{}"),
    "BDC_1119": Code(400, "REQUEST", "{}"),
    "BDC_1121": Code(404, "REQUEST", "API is not supported: {}"),
    "BDC_1122": Code(400, "REQUEST", "Request body is not parsable JSON."),
    "BDC_1123": Code(401, "REQUEST", "Invalid organization id."),
    "BDC_1124": Code(400, "REQUEST", "{}"),
    "BDC_1129": Code(400, "REQUEST", "{}"),
    "BDC_1130": Code(400, "REQUEST", "Filter field is not allowed: {}"),
    "BDC_1131": Code(400, "REQUEST", "Filter operator is not allowed: {}"),
    "BDC_1143": Code(400, "DOWNSTREAM", "Invalid entity data. {}"),
    "BDC_1144": Code(422, "DOWNSTREAM", "Max number of allowed requests per hour reached: {}."),
    "BDC_1145": Code(403, "DOWNSTREAM", "User does not have permission to perform this operation: {}"),
    "BDC_1151": Code(422, "DOWNSTREAM", "The funding account cannot pay online: {}"),
    "BDC_1152": Code(422, "DOWNSTREAM", "Invalid process date: {}"),
    "BDC_1159": Code(422, "DOWNSTREAM", "The payment exceeds the amount due of the bill: {}"),
    "BDC_1171": Code(422, "DOWNSTREAM", "Invoice number already exists: {}"),
    "BDC_1205": Code(404, "DOWNSTREAM", "No object exists with the id: {}"),
    "BDC_1246": Code(422, "DOWNSTREAM", "Rolled back because another item of the request failed."),
    "BDC_1322": Code(422, "DOWNSTREAM", "Max number of concurrent requests per organization reached."),
    "BDC_1356": Code(400, "REQUEST", "The code has expired or is wrong."),
    "BDC_1358": Code(400, "REQUEST", "Too many attempts."),
    "BDC_1361": Code(403, "REQUEST", "Untrusted session."),
}

RATE_CODES = ("BDC_1144", "BDC_1322")


@dataclass(frozen=True)
class Problem:
    """One item of a refusal. ``subject`` is a bill's id, where BILL repeats the problem with it in front."""

    code: str
    detail: str = ""
    subject: str = ""

    @property
    def message(self) -> str:
        """The text a person reads."""
        return CODES[self.code].text.format(self.detail)


class Refusal(Exception):
    """BILL does not do what was asked."""

    def __init__(self, problems: Sequence[Problem], status: int | None = None) -> None:
        super().__init__("; ".join(f"{one.code} {one.message}" for one in problems))
        self.problems = tuple(problems)
        self.status = status or CODES[problems[0].code].status


def refuse(code: str, detail: str = "", *, status: int | None = None, subject: str = "") -> Refusal:
    """A refusal for one reason, to be raised."""
    return Refusal([Problem(code, detail, subject)], status)


def status_of(refusal: Refusal, switches: Mapping[str, Any]) -> int:
    """The HTTP status; installations may answer rate limits with another one."""
    if refusal.problems[0].code in RATE_CODES:
        return int(switches["rate_limit_status"])
    return refusal.status


def body_of(refusal: Refusal, now: datetime, switches: Mapping[str, Any]) -> Any:
    """The body as the switches ``error_items``, ``error_params``, ``error_body`` and ``doubled_messages`` want it."""
    minimal = switches["error_items"] == "minimal" or (
        switches["error_items"] == "minimal_shape" and refusal.status == 400
    )
    items: list[dict[str, Any]] = []
    for problem in refusal.problems:
        messages = [problem.message]
        if switches["doubled_messages"] and problem.subject:
            messages.append(f"{problem.subject} : {problem.message}")
        items += [_minimal(one) if minimal else _full(problem, one, now, switches) for one in messages]
    if switches["error_body"] == "object":
        return {"message": items[0]["message"]}
    return {"errors": items} if switches["error_body"] == "errors" else items


def _minimal(message: str) -> dict[str, Any]:
    return {"message": message, "severity": "ERROR"}


def _full(problem: Problem, message: str, now: datetime, switches: Mapping[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "timestamp": printed(now),
        "code": problem.code,
        "severity": "ERROR",
        "category": CODES[problem.code].category,
        "message": message,
    }
    if switches["error_params"] == "object":
        item["params"] = {}
    elif switches["error_params"] == "array":
        item["params"] = [{"name": "paramName0", "value": problem.detail, "additional": {}}]
    return item
