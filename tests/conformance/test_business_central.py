"""Business Central keeps the promises of every ERP connector, against its simulator over sockets."""

from collections.abc import AsyncIterator

import pytest

from support.business_central_company import BusinessCentralCompany, company_of
from support.business_central_reading import ReadBusinessCentral, read_company_of
from tieout_conformance import ReadingBehaviours, WriterBehaviours
from tieout_devstack.certificates import Authority, authority


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


class TestBusinessCentralWriter(WriterBehaviours):
    """Payments, funds transfers and reversals."""

    @pytest.fixture
    async def company(self, throw_away: Authority) -> AsyncIterator[BusinessCentralCompany]:
        """A company of its own for each test."""
        async with company_of(throw_away) as made:
            yield made


class TestBusinessCentralReader(ReadingBehaviours):
    """Vendors, accounts, dimension values and open items."""

    @pytest.fixture
    async def company(self, throw_away: Authority) -> AsyncIterator[ReadBusinessCentral]:
        """A company of its own for each test."""
        async with read_company_of(throw_away) as made:
            yield made
