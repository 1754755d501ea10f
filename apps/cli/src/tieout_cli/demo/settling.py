"""Waiting until nothing is under way any more."""

from collections.abc import Callable
from typing import Final

from tieout_cli.demo.progress import Progress
from tieout_cli.demo.scene import Scene

# Three hundred bills with their masters take some 20 s on two idle cores; ten times that on a machine that is busy.
SETTLE_SECONDS: Final = 400.0
_TOLD: Final = {"vendor": "vendors", "account": "accounts", "dimension": "dimension values", "bill": "bills"}


def settle(scene: Scene, progress: Progress, what: str, also: Callable[[], bool] = lambda: True) -> None:
    """Wait until every message is read, every command answered, BILL has told all it has to tell, and ``also`` holds.

    Raises NotReady, with the log that tells most, if that takes too long.
    """

    def look() -> bool:
        quiet = scene.view.quiet() and also() and not scene.bill.ask("/_sandbox/webhooks")["pending"]
        progress.at(_standing(scene))
        return quiet

    scene.until(look, seconds=SETTLE_SECONDS, what=what)


def _standing(scene: Scene) -> str:
    told = []
    for kind, name in _TOLD.items():
        phases = scene.view.phases(kind)
        if phases:
            told.append(f"{phases['linked']}/{phases.total() - phases['ignored']} {name}")
    return ", ".join(told)
