"""``python -m tieout_erp_poller``."""

import asyncio
import os
import sys

from tieout.connections.key_wrapper import WrongMasterKey
from tieout.connections.secrets import StoreNotReady
from tieout.domain.settings import Side
from tieout.observability import crash_points
from tieout.observability.logging import configure
from tieout.observability.settings import EXIT_WRONG_USE, load_or_exit
from tieout_erp_poller.credentials import StoreReaders
from tieout_erp_poller.service import serve
from tieout_erp_poller.settings import PollerSettings


def main() -> None:
    """Read the settings, open the store of secrets, then run until stopped."""
    settings = load_or_exit(PollerSettings)
    configure("erp-poller", settings.log_level)
    crash_points.install(crash_points.CrashPoints(settings.crash_list, settings.crash_at))
    try:
        store = settings.secret_store(Side.ERP)
        code = asyncio.run(serve(settings, StoreReaders(store), store))
    except (WrongMasterKey, StoreNotReady) as error:
        sys.stderr.write(f"erp-poller does not start: {error}\n")
        raise SystemExit(EXIT_WRONG_USE) from None
    sys.stderr.flush()
    # A thread of a client library that hangs must not keep a process that has ended.
    os._exit(code)


if __name__ == "__main__":
    main()
