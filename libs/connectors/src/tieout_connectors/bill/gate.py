"""What stands between the client and every call: budgets, lanes and fairness belong to a scheduler outside."""

from contextlib import AbstractAsyncContextManager, nullcontext
from enum import StrEnum
from typing import Protocol


class Limit(StrEnum):
    """Of whom BILL has had enough."""

    CALLS = "calls"
    """The developer key's calls of this hour."""
    LOGINS = "logins"
    """Its sign-ins of this hour."""
    ORGANIZATION = "organization"
    """The organization's calls: a gateway's 429 with a time to wait."""


class Gate(Protocol):
    """Asked before every call and every sign-in; it may wait, and it may refuse with an error of recovery.

    A context is held for exactly one HTTP call. A repetition after a 401 asks again, and a sign-in is never asked for
    while this task holds a call's context, so that three lanes cannot wait for each other.
    """

    async def call(self, call: str) -> AbstractAsyncContextManager[object]:
        """Room for one call, named by method and path template (``POST /v3/bills``)."""
        ...

    async def login(self) -> AbstractAsyncContextManager[object]:
        """Room for one sign-in."""
        ...

    def refused(self, limit: Limit, seconds: float) -> None:
        """BILL refused a call and said for how long: none that shares the limit may be made before."""
        ...


class OpenGate:
    """Lets everything through at once."""

    async def call(self, call: str) -> AbstractAsyncContextManager[object]:  # noqa: ARG002 - the protocol's name
        """Room for one call."""
        return nullcontext()

    async def login(self) -> AbstractAsyncContextManager[object]:
        """Room for one sign-in."""
        return nullcontext()

    def refused(self, limit: Limit, seconds: float) -> None:
        """Whoever was refused knows."""
