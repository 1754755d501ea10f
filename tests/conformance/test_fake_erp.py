"""The conformance kit's write side holds for an ERP that does everything right, in each way an ERP can be."""

import pytest

from support.fake_erp.company import FakeCompany
from tieout_conformance import Company, WriterBehaviours


class TestPostingErp(WriterBehaviours):
    """Posts over the wire; a reversal is a person's."""

    @pytest.fixture
    async def company(self) -> Company:
        """A company for this test alone."""
        return FakeCompany()


class TestReversingErp(WriterBehaviours):
    """Posts and reverses over the wire."""

    @pytest.fixture
    async def company(self) -> Company:
        """A company for this test alone."""
        made = FakeCompany()
        with made.erp.open() as books:
            books.reverses = True
        return made


class TestErpThatPeoplePost(WriterBehaviours):
    """Everything that is recorded waits for a person."""

    @pytest.fixture
    async def company(self) -> Company:
        """A company for this test alone."""
        made = FakeCompany()
        with made.erp.open() as books:
            books.posts = False
        return made
