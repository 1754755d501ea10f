"""The four errors of recovery: what may be done next, not what went wrong.

    RecoveryError
    ├── Retry      known not executed: the same call may be made again
    ├── InDoubt    may have been executed: look it up, never repeat it blindly
    ├── Reject     this record can never succeed as it is: tell a person
    └── Fatal      the connection (or the process) cannot go on until somebody acts

Connectors raise nothing else on purpose. Catch one only where you can act on it.
"""

from enum import StrEnum


class Executed(StrEnum):
    """What is known about a call's effect outside."""

    NO = "no"
    UNKNOWN = "unknown"
    YES = "yes"


class RecoveryError(Exception):
    """An answer, or the lack of one, classified by what may be done next.

    Attributes:
        message: what the outside said, verbatim where there is an answer; never a secret.
        code: the outside's own code (``BDC_1109``, ``Application_DialogException``), or our short word for none.
        cure: what a person can do about it, in one sentence; empty if nothing is needed.
        call: method and path template of the call, for example ``POST /v3/bills``.
        status: HTTP status, 0 if there was no answer.
    """

    kind: str = ""
    executed: Executed = Executed.NO

    def __init__(self, message: str, *, code: str = "", cure: str = "", call: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.cure = cure
        self.call = call
        self.status = status

    def __str__(self) -> str:
        where = " ".join(part for part in (self.call, str(self.status or ""), self.code) if part)
        return f"{self.message} ({where})" if where else self.message


class Retry(RecoveryError):
    """Known not executed: 401, 429, a rate code, no connection. ``after`` is seconds, None if not told."""

    kind = "retry"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        cure: str = "",
        call: str = "",
        status: int = 0,
        after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, cure=cure, call=call, status=status)
        self.after = after


class InDoubt(RecoveryError):
    """Bytes may have left and no clear answer came: time-out, reset, 5xx, unreadable 2xx."""

    kind = "in_doubt"
    executed = Executed.UNKNOWN


class Reject(RecoveryError):
    """The outside refused this record. ``executed`` is YES only for a refusal as duplicate: it is there already."""

    kind = "reject"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        cure: str = "",
        call: str = "",
        status: int = 0,
        duplicate: bool = False,
    ) -> None:
        super().__init__(message, code=code, cure=cure, call=call, status=status)
        self.executed = Executed.YES if duplicate else Executed.NO


class Fatal(RecoveryError):
    """Credentials, permission or address are wrong: this connection stops until somebody acts."""

    kind = "fatal"
