"""Start the decider."""

import asyncio
import shutil
from pathlib import Path

from prometheus_client import REGISTRY

from tieout.log.loop import TransactionalLoop
from tieout.log.rows import PREFIX
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout.observability.service import Work, begin, end, serve
from tieout.observability.settings import ServiceSettings, load_or_exit
from tieout_decider.counting import Counting
from tieout_decider.deciding import Decider
from tieout_decider.metrics import Positions


class DeciderSettings(ServiceSettings):
    """``batch``: facts per transaction. ``folder``: where the local cache of rows lives; a temporary one by default.

    A folder that is given belongs to one process.
    """

    batch: int = 500
    folder: Path | None = None


def swept(folder: Path | None) -> Path | None:
    """The folder without what a process that was killed has left there: nobody reads it again, and disks fill up."""
    for left in () if folder is None else tuple(folder.glob(f"{PREFIX}*")):
        shutil.rmtree(left)
    return folder


def main() -> None:
    """Run until SIGTERM."""
    settings = load_or_exit(DeciderSettings)
    begin("decider", settings)
    names = settings.names()
    counting = Counting()
    loop = TransactionalLoop(
        settings.kafka(),
        names,
        "decider",
        source=Topic.FACTS,
        state=Topic.STATE,
        process=Decider(names, counting).process,
        told=counting.committed,
        instance=settings.instance,
        batch=settings.batch,
        folder=swept(settings.folder),
    )
    REGISTRY.register(Positions(loop.positions))
    health = Health()
    health.probe("partitions", lambda: None if loop.assigned else "no partition is assigned yet")
    health.probe("facts", loop.halts.problem)
    end(asyncio.run(serve(settings, health, Work(loop.run, loop.stop))))


if __name__ == "__main__":
    main()
