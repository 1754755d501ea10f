"""``python -m tieout_webhook_ingest``."""

import asyncio
import os
import sys

from tieout.connections.key_wrapper import WrongMasterKey
from tieout.connections.secrets import StoreNotReady
from tieout.domain.settings import Side
from tieout.observability import crash_points
from tieout.observability.logging import configure
from tieout.observability.settings import EXIT_WRONG_USE, load_or_exit
from tieout_webhook_ingest.certificate import Certificate, WrongCertificate
from tieout_webhook_ingest.service import serve
from tieout_webhook_ingest.settings import IngestSettings


def main() -> None:
    """Read the settings, load the certificate, open the store of secrets, then run until stopped."""
    settings = load_or_exit(IngestSettings)
    configure("webhook-ingest", settings.log_level)
    crash_points.install(crash_points.CrashPoints(settings.crash_list, settings.crash_at))
    try:
        code = asyncio.run(serve(settings, settings.secret_store(Side.BILL), _certificate(settings)))
    except (WrongMasterKey, StoreNotReady, WrongCertificate) as error:
        sys.stderr.write(f"webhook-ingest does not start: {error}\n")
        raise SystemExit(EXIT_WRONG_USE) from None
    sys.stderr.flush()
    # A thread of a client library that hangs must not keep a process that has ended.
    os._exit(code)


def _certificate(settings: IngestSettings) -> Certificate | None:
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    return Certificate(settings.tls_certificate_file, settings.tls_key_file)


if __name__ == "__main__":
    main()
