"""The tie-out, as control-plane makes it: three equations, and every difference by its class."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tieout_cli.client import TIMEOUT, path_of
from tieout_cli.demo.figures import Difference
from tieout_cli.demo.place import CONNECTION
from tieout_cli.demo.progress import Progress
from tieout_cli.demo.scene import Scene

if TYPE_CHECKING:
    from tieout_cli.demo.findings import Findings

SECONDS: Final = 120.0
EQUATIONS: Final = ("subledger", "bill", "clearing")


def compare(scene: Scene, progress: Progress, findings: "Findings") -> None:
    """Make a fresh tie-out of today."""
    progress.at("reading both ledgers")
    body = {"fresh": True, "seconds": SECONDS}
    answer = scene.api.call("POST", path_of(CONNECTION, "tie-outs"), body, timeout=2 * SECONDS + TIMEOUT)
    result = answer["result"]
    findings.tieout = {name: result[name] for name in (*EQUATIONS, "differences", "out_of_scope")}
    findings.tieout_differences = unexplained(result)


def unexplained(result: Mapping[str, Any]) -> list[Difference]:
    """What of a tie-out nobody expects: differences, and equations that could not be compared."""
    found = [
        Difference(
            f"tie-out ({one['equation']}): {one['class']}",
            tuple(one["documents"]),
            Decimal(one["amount"] or 0),
            one["currency"],
            one["text"],
        )
        for one in result["differences"]
        if not one["expected"]
    ]
    found += [
        Difference(f"tie-out ({name})", (), Decimal(0), "", f"not compared: {result[name]['problem']}")
        for name in EQUATIONS
        if result[name]["status"] == "unknown"
    ]
    return found
