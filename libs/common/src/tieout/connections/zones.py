"""Time zones that this machine knows. Checked when settings are applied, never when a log is read."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tieout.domain.schedule import ZONE
from tieout.domain.settings_rules import Fault

_SIDES: Final = ("erp", "bill")


def zone_faults(document: Mapping[str, Any]) -> list[Fault]:
    """Schedules in a zone that is not known here; the document is JSON or as read from YAML, complete or not.

    The settings model checks only the form: a service whose machine lacks the zone data must still read its log.
    """
    found = []
    for side in _SIDES:
        part = document.get(side)
        schedule = part.get("schedule") if isinstance(part, Mapping) else None
        zone = schedule.get("time_zone") if isinstance(schedule, Mapping) else None
        if isinstance(zone, str) and zone and not _is_known(zone):
            found.append(Fault((side, "schedule", "time_zone"), "is no time zone known here", ZONE))
    return found


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
