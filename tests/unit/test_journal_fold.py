"""The journal read back: messages written together, and the fold of many."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tieout.decide.folding import Fold
from tieout.decide.state import row_bytes
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, UnreadableMessage, encode, encode_each
from tieout.events.facts import TickFact
from tieout.events.journal import Entry

NOON = datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)
ENTRIES = [
    Entry(what="linked", row="link/b", value={"b": 2, "a": {"d": "ø", "c": None}}, why="applied"),
    Entry(what="seen", row="name/b", value={"link": "b"}),
    Entry(what="gone", row="link/b", value=None),
]


def message(data: Payload, number: int = 0, connection: str = "acme") -> Message[Payload]:
    """A message of the journal."""
    subject = data.row if isinstance(data, Entry) else ""
    return Message(
        f"j{number}", "/decider", catalogue.name_of(data), subject, NOON, connection, data, "f1", "acme/b", "00-1-2-01"
    )


def test_messages_that_are_alike_are_encoded_as_each_alone() -> None:
    """A decision's entries, encoded together, are byte for byte what each of them would be."""
    each = [(f"j{number}", entry.row, entry) for number, entry in enumerate(ENTRIES)]
    assert list(encode_each(message(ENTRIES[0], 7), each)) == [
        encode(message(entry, number)) for number, entry in enumerate(ENTRIES)
    ]


def test_one_moment_has_one_text_whatever_its_zone() -> None:
    """A time that is told in another zone is written in UTC, also when the same moment was written before."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    texts = [dict(encode(message(ENTRIES[0]))[0])["ce_time"] for _ in (NOON, elsewhere)]
    other = Message("j", "/d", catalogue.name_of(ENTRIES[0]), "", elsewhere, "acme", ENTRIES[0])
    assert [*texts, dict(encode(other)[0])["ce_time"]] == [b"2026-03-01T12:00:00.250000Z"] * 3


def test_a_fold_holds_the_last_value_of_every_row() -> None:
    """Rows by connection; what was removed is gone, and equal rows are equal bytes."""
    fold = Fold()
    for number, entry in enumerate(ENTRIES[:2]):
        fold.add(*encode(message(entry, number)))
    fold.add(*encode(message(ENTRIES[0], 2, "other")))
    assert fold.rows["acme"] == {"link/b": row_bytes(ENTRIES[0].value or {}), "name/b": b'{"link":"b"}'}
    fold.add(*encode(message(ENTRIES[2], 3)))
    assert fold.rows == {
        "acme": {"name/b": b'{"link":"b"}'},
        "other": {"link/b": b'{"a":{"c":null,"d":"\xc3\xb8"},"b":2}'},
    }


def test_what_is_no_entry_stops_a_fold() -> None:
    """Another type, no attributes, an entry that is broken: each is an error that says so, and changes nothing."""
    fold = Fold()
    headers, value = encode(message(ENTRIES[0]))
    of_a_tick = [(name, b"tieout.fact.tick.v1" if name == "ce_type" else text) for name, text in headers]
    without = [(name, text) for name, text in headers if name != "ce_partitionkey"]
    for wrong in (
        encode(message(TickFact(slot=NOON))),
        (None, value),
        (of_a_tick, value),
        (without, value),
        (headers, b'{"what":"x"}'),
        (headers, None),
    ):
        with pytest.raises(UnreadableMessage):
            fold.add(*wrong)
    assert fold.rows == {}
