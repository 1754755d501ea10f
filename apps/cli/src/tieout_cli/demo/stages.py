"""What the demo does once everything runs: a table of stages, each a function over the scene.

A stage that finds a part of Tieout missing fails and says which: what was not done must not look like what went well.
To add one: write its function, put it into the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tieout.domain.records import POLLED
from tieout_cli.demo import comparing, owner, paying
from tieout_cli.demo.findings import Findings
from tieout_cli.demo.progress import Progress
from tieout_cli.demo.scene import Scene
from tieout_cli.demo.settling import settle
from tieout_cli.output import CliError

CLOCKS: Final = ("start", "sync", "pay", "compare")
"""The times that a report tells."""


@dataclass(frozen=True)
class Stage:
    """``clock`` names the time it is counted under."""

    clock: str
    title: str
    run: Callable[[Scene, Progress, Findings], None]


def connect(scene: Scene, progress: Progress, findings: Findings) -> None:
    """The owner's part: settings, credentials, check; from then on the connection is active."""
    progress.at("settings and credentials")
    owner.apply(scene, "draft")
    owner.give_secrets(scene)
    progress.at("asking both systems")
    findings.warnings = owner.check(scene)
    owner.apply(scene, "active")


def synchronize(scene: Scene, progress: Progress, _findings: Findings) -> None:
    """Read the ERP, and wait until nothing of it is under way any more.

    Raises:
        CliError: some kind of record was not read to its end.
    """
    owner.sync(scene)
    settle(scene, progress, "synchronizing")
    unread = [kind.value for kind in POLLED if not scene.view.seen(kind)]
    if unread:
        raise CliError(f"not read to the end in the ERP: {', '.join(unread)}", lines=[scene.complaints()], word="demo")


STAGES: Final = (
    Stage("start", "the connection: settings, credentials, both systems asked", connect),
    Stage("sync", "vendors, accounts, dimensions and invoices to BILL", synchronize),
    Stage("pay", "bills paid, payments posted and applied in the ERP", paying.pay),
    Stage("compare", "the tie-out of both ledgers", comparing.compare),
)
