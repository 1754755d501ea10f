"""What the demo does once everything runs: a table of stages, each a function over the scene.

A stage whose part of Tieout is not there yet is left out, and the report says so. To add one: write its function, say
when it cannot be done, put it into the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tieout_cli.demo import comparing, owner, paying, plan
from tieout_cli.demo.findings import Findings
from tieout_cli.demo.progress import Progress
from tieout_cli.demo.scene import Scene
from tieout_cli.demo.settling import settle

CLOCKS: Final = ("start", "sync", "pay", "compare")
"""The times that a report tells."""


@dataclass(frozen=True)
class Stage:
    """``clock`` names the time it is counted under; ``absent`` says why it cannot be done, ``""`` if it can."""

    clock: str
    title: str
    run: Callable[[Scene, Progress, Findings], None]
    absent: Callable[[Scene], str] = lambda _scene: ""


def connect(scene: Scene, progress: Progress, findings: Findings) -> None:
    """The owner's part: settings, credentials, check; from then on the connection is active."""
    progress.at("settings and credentials")
    owner.apply(scene, "draft")
    owner.give_secrets(scene)
    progress.at("asking both systems")
    findings.warnings = owner.check(scene)
    owner.apply(scene, "active")


def synchronize(scene: Scene, progress: Progress, _findings: Findings) -> None:
    """Read the ERP, and wait until nothing of it is under way any more."""
    owner.sync(scene)
    settle(scene, progress, "synchronizing")


def _without_payments(scene: Scene) -> str:
    """Asked once the connection is active: a version that reads BILL's payments has subscribed to them by then."""
    if not plan.has(plan.WRITEBACK):
        return f"{plan.WRITEBACK} is not there yet, so nothing was paid"
    subscribed = scene.bill.ask("/_sandbox/webhooks")["subscriptions"]
    return "" if subscribed else "BILL's payments are not read by this version yet, so nothing was paid"


STAGES: Final = (
    Stage("start", "the connection: settings, credentials, both systems asked", connect),
    Stage("sync", "vendors, accounts, dimensions and invoices to BILL", synchronize),
    Stage("pay", "bills paid, payments posted and applied in the ERP", paying.pay, _without_payments),
    Stage("compare", "the tie-out of both ledgers", comparing.compare, comparing.absent),
)
