"""erp-poller with the ERP that exists in tests only, and without a store of secrets."""

import asyncio
import os
import sys
from pathlib import Path

from support.fake_erp.reader import FakeReaders
from tieout.observability import crash_points
from tieout.observability.logging import configure
from tieout.observability.settings import load_or_exit
from tieout_erp_poller.service import serve
from tieout_erp_poller.settings import PollerSettings


class NoStore:
    """Holds nothing and is always ready."""

    def verify(self) -> None:
        """Nothing to verify."""


settings = load_or_exit(PollerSettings)
configure("erp-poller", settings.log_level)
crash_points.install(crash_points.CrashPoints(settings.crash_list, settings.crash_at))
code = asyncio.run(serve(settings, FakeReaders(Path(os.environ["FAKE_ERP"])), NoStore()))
sys.stderr.flush()
os._exit(code)
