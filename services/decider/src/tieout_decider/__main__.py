"""Start the decider."""

import asyncio
from pathlib import Path

from tieout.log.loop import TransactionalLoop
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout.observability.service import Work, begin, end, serve
from tieout.observability.settings import ServiceSettings, load_or_exit
from tieout_decider.deciding import Decider


class DeciderSettings(ServiceSettings):
    """``batch``: facts per transaction. ``folder``: where the local cache of rows lives; a temporary one by default."""

    batch: int = 500
    folder: Path | None = None


def main() -> None:
    """Run until SIGTERM."""
    settings = load_or_exit(DeciderSettings)
    begin("decider", settings)
    names = settings.names()
    loop = TransactionalLoop(
        settings.kafka(),
        names,
        "decider",
        source=Topic.FACTS,
        state=Topic.STATE,
        process=Decider(names).process,
        instance=settings.instance,
        batch=settings.batch,
        folder=settings.folder,
    )
    health = Health()
    health.probe("partitions", lambda: None if loop.assigned else "no partition is assigned yet")
    end(asyncio.run(serve(settings, health, Work(loop.run, loop.stop))))


if __name__ == "__main__":
    main()
