"""payment-writeback with the ERP that exists in tests only: its books are the file that FAKE_ERP names."""

import os
from collections.abc import Mapping
from pathlib import Path

from support.fake_erp.books import Erp
from support.fake_erp.writer import FakeWriter
from tieout.domain.errors import Fatal
from tieout.domain.records import ReadContext
from tieout.domain.settings import ErpSettings
from tieout_connectors import opening
from tieout_payment_writeback import __main__


class Probe:
    """Lets in whoever knows the password."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._password = credentials["client_secret"]

    async def context(self) -> ReadContext:
        """The company."""
        if self._password != "right":
            raise Fatal("wrong password", code="password", cure="Set it again.")
        return ReadContext(company="c1", local_currency="USD")

    async def close(self) -> None:
        """Nothing to give back."""


def _writer(_settings: ErpSettings, credentials: Mapping[str, str]) -> FakeWriter:
    if credentials["client_secret"] != "right":
        raise Fatal("wrong password", code="password", cure="Set it again.")
    return FakeWriter(Erp(Path(os.environ["FAKE_ERP"])))


opening.WRITERS["business-central"] = _writer
opening.READERS["business-central"] = lambda _settings, values: Probe(values)  # type: ignore[assignment,return-value]
__main__.main()
