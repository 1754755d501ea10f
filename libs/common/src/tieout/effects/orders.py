"""What an ERP's writer plugs into the runtime: orders of several steps, found again by their marks.

The shape is that of a connector's write side, which knows nothing of the log; the names and promises are the same.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tieout.domain.erp_orders import ErpOrder
from tieout.domain.erp_outcomes import Found, NotYet, OpenAmount, Proof, Step, StepResult
from tieout.effects.port import Connections


class OrderWriter(Protocol):
    """Records orders in one ERP company. Errors are the four of ``tieout.domain.errors``."""

    def lane(self, order: ErpOrder) -> str:
        """What must not be between its first and its posting step at the same time as another of the lane. Pure."""
        ...

    def plan(self, order: ErpOrder) -> tuple[Step, ...]:
        """The steps that record the order; empty where a person does it. Pure. Raises Reject."""
        ...

    async def perform(self, order: ErpOrder, step: Step, done: Sequence[StepResult], deadline: float) -> StepResult:
        """Take one step: one call that changes something, made once and not after ``deadline`` (monotonic)."""
        ...

    async def find(self, order: ErpOrder, taken: AbstractSet[str]) -> Found:
        """How the order stands, by its mark, else by its natural key. ``taken`` are no candidates."""
        ...

    async def prove(self, order: ErpOrder, before: Sequence[OpenAmount]) -> Proof | NotYet:
        """The proof from the ledgers, or why there is none yet; measured from what was open before the first step."""
        ...


class OrderConnections(Connections, Protocol):
    """What the writer of orders knows of connections, beside what every writer does."""

    def may_write(self, connection: str) -> bool:
        """Whether the owner lets anything be written now: the connection is active."""
        ...

    def is_sick(self, connection: str) -> bool:
        """Whether its commands are parked until it is healed."""
        ...

    def writer(self, connection: str) -> AbstractAsyncContextManager[OrderWriter]:
        """The writer as of today's settings and credentials, for the time of one look and one step.

        Raises:
            Fatal: there are no credentials, or they are of no use. Retry: they cannot be read now.
        """
        ...
