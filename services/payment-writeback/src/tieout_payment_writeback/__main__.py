"""Start payment-writeback."""

import asyncio
import sys

from tieout.connections.secrets import SecretStore, StoreNotReady, WrongMasterKey
from tieout.domain.settings import Side
from tieout.observability.health import Health
from tieout.observability.service import EXIT_FAILED, Work, begin, end, serve
from tieout.observability.settings import EXIT_WRONG_USE, load_or_exit
from tieout_payment_writeback.app import SERVICE, PaymentWriteback
from tieout_payment_writeback.settings import WritebackSettings


def main() -> None:
    """Run until SIGTERM. A missing or wrong key ends it at once, with the cure."""
    settings = load_or_exit(WritebackSettings)
    begin(SERVICE, settings)
    try:
        secrets = settings.secret_store(Side.ERP)
        secrets.verify()
    except WrongMasterKey as error:
        sys.stderr.write(f"{error}\n")
        end(EXIT_WRONG_USE)
    except StoreNotReady as error:
        sys.stderr.write(f"{error}\n")
        end(EXIT_FAILED)
    end(asyncio.run(_run(settings, secrets)))


async def _run(settings: WritebackSettings, secrets: SecretStore) -> int:
    health = Health()
    writeback = PaymentWriteback(settings, secrets, health)
    return await serve(settings, health, Work(writeback.run, writeback.stop))


if __name__ == "__main__":
    main()
