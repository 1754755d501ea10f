"""What the services of a demo have written to their logs at INFO, beside the effects that its log of events holds."""

import json
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tieout_cli.demo.place import CONNECTION, Place

BESIDE: Final = Counter(
    {
        # Its start, and its webhook feed that is on.
        "bill-writer": 2,
        # That it listens and has started, the connection applied as draft and as active, both sides' credentials, and
        # one comparison.
        "control-plane": 7,
        "decider": 1,
        "erp-poller": 1,
        "fact-mapper": 1,
        "payment-writeback": 1,
        "webhook-ingest": 1,
    }
)
"""How many lines at INFO a service may write in the demo's first run beside one for each of its effects."""
ENDED: Final = frozenset({"applied", "found", "rejected", "absent", "escalated", "parked", "stale", "expired"})


@dataclass(frozen=True)
class Lines:
    """Lines at INFO by service and event, and the effects that had ended by then, by the service that made them."""

    told: Counter[tuple[str, str]]
    effects: Counter[str]

    def by_service(self) -> Counter[str]:
        """All lines of each service."""
        found: Counter[str] = Counter()
        for (service, _event), count in self.told.items():
            found[service] += count
        return found


def lines_of(folder: Path) -> Lines:
    """The lines and effects of a demo that runs, as of now."""
    place = Place.at(folder)
    note = place.noted()
    assert note is not None
    told: Counter[tuple[str, str]] = Counter()
    for file in sorted(place.logs.glob("*.log")):
        for line in file.read_text(encoding="utf-8").splitlines():
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("level") == "info":
                told[file.stem, str(said["event"])] += 1
    url = f"http://127.0.0.1:{note.ports['control-plane']}/v1/connections/{CONNECTION}/counters"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {place.token()}"})
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        outcomes = json.loads(answer.read())["outcomes"]
    effects: Counter[str] = Counter()
    for intent, results in outcomes.items():
        ended = sum(count for result, count in results.items() if result in ENDED)
        effects["payment-writeback" if intent.startswith("erp.") else "bill-writer"] += ended
    return Lines(told, effects)
