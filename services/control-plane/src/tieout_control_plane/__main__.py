"""Start control-plane."""

import asyncio
import sys

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tieout.connections.key_wrapper import WrongMasterKey
from tieout.connections.secrets import SecretStore, StoreNotReady, engine_for
from tieout.domain.settings import Side
from tieout.observability.service import EXIT_FAILED, begin, end
from tieout.observability.settings import EXIT_WRONG_USE, load_or_exit
from tieout_control_plane.app import ControlPlane, LogUnavailable
from tieout_control_plane.database import migrate
from tieout_control_plane.log_writer import SERVICE
from tieout_control_plane.settings import ControlPlaneSettings
from tieout_control_plane.tokens import NoToken, Tokens


def main() -> None:
    """Run until SIGTERM. A missing or wrong master key, or no token, ends it at once with the cure."""
    settings = load_or_exit(ControlPlaneSettings)
    begin(SERVICE, settings)
    try:
        wrapper = settings.key_wrapper(*Side)
        engine = engine_for(settings.database_url.get_secret_value())
        migrate(engine)
        secrets, tokens = SecretStore(engine, wrapper), Tokens(engine)
        secrets.establish()
        tokens.install(settings.api_token.get_secret_value())
    except (WrongMasterKey, NoToken) as error:
        _refuse(str(error), EXIT_WRONG_USE)
    except StoreNotReady as error:
        _refuse(str(error), EXIT_FAILED)
    except SQLAlchemyError as error:
        _refuse(
            f"the database refused to be prepared: {type(error).__name__}: {getattr(error, 'orig', '')}", EXIT_FAILED
        )
    try:
        code = asyncio.run(_run(settings, engine, secrets, tokens))
    except (LogUnavailable, TimeoutError, OSError) as error:
        _refuse(str(error), EXIT_FAILED)
    end(code)


def _refuse(why: str, code: int) -> None:
    sys.stderr.write(f"control-plane does not start: {why}\n")
    end(code)


async def _run(settings: ControlPlaneSettings, engine: Engine, secrets: SecretStore, tokens: Tokens) -> int:
    return await ControlPlane(settings, engine, secrets, tokens).run()


if __name__ == "__main__":
    main()
