"""A second synchronization, which must write nothing: by the simulators' ledgers and by their logs of calls."""

import time
from typing import Any

from tieout_cli.demo import stages, traffic
from tieout_cli.demo.findings import Again, Findings
from tieout_cli.demo.outside import World
from tieout_cli.demo.progress import Progress
from tieout_cli.demo.scene import Scene


def again(scene: Scene, progress: Progress, findings: Findings, *, cold: bool) -> Again:
    """Synchronize once more. ``cold``: first lose Kafka and PostgreSQL, and give the secrets again."""
    began = time.monotonic()
    worlds = {"bill": scene.bill, "erp": scene.erp}
    before = {side: world.ledger() for side, world in worlds.items()}
    seen = {world.name: last_call(world) for world in (*worlds.values(), scene.entra)}
    if cold:
        with progress.stage("Kafka and PostgreSQL dropped, and everything of Tieout started anew"):
            scene.stop_services()
            scene.drop_ground()
            scene.start_ground()
            scene.start_services()
        with progress.stage("the connection: settings, credentials, both systems asked"):
            stages.connect(scene, progress, findings)
    with progress.stage("synchronized once more"):
        stages.synchronize(scene, progress, findings)
    after = {side: world.ledger() for side, world in worlds.items()}
    calls = {side: world.requests(seen[world.name]) for side, world in worlds.items()}
    return Again(
        cold=cold,
        writes={side: traffic.writes(called) for side, called in calls.items()},
        changed={side: traffic.changed(before[side], after[side]) for side in worlds},
        calls=spent(calls, scene.entra.requests(seen[scene.entra.name])),
        seconds=time.monotonic() - began,
    )


def last_call(world: World) -> int:
    """The number of the last call a world saw."""
    return max((one["number"] for one in world.requests()), default=0)


def spent(calls: dict[str, list[dict[str, Any]]], tokens: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Counts by side; the ERP's log-ins are the tokens that Entra gave."""
    counts = {side: traffic.spent(called) for side, called in calls.items()}
    counts["erp"]["logins"] = sum(map(traffic.is_login, tokens))
    return counts
