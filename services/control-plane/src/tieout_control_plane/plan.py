"""What applying settings would do. Pure: known connections and wanted settings to steps, or to refusals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tieout.connections.registry import ConnectionView
from tieout.connections.zones import zone_faults
from tieout.domain.settings import ConnectionSettings
from tieout.domain.settings_rules import Fault, changed_fields, conflicts, faults, refused_changes


class Outcome(StrEnum):
    """What becomes of one connection."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Step:
    """One connection's next state. ``generation`` is the one it has afterwards; ``changed`` names the fields."""

    settings: ConnectionSettings
    generation: int
    outcome: Outcome
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why one connection cannot become as wanted."""

    connection: str
    fault: Fault


def plan(
    wanted: Sequence[ConnectionSettings], known: Mapping[str, ConnectionView]
) -> tuple[tuple[Step, ...], tuple[Refusal, ...]]:
    """Steps in the order of ``wanted``, and all refusals; with any refusal nothing may be done.

    Wanted connections are compared with each other and with the known ones as they would be afterwards, so that
    retiring one and applying its successor go together.
    """
    afterwards = {name: view.settings for name, view in known.items()}
    afterwards |= {settings.connection: settings for settings in wanted}
    refusals = []
    seen: set[str] = set()
    for settings in wanted:
        name = settings.connection
        if name in seen:
            twice = Fault(("connection",), "stands twice in one request", "each connection once")
            refusals.append(Refusal(name, twice))
            continue
        seen.add(name)
        document = settings.model_dump(mode="json")
        found = faults(document) + zone_faults(document) + conflicts(settings, afterwards.values())
        if name in known:
            found += refused_changes(known[name].settings, settings)
        refusals += [Refusal(name, fault) for fault in found]
    return tuple(_step(settings, known.get(settings.connection)) for settings in wanted), tuple(refusals)


def _step(settings: ConnectionSettings, view: ConnectionView | None) -> Step:
    if view is None:
        return Step(settings, 1, Outcome.CREATED)
    changed = changed_fields(view.settings, settings)
    if not changed:
        return Step(settings, view.generation, Outcome.UNCHANGED)
    return Step(settings, view.generation + 1, Outcome.CHANGED, tuple(changed))
