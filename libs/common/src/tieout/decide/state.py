"""The state a decision sees, and the draft it writes. Values in, values out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from tieout.events.commands import CommandFrame
from tieout.events.envelope import Payload
from tieout.events.identity import canonical
from tieout.events.journal import Entry


class Row(BaseModel):
    """A row of the state. Readers skip what a newer release added; defaults are left out of what is written."""

    model_config = ConfigDict(frozen=True, extra="ignore")


R = TypeVar("R", bound=Row)


class View(Protocol):
    """Rows of one connection, as committed."""

    def get(self, row: str) -> bytes | None:
        """The row's JSON."""
        ...

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Rows whose key starts with a prefix, in the order of their keys."""
        ...


@dataclass(frozen=True)
class Command:
    """A command with its id and its partition key: the budget for BILL, the connection for an ERP."""

    id: str
    frame: CommandFrame
    key: str


@dataclass(frozen=True)
class Decision:
    """What follows from one fact: assignments for journal and state, commands for writers, reads for pollers."""

    entries: tuple[Entry, ...] = ()
    commands: tuple[Command, ...] = ()
    requests: tuple[Payload, ...] = ()


@dataclass(frozen=True)
class Origin:
    """The fact being decided: who, when and where in the log. ``offset`` orders links that became ready."""

    connection: str
    fact: str
    offset: int
    time: datetime


def row_bytes(value: dict[str, Any]) -> bytes:
    """A row's bytes in ``sync.state``: JSON with sorted keys, so that equal rows are equal bytes."""
    return canonical(value).encode()


@lru_cache(maxsize=4096)
def _parsed(model: type[R], value: bytes) -> R:
    """A row from its bytes. Rows are frozen, and the settings, windows and runs are read again with every fact."""
    return model.model_validate_json(value)


@dataclass
class Draft:
    """A decision in the making. It sees its own writes; a row written twice is one entry, with the last value."""

    view: View
    origin: Origin
    _rows: dict[str, Row | None] = field(default_factory=dict)
    _entries: dict[str, tuple[str, str]] = field(default_factory=dict)
    _seen: dict[str, Row] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    requests: list[Payload] = field(default_factory=list)

    def read(self, row: str, model: type[R]) -> R | None:
        """The row as this decision sees it."""
        if row in self._rows:
            own = self._rows[row]
            return own if own is None or isinstance(own, model) else model.model_validate(own.model_dump())
        known = self._seen.get(row)
        if isinstance(known, model):
            return known
        value = self.view.get(row)
        if value is None:
            return None
        # The view stands still while a decision is made, and a name is asked for again by every line that needs it.
        found: R = _parsed(model, value)
        self._seen[row] = found
        return found

    def before(self, row: str, model: type[R]) -> R | None:
        """The row as it stood before this decision."""
        value = self.view.get(row)
        if value is None:
            return None
        found: R = _parsed(model, value)
        return found

    def write(self, row: str, value: Row, what: str, why: str = "") -> None:
        """Assign a row."""
        self._rows[row] = value
        self._entries.pop(row, None)
        self._entries[row] = (what, why)

    def remove(self, row: str, what: str, why: str = "") -> None:
        """Remove a row; removing what is not there, or only this decision wrote, leaves no trace."""
        if row in self._rows and self._rows[row] is None:
            return
        if self.view.get(row) is None:
            self._rows.pop(row, None)
            self._entries.pop(row, None)
            return
        self._rows[row] = None
        self._entries.pop(row, None)
        self._entries[row] = (what, why)

    def keys(self, prefix: str, limit: int, after: str = "") -> list[str]:
        """Up to ``limit`` row keys with a prefix that follow ``after``, in order, own writes included."""
        own = (key for key, value in self._rows.items() if value is not None)
        found = [key for key in own if key.startswith(prefix) and key > after]
        count = 0
        for key, _value in self.view.scan(prefix):
            if key in self._rows or key <= after:
                continue
            found.append(key)
            count += 1
            if count == limit:
                break
        return sorted(found)[:limit]

    def decision(self) -> Decision:
        """The finished decision."""
        entries = []
        for row, (what, why) in self._entries.items():
            own = self._rows[row]
            value = None if own is None else own.model_dump(mode="json", exclude_defaults=True)
            entries.append(Entry(what=what, row=row, value=value, why=why))
        return Decision(tuple(entries), tuple(self.commands), tuple(self.requests))


def evolve(state: dict[str, bytes], entry: Entry) -> None:
    """Apply one entry of the journal: pure assignment, so that folding the journal gives the state exactly."""
    if entry.value is None:
        state.pop(entry.row, None)
    else:
        state[entry.row] = row_bytes(entry.value)
