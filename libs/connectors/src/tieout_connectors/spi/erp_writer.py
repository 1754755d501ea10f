"""The protocol of an ERP connector: its write side, five verbs for every kind of order.

    find ──► next_step ──► (intent committed) ──► perform ──► (result committed) ──► find … ──► prove

The caller owns the log, the order of things and what is done in doubt; a connector owns none of it and keeps no state
between calls. Before each step ``find`` says how far the order has come, so a crash, a lost answer and a person's hand
are one case. ``tieout.domain.erp_outcomes.next_step`` picks the step.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from tieout.domain.erp_orders import ErpOrder
from tieout.domain.erp_outcomes import Found, NotYet, OpenAmount, Proof, Step, StepResult


class ErpWriter(Protocol):
    """Records orders in one ERP company. Errors are the four of ``tieout.domain.errors``.

    An order that the ERP cannot take over the wire (see its capabilities) has an empty plan: it is done by hand, and
    ``find`` and ``prove`` see it all the same. Nothing that is posted is ever edited.
    """

    def lane(self, order: ErpOrder) -> str:
        """Orders of one lane must not be between their first and their posting step at the same time. Pure.

        Two orders share a lane where one's step could touch the other's lines: a journal batch that is posted whole.
        """
        ...

    def plan(self, order: ErpOrder) -> tuple[Step, ...]:
        """The steps that record the order, in their order; the same for the same order and settings. Pure.

        Each step is one call that changes something. At most one of them posts, and what comes before it is harmless.

        Raises:
            Reject: the order can never be recorded as it is: too long, a credit or a discount that cannot be applied.
        """
        ...

    async def perform(self, order: ErpOrder, step: Step, done: Sequence[StepResult], deadline: float) -> StepResult:
        """Take one step: one call that changes something, made once, after whatever has to be read for it.

        A posting step reads first what it would post and refuses if that is not exactly the order.

        Args:
            order: the order the step belongs to.
            step: of this order's plan.
            done: results of the steps before it, as they were committed or found.
            deadline: ``time.monotonic()`` after which the call must not be written any more.

        Raises:
            Retry: nothing changed; the same step may be taken again.
            InDoubt: it may have taken effect; look by ``find`` after the step's settle time.
            Reject: refused, nothing changed; ``duplicate`` if something of that mark is there already.
            Fatal: credentials, rights or address.
        """
        ...

    async def find(self, order: ErpOrder, taken: AbstractSet[str] = frozenset()) -> Found:
        """How the order stands, from everything that can be read: by its mark, else by its natural key.

        It looks at what is recorded and at what is posted, in that order, so that a posting in between is seen. What
        ``taken`` names (ids and numbers already linked to other orders) is no candidate by natural key. ABSENT is said
        only if every place where it could stand was read to its end.
        """
        ...

    async def prove(self, order: ErpOrder, before: Sequence[OpenAmount]) -> Proof | NotYet:
        """The proof from the ledgers that the order is booked, or why there is none yet.

        ``before`` is what ``find`` saw open before the first step; an ERP that does not show which payment settled
        which document measures from it. A status code of a call is never a proof.

        Raises:
            Retry, Fatal: it could not be read now.
            Reject: code ``not_provable``: posted, but this ERP does not show what would prove it.
        """
        ...

    async def close(self) -> None:
        """Give back connections and sessions; the writer is of no use afterwards."""
        ...
