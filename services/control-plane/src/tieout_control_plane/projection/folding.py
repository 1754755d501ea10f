"""From messages of the log to changes of the tables. Pure: the same messages give the same rows in any batches."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tieout.events.envelope import Message, Payload
from tieout.events.facts import (
    AccountObserved,
    BillObserved,
    BillPaymentObserved,
    BillVendorObserved,
    DimensionValueObserved,
    DocumentFetched,
    HoldReleased,
    InvoiceObserved,
    LedgerEntryObserved,
    OutcomeFact,
    UnreadableFact,
    VendorObserved,
)
from tieout.events.journal import Entry
from tieout.events.tie_outs import TieOutPart

Key = tuple[str, str]
"""A connection and what of it: a link, a row, a fact."""

QUOTED: Final[dict[type[Payload], str]] = {
    OutcomeFact: "outcome",
    HoldReleased: "release",
    DocumentFetched: "document",
}
"""The facts that are kept, and what they are called here."""

OBSERVED: Final = frozenset(
    {
        VendorObserved, AccountObserved, DimensionValueObserved, InvoiceObserved, LedgerEntryObserved,
        BillObserved, BillPaymentObserved, BillVendorObserved, UnreadableFact,
    }
)  # fmt: skip
"""Facts of which only their source is kept: what was read, and the raw document it was read in."""
SEEN: Final = "seen"


@dataclass(frozen=True)
class Read:
    """A message with its offset."""

    message: Message[Payload]
    offset: int


@dataclass(frozen=True)
class Stood:
    """A link, hold or task as it stood before: the name it is counted under, and since when it stands so."""

    counted: str
    since: datetime


@dataclass(frozen=True)
class Source:
    """Where an observed fact came from: its message without its content, which nobody needs to read for that.

    Attributes:
        raw: id of the raw message it was read in. run: the poll run or the request that brought it.
    """

    connection: str
    fact: str
    subject: str
    time: datetime
    raw: str
    run: str


@dataclass
class Before:
    """What the tables held of the keys that a batch touches."""

    links: dict[Key, Stood] = field(default_factory=dict)
    holds: dict[Key, Stood] = field(default_factory=dict)
    tasks: dict[Key, Stood] = field(default_factory=dict)
    facts: set[Key] = field(default_factory=set)


@dataclass
class Changes:
    """What a batch changes. None removes; lists are only ever added to."""

    links: dict[Key, dict[str, Any] | None] = field(default_factory=dict)
    holds: dict[Key, dict[str, Any] | None] = field(default_factory=dict)
    tasks: dict[Key, dict[str, Any] | None] = field(default_factory=dict)
    rows: dict[Key, dict[str, Any] | None] = field(default_factory=dict)
    payments: dict[Key, dict[str, Any] | None] = field(default_factory=dict)
    parts: dict[Key, list[dict[str, Any]]] = field(default_factory=dict)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[Key, dict[str, Any]] = field(default_factory=dict)
    tie_outs: dict[Key, dict[str, Any]] = field(default_factory=dict)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[Key] = field(default_factory=Counter)


def touched(messages: Iterable[Read]) -> tuple[set[Key], set[Key]]:
    """The links, and the facts, of which ``fold`` has to know how they stood before."""
    links, facts = set(), set()
    for read in messages:
        data, connection = read.message.data, read.message.partitionkey
        if isinstance(data, Entry):
            table, _, rest = data.row.partition("/")
            if table in ("link", "hold", "task"):
                links.add((connection, rest))
        elif type(data) in QUOTED:
            facts.add((connection, read.message.id))
    return links, facts


def fold(messages: Iterable[Read], before: Before, sources: Iterable[Source] = ()) -> Changes:
    """What the messages change; ``before`` is brought up to date on the way."""
    changes = Changes()
    for source in sources:
        value = {"subject": source.subject, "raw": source.raw, "run": source.run}
        changes.facts[source.connection, source.fact] = {"link": "", "time": source.time, "kind": SEEN, "value": value}
    for read in messages:
        data = read.message.data
        if isinstance(data, Entry):
            _told(changes, read, data)
            table, _, rest = data.row.partition("/")
            assign = TABLES.get(table)
            if assign is not None:
                assign(changes, before, (read.message.partitionkey, rest), read, data)
        elif isinstance(data, OutcomeFact | HoldReleased | DocumentFetched):
            _quoted(changes, before, read, data)
        elif isinstance(data, TieOutPart):
            _compared(changes, data)
    return changes


def link_of(row: str) -> str:
    """The link that a row is about, ``""`` for bookkeeping rows."""
    table, _, rest = row.partition("/")
    if table in ("link", "hold", "task", "order", "want"):
        return rest
    if table == "shown":
        # By BILL's id, which may be known before the link is: a bill's timeline asks for it by its target.
        return row
    kind = {"payment": "payment", "invoice": "bill", "due": "transfer"}.get(table, "")
    return f"{kind}/{rest}" if kind else ""


def _told(changes: Changes, read: Read, entry: Entry) -> None:
    link = link_of(entry.row)
    if not link:
        return
    message, value = read.message, entry.value or {}
    amount, currency = _amount(entry.row, value)
    changes.timeline.append(
        {
            "connection": message.partitionkey,
            "place": read.offset,
            "link": link,
            "time": message.time,
            "row": entry.row,
            "what": entry.what,
            "why": entry.why,
            "cause": message.causationid,
            "phase": str(value.get("phase", "")) if entry.row.startswith("link/") else "",
            "command": str(value.get("command", "")) if entry.row.startswith("link/") else "",
            "amount": amount,
            "currency": currency,
        }
    )


def _amount(row: str, value: Mapping[str, Any]) -> tuple[Decimal | None, str]:
    """What a row says in money, where it does."""
    table = row.partition("/")[0]
    if table == "payment":
        return _decimal(value.get("payment", {}).get("amount")), ""
    if table == "order":
        cash = value.get("order", {}).get("cash", {})
        return _decimal(cash.get("amount")), str(cash.get("currency", ""))
    if table in ("invoice", "due"):
        return _decimal(value.get("total" if table == "invoice" else "due")), str(value.get("currency", ""))
    return None, ""


def _decimal(text: Any) -> Decimal | None:
    return None if text is None else Decimal(str(text))


def _quoted(changes: Changes, before: Before, read: Read, data: OutcomeFact | HoldReleased | DocumentFetched) -> None:
    message = read.message
    key = (message.partitionkey, message.id)
    if key not in before.facts and isinstance(data, OutcomeFact):
        changes.counts[message.partitionkey, f"outcome/{data.intent}/{data.result.value}"] += 1
    before.facts.add(key)
    changes.facts[key] = {
        "link": data.link,
        "time": message.time,
        "kind": QUOTED[type(data)],
        "value": data.model_dump(mode="json", exclude_defaults=True),
    }


def _compared(changes: Changes, part: TieOutPart) -> None:
    changes.tie_outs[part.connection, part.run] = {
        "as_of": part.as_of,
        "taken": part.taken,
        "sha256": part.sha256,
        "size": part.size,
        "parts": part.count,
        "differences": part.differences,
        "unexpected": part.unexpected,
        "complete": part.complete,
    }
    changes.pieces.append(
        {"connection": part.connection, "run": part.run, "number": part.number, "content": part.content}
    )


def _move(stood: dict[Key, Stood], counts: Counter[Key], key: Key, counted: str, time: datetime) -> datetime:
    """Count a thing where it stands now; returns since when it stands there."""
    was = stood.get(key)
    if was is not None and was.counted == counted:
        return was.since
    if was is not None:
        counts[key[0], was.counted] -= 1
    counts[key[0], counted] += 1
    stood[key] = Stood(counted, time)
    return time


def _gone(stood: dict[Key, Stood], counts: Counter[Key], key: Key) -> None:
    was = stood.pop(key, None)
    if was is not None:
        counts[key[0], was.counted] -= 1


def _link(changes: Changes, before: Before, key: Key, read: Read, entry: Entry) -> None:
    value = entry.value
    if value is None:
        _gone(before.links, changes.counts, key)
        changes.links[key] = None
        return
    kind, phase = str(value["kind"]), str(value["phase"])
    changes.links[key] = {
        "kind": kind,
        "phase": phase,
        "record": str(value.get("record", "")),
        "number": str(value.get("number", "")),
        "target": str(value.get("target", "")),
        "since": _move(before.links, changes.counts, key, f"link/{kind}/{phase}", read.message.time),
        "changed": read.message.time,
        "value": value,
    }


def _hold(changes: Changes, before: Before, key: Key, read: Read, entry: Entry) -> None:
    value = entry.value
    if value is None:
        _gone(before.holds, changes.counts, key)
        changes.holds[key] = None
        return
    reason = str(value["reason"])
    _move(before.holds, changes.counts, key, f"hold/{reason}", read.message.time)
    since = datetime.fromisoformat(value["since"])
    changes.holds[key] = {"reason": reason, "since": since, "value": value}


def _task(changes: Changes, before: Before, key: Key, read: Read, entry: Entry) -> None:
    value = entry.value
    if value is None:
        _gone(before.tasks, changes.counts, key)
        changes.tasks[key] = None
        return
    why = str(value["why"])
    _move(before.tasks, changes.counts, key, f"task/{why}", read.message.time)
    changes.tasks[key] = {"why": why, "since": datetime.fromisoformat(value["since"]), "value": value}


def _row(changes: Changes, _before: Before, key: Key, _read: Read, entry: Entry) -> None:
    changes.rows[key[0], entry.row] = None if entry.value is None else {"value": entry.value}


def _payment(changes: Changes, _before: Before, key: Key, _read: Read, entry: Entry) -> None:
    value = entry.value
    if value is None:
        changes.payments[key], changes.parts[key] = None, []
        return
    payment = value["payment"]
    day = payment.get("process_date")
    changes.payments[key] = {
        "vendor": str(payment.get("vendor", "")),
        "amount": _decimal(payment.get("amount")),
        "process_date": None if day is None else datetime.fromisoformat(day).date(),
        "stage": entry.what.removeprefix("payment."),
        "value": value,
    }
    changes.parts[key] = [
        {"place": place, "bill": str(part["bill"]), "amount": Decimal(str(part["amount"]))}
        for place, part in enumerate(payment.get("parts", ()))
    ]


TABLES: Final[dict[str, Callable[[Changes, Before, Key, Read, Entry], None]]] = {
    "link": _link,
    "hold": _hold,
    "task": _task,
    "payment": _payment,
    "settings": _row,
    "window": _row,
    "invoice": _row,
    "order": _row,
    "due": _row,
    "vendor": _row,
}
"""What becomes of a row, by the first part of its key; the others are the decider's own bookkeeping."""
