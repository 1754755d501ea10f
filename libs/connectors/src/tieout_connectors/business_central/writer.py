"""The write side of one Business Central company: five verbs for payments, funds transfers and reversals."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Self

from tieout.domain.erp_orders import ErpOrder, FundsTransferOrder, PaymentOrder, ReversalOrder
from tieout.domain.erp_outcomes import Found, NotYet, OpenAmount, Proof, Step, StepResult
from tieout_connectors.business_central.client import Client
from tieout_connectors.business_central.drafts import batch_code
from tieout_connectors.business_central.evidence import Evidence
from tieout_connectors.business_central.payments import Payments
from tieout_connectors.business_central.reversals import Reversals
from tieout_connectors.business_central.settings import BusinessCentralCredentials, BusinessCentralSettings
from tieout_connectors.business_central.transfers import Transfers


class BusinessCentralWriter:
    """Records orders in one company; see ``tieout_connectors.spi.erp_writer``. ``async with`` it, or ``close`` it.

    It keeps connections and a token, and nothing of an order.
    """

    def __init__(
        self,
        settings: BusinessCentralSettings,
        credentials: BusinessCentralCredentials,
        *,
        client: Client | None = None,
    ) -> None:
        self._client = client or Client(settings, credentials)
        evidence = Evidence(self._client)
        self._payments = Payments(self._client, evidence)
        self._transfers = Transfers(self._client, evidence)
        self._reversals = Reversals(self._client, evidence)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back connections and the token's renewal."""
        await self._client.close()

    def lane(self, order: ErpOrder) -> str:
        """The journal batch: each payment and each transfer has its own, and a reversal the one of its payment."""
        return f"batch/{batch_code(order.payment.mark if isinstance(order, ReversalOrder) else order.mark)}"

    def plan(self, order: ErpOrder) -> tuple[Step, ...]:
        """The steps that record the order."""
        if isinstance(order, PaymentOrder):
            return self._payments.plan(order)
        if isinstance(order, FundsTransferOrder):
            return self._transfers.plan(order)
        return self._reversals.plan(order)

    async def perform(self, order: ErpOrder, step: Step, done: Sequence[StepResult], deadline: float) -> StepResult:
        """Take one step: one changing call, once, after whatever has to be read for it."""
        if isinstance(order, PaymentOrder):
            handles = await self._payments.perform(order, step, done, deadline)
        elif isinstance(order, FundsTransferOrder):
            handles = await self._transfers.perform(order, step, done, deadline)
        else:
            handles = await self._reversals.perform(order, step, deadline)
        return StepResult(step=step.name, handles=handles)

    async def find(self, order: ErpOrder, taken: AbstractSet[str] = frozenset()) -> Found:
        """How the order stands, from what is recorded and what is posted."""
        if isinstance(order, PaymentOrder):
            return await self._payments.find(order, taken)
        if isinstance(order, FundsTransferOrder):
            return await self._transfers.find(order, taken)
        return await self._reversals.find(order)

    async def prove(self, order: ErpOrder, before: Sequence[OpenAmount]) -> Proof | NotYet:
        """The proof from the ledgers, or why there is none yet."""
        if isinstance(order, PaymentOrder):
            return await self._payments.prove(order, before)
        if isinstance(order, FundsTransferOrder):
            return await self._transfers.prove(order)
        return await self._reversals.prove(order, before)
