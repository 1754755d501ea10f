"""Behaviours that every ERP connector must show against its simulator, as suites to inherit.

    class TestBusinessCentralPayments(PaymentBehaviours):
        @pytest.fixture
        async def company(self) -> AsyncIterator[Company]: ...

A suite skips what the ERP has declared it cannot do; there is no other way to be excused.
"""

import pytest

pytest.register_assert_rewrite(
    "tieout_conformance.interference",
    "tieout_conformance.payments",
    "tieout_conformance.reading",
    "tieout_conformance.refusals",
    "tieout_conformance.reversals",
    "tieout_conformance.transfers",
    "tieout_conformance.walking",
)

from tieout_conformance.company import Company, Invoice, ReadCompany  # noqa: E402 - assertions are rewritten first
from tieout_conformance.interference import InterferenceBehaviours  # noqa: E402
from tieout_conformance.payments import PaymentBehaviours  # noqa: E402
from tieout_conformance.reading import ReadingBehaviours  # noqa: E402
from tieout_conformance.refusals import RefusalBehaviours  # noqa: E402
from tieout_conformance.reversals import ReversalBehaviours  # noqa: E402
from tieout_conformance.transfers import TransferBehaviours  # noqa: E402

__all__ = [
    "Company",
    "InterferenceBehaviours",
    "Invoice",
    "PaymentBehaviours",
    "ReadCompany",
    "ReadingBehaviours",
    "RefusalBehaviours",
    "ReversalBehaviours",
    "TransferBehaviours",
    "WriterBehaviours",
]


class WriterBehaviours(
    PaymentBehaviours, InterferenceBehaviours, RefusalBehaviours, ReversalBehaviours, TransferBehaviours
):
    """Everything a write side must show, under one ``company`` fixture."""
