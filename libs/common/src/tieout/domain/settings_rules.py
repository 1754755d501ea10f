"""Rules of a connection's settings that no single field can tell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tieout.domain.settings import Classification, ConnectionSettings, State

MOVES: Final[dict[State, frozenset[State]]] = {
    State.DRAFT: frozenset({State.DRAFT, State.ACTIVE, State.RETIRED}),
    State.ACTIVE: frozenset({State.ACTIVE, State.PAUSED, State.RETIRED}),
    State.PAUSED: frozenset({State.PAUSED, State.ACTIVE, State.RETIRED}),
    State.RETIRED: frozenset({State.RETIRED}),
}
"""Where a connection may go. An active one is never a draft again: its writers may have effects under way."""

_ONCE: Final = (Classification.DEPARTMENT, Classification.LOCATION, Classification.JOB)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field. ``allowed`` says what it may hold; neither repeats the field's value."""

    field: tuple[str, ...]
    message: str
    allowed: str

    @property
    def path(self) -> str:
        """The field as people write it: ``erp.schedule.vendors``."""
        return ".".join(self.field)


def faults(document: Mapping[str, Any]) -> list[Fault]:
    """What contradicts itself within one document, given as JSON or as read from YAML, complete or not."""
    found = []
    bill = _mapping(document, "bill")
    if "bill" in document and ("environment" in bill) == ("endpoints" in bill):
        which = "both are given" if "environment" in bill else "is missing"
        allowed = "sandbox or production, or endpoints in its place; not both"
        found.append(Fault(("bill", "environment"), which, allowed))
    webhooks, connection = bill.get("webhooks"), document.get("connection")
    if (
        isinstance(webhooks, str)
        and isinstance(connection, str)
        and not webhooks.rstrip("/").endswith(f"/{connection}")
    ):
        allowed = "an address ending in /webhooks/bill/ and this connection's name: BILL's notices tell it from others"
        found.append(Fault(("bill", "webhooks"), "does not end in the connection's name", allowed))
    if document.get("state") == State.ACTIVE and not document.get("cutover"):
        allowed = "a mapping with a date: without it every open invoice of the past would be sent"
        found.append(Fault(("cutover",), "is missing, and the connection is active", allowed))
    return found + _taken_twice(_mapping(_mapping(document, "mapping"), "dimensions"))


def _mapping(document: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = document.get(field)
    present = value if isinstance(value, Mapping) else {}
    return {key: each for key, each in present.items() if each is not None}


def _taken_twice(dimensions: Mapping[str, Any]) -> list[Fault]:
    found, taken = [], set()
    for code, classification in dimensions.items():
        if classification in _ONCE and classification in taken:
            allowed = "each of department, location and job once: a line in BILL has one of each; or description"
            found.append(Fault(("mapping", "dimensions", code), f"{classification} is taken", allowed))
        taken.add(classification)
    return found


def conflicts(settings: ConnectionSettings, others: Iterable[ConnectionSettings]) -> list[Fault]:
    """Why it cannot stand beside the other connections. Retired ones are in nobody's way."""
    found = []
    for other in others:
        if other.connection == settings.connection or State.RETIRED in (settings.state, other.state):
            continue
        if other.bill.identity == settings.bill.identity:
            message = f"is already joined to a company by connection {other.connection}"
            allowed = "an organization that no other connection uses; retire the other one first"
            found.append(Fault(("bill", "organization"), message, allowed))
        elif other.erp.identity.casefold() == settings.erp.identity.casefold():
            message = f"is already joined to an organization by connection {other.connection}"
            allowed = "a company that no other connection uses: its invoices would be paid twice"
            found.append(Fault(("erp", "company"), message, allowed))
    return found


def refused_changes(old: ConnectionSettings, new: ConnectionSettings) -> list[Fault]:
    """Which changes are not changes but another connection, or a step that its state does not allow."""
    found = []
    cure = "retire this connection and apply the new one under another name"
    if old.erp.identity != new.erp.identity:
        message = "is another company, or another spelling of it: every mark is made of this one"
        found.append(Fault(("erp", _differing(old, new)), message, f"the company it has; else {cure}"))
    if old.bill.identity != new.bill.identity:
        field = "organization" if old.bill.organization != new.bill.organization else "environment"
        message = "is another organization: every link is made of this one's ids"
        found.append(Fault(("bill", field), message, f"the organization it has; else {cure}"))
    if old.bill.budget != new.bill.budget and old.state is not State.DRAFT:
        message = "changes while commands may be unanswered: they stand in the order of the old budget"
        found.append(Fault(("bill", "budget"), message, f"the budget it has, or any for a draft; else {cure}"))
    if new.state not in MOVES[old.state]:
        allowed = " or ".join(sorted(MOVES[old.state]))
        found.append(Fault(("state",), f"cannot become {new.state}, it is {old.state}", allowed))
    elif old.state is State.RETIRED and old != new:
        found.append(Fault(("state",), "is retired, which is final", "no change; apply it under another name"))
    return found


def _differing(old: ConnectionSettings, new: ConnectionSettings) -> str:
    for field in ("kind", "tenant", "environment"):
        if getattr(old.erp, field) != getattr(new.erp, field):
            return field
    return "company"


def changed_fields(old: ConnectionSettings | None, new: ConnectionSettings) -> list[str]:
    """The fields that differ, as people write them, in the order of the settings; none for a new connection."""
    if old is None:
        return []
    return _paths(new.model_dump(mode="json"), old.model_dump(mode="json"))


def _paths(new: Any, old: Any, prefix: str = "") -> list[str]:
    if new == old:
        return []
    if not (isinstance(new, dict) and isinstance(old, dict)):
        return [prefix]
    keys = list(new) + [key for key in old if key not in new]
    return [path for key in keys for path in _paths(new.get(key), old.get(key), f"{prefix}.{key}".lstrip("."))]
