"""Start bill-writer."""

import asyncio
import sys

from tieout.connections.secrets import SecretStore, StoreNotReady, WrongMasterKey
from tieout.domain.settings import Side
from tieout.observability.health import Health
from tieout.observability.service import EXIT_FAILED, Work, begin, end, serve
from tieout.observability.settings import EXIT_WRONG_USE, load_or_exit
from tieout_bill_writer.app import SERVICE, BillWriter
from tieout_bill_writer.settings import BillWriterSettings


def main() -> None:
    """Run until SIGTERM. A missing or wrong key ends it at once, with the cure."""
    settings = load_or_exit(BillWriterSettings)
    begin(SERVICE, settings)
    try:
        secrets = settings.secret_store(Side.BILL)
        secrets.verify()
    except WrongMasterKey as error:
        sys.stderr.write(f"{error}\n")
        end(EXIT_WRONG_USE)
    except StoreNotReady as error:
        sys.stderr.write(f"{error}\n")
        end(EXIT_FAILED)
    end(asyncio.run(_run(settings, secrets)))


async def _run(settings: BillWriterSettings, secrets: SecretStore) -> int:
    health = Health()
    writer = BillWriter(settings, secrets, health)
    return await serve(settings, health, Work(writer.run, writer.stop))


if __name__ == "__main__":
    main()
