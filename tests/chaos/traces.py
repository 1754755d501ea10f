"""What a round leaves behind, in a form that two rounds of a kind can be compared by: names and ids taken out."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chaos.cells import WRITERS
from chaos.world import TODAY, World
from tieout.events.commands import CommandFrame, Intent

# Rows that move by themselves, or that count over all rounds.
APART: Final = ("acme/run/", "acme/window/", "acme/due/", "acme/quiet/", "acme/link/transfer/", "acme/index/transfer/")
# What differs by nature from one round to the next: names of the round, ids, marks, hashes, moments, running numbers.
NAMES: Final = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "id"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "hash"),
    (re.compile(r"\b(?:T[A-Z0-9]{19}|[A-Z]{20})\b"), "mark"),
    (re.compile(r"\b(?:0[0-9a-z]{2}|[a-z]{3})[0-9A-Za-z]{17}\b"), "id"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00)?"), "moment"),
    (re.compile(rf"\b(?!{TODAY.isoformat()})\d{{4}}-\d\d-\d\d\b"), "day"),
    (re.compile(r"(?<=day/)[0-9a-f]{16}"), "hash"),
    (re.compile(r"P\d{8} - \d{7}"), "confirmation"),
    (re.compile(r"\b[PRpr]1\d{3}(?=\b|[ABL]\b)|\b8\d{3}\b|\b71\d{3}\b"), "round"),
    (re.compile(r"\b1\d{5}\b|\b1\d{3}\b(?=\")"), "document"),
    (re.compile(r"(?<=entry\":\")\d+|(?<=\"id\":\")\d+|(?<=entry/)\d+|(?<=generation\":)\d+|(?<=revision\":)\d+"), "n"),
)
# Sums that count over all rounds; the entries they are sums of are compared.
SUMS: Final = ("accounts", "vendors")


@dataclass(frozen=True)
class Taken:
    """Everything that stands at a moment."""

    rows: Mapping[str, bytes]
    records: Counter[str]
    commands: int
    """How many orders the writers had been given."""
    calls: Mapping[str, int]
    """The number of the last call that the side of each writer had seen."""


def taken(world: World) -> Taken:
    """State rows and both ledgers, now."""
    view = world.view.look()
    sides = zip(WRITERS, (world.pipe.bill, world.pipe.erp), strict=True)
    calls = {
        module: max((one["number"] for one in side.ask("/_sandbox/requests")), default=0) for module, side in sides
    }
    records = Counter([*_records("bill", world.organization()), *_records("erp", world.company())])
    return Taken(dict(view.state), records, len(view.commands), calls)


def trace(before: Taken, world: World) -> list[str]:
    """What has changed since then: rows of the state, records of both ledgers, orders given to the writers."""
    after = taken(world)
    rows = [
        f"state {key} {after.rows[key].decode() if key in after.rows else 'gone'}"
        for key in sorted(after.rows.keys() | before.rows.keys())
        if before.rows.get(key) != after.rows.get(key) and not key.startswith(APART)
    ]
    records = [f"+ {one}" for one in (after.records - before.records).elements()]
    records += [f"- {one}" for one in (before.records - after.records).elements()]
    return sorted(_anonymous(one) for one in (*rows, *records, *_orders(world, before.commands)))


def _orders(world: World, before: int) -> set[str]:
    """What writers were asked for; a repetition under the next attempt is the same order."""
    return {
        f"asked {frame.link} {frame.intent} {frame.content_hash}"
        for frame in (message.data for message in world.view.commands[before:])
        if isinstance(frame, CommandFrame) and frame.intent is not Intent.ERP_TRANSFER
    }


def assert_orders_are_sound(world: World) -> None:
    """No order was given twice under one id, and attempts count from one without a gap."""
    commands = world.view.commands
    ids = Counter(message.id for message in commands)
    assert not [one for one, count in ids.items() if count > 1]
    attempts: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for frame in (message.data for message in commands):
        assert isinstance(frame, CommandFrame)
        attempts[frame.link, frame.intent, frame.content_hash].append(frame.attempt)
    assert not {key: found for key, found in attempts.items() if found != list(range(1, len(found) + 1))}


def _records(side: str, books: Any, path: str = "") -> Iterator[str]:
    for name, value in books.items():
        place = f"{path}.{name}" if path else name
        if side == "erp" and place in SUMS:
            continue
        if isinstance(value, dict):
            yield from _records(side, value, place)
        elif isinstance(value, list):
            yield from (f"{side} {place} {json.dumps(_plain(one), sort_keys=True)}" for one in value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    # Amounts are strings; a number is an entry's, a version or a size.
    return "n" if type(value) is int else value


def _anonymous(text: str) -> str:
    for pattern, name in NAMES:
        text = pattern.sub(name, text)
    return text
