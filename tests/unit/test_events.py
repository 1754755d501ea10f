"""What stands in the log can be read for ever, and ids say what they name."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import samples
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, UnknownType, UnreadableMessage, decode, encode
from tieout.events.identity import command_id, content_hash, digest, fact_id, mark
from tieout.log.partitions import murmur2
from tieout.log.topics import CATALOGUE, Names, Topic

GOLDEN = Path(__file__).parent.parent / "fixtures" / "events"


def message(payload: Payload) -> Message[Payload]:
    """A message with every attribute."""
    return Message(
        "id-1", "/test", catalogue.name_of(payload), "subject", samples.NOON, "acme", payload,
        causationid="cause", correlationid="link", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
    )  # fmt: skip


def golden(payload: Payload) -> Path:
    """The file that keeps this type's first version for ever."""
    return GOLDEN / f"{catalogue.name_of(payload)}.json"


def test_every_type_has_a_sample() -> None:
    """A type nobody could read back would be lost history."""
    assert {catalogue.name_of(one) for one in samples.ALL} == set(catalogue.TYPES)
    assert all(re.fullmatch(r"tieout(\.[a-z]+)+\.v\d+", name) for name in catalogue.TYPES)


@pytest.mark.parametrize("payload", samples.ALL, ids=catalogue.name_of)
def test_golden_samples_are_read_and_written_unchanged(payload: Payload) -> None:
    """What an earlier release wrote is read as it was meant, and written byte for byte as before."""
    written = message(payload)
    headers, value = encode(written)
    kept = json.loads(golden(payload).read_text(encoding="utf-8"))
    old = [(name, text.encode()) for name, text in kept["headers"]]
    assert decode(old, kept["value"].encode(), catalogue) == written
    assert (headers, value.decode()) == (old, kept["value"])


@pytest.mark.parametrize("payload", samples.ALL, ids=catalogue.name_of)
def test_readers_are_open_and_writers_are_closed(payload: Payload) -> None:
    """A newer writer's field is skipped; a field nobody declared cannot be written."""
    headers, value = encode(message(payload))
    newer = json.dumps(json.loads(value) | {"from_a_newer_release": 1}).encode()
    assert decode(headers, newer, catalogue).data == payload
    with pytest.raises(ValueError, match="from_a_newer_release"):
        type(payload).model_validate(payload.model_dump() | {"from_a_newer_release": 1})


def test_an_unknown_type_is_told_from_an_unreadable_message() -> None:
    """An unknown type of our own stops a partition; both name what is wrong."""
    headers, value = encode(message(samples.OUTCOME))
    other = [(n, b"tieout.fact.outcome.v9" if n == "ce_type" else v) for n, v in headers]
    with pytest.raises(UnknownType, match=r"outcome\.v9"):
        decode(other, value, catalogue)
    with pytest.raises(UnreadableMessage, match="'id' is missing"):
        decode([(n, v) for n, v in headers if n != "ce_id"], value, catalogue)
    with pytest.raises(UnreadableMessage, match="command"):
        decode(headers, b"{}", catalogue)


def test_a_secret_like_value_is_not_repeated_in_an_error() -> None:
    """Errors name the field, never its content."""
    headers, _value = encode(message(samples.OUTCOME))
    with pytest.raises(UnreadableMessage) as caught:
        decode(headers, b'{"command": {"password": "hunter2"}}', catalogue)
    assert "hunter2" not in str(caught.value)


@given(st.lists(st.text()), st.lists(st.text()))
def test_two_lists_of_parts_never_read_the_same(one: list[str], other: list[str]) -> None:
    """("a", "bc") and ("ab", "c") name different things."""
    assert (digest(*one) == digest(*other)) == (one == other)


@given(st.text(), st.text(), st.text())
def test_a_mark_fits_every_reference_field(organization: str, company: str, record: str) -> None:
    """At most 20 characters, and without regard to case as unique as with it."""
    made = mark(organization, company, record, "vendor")
    assert re.fullmatch(r"T[A-Z2-7]{19}", made)
    assert made != mark(organization, company, record, "vendor", 1)


def test_ids_depend_on_what_they_name_and_on_nothing_else() -> None:
    """Attempt and content make a command another one; the same inputs make the same id."""
    base = command_id("acme/vendor/v", "vendor.ensure", "c0ffee", 1)
    assert base == command_id("acme/vendor/v", "vendor.ensure", "c0ffee", 1)
    assert base not in (
        command_id("acme/vendor/v", "vendor.ensure", "c0ffee", 2),
        command_id("acme/vendor/v", "vendor.ensure", "other", 1),
        command_id("acme/vendor/w", "vendor.ensure", "c0ffee", 1),
    )
    assert fact_id("acme", "erp/vendor/v", "1") != fact_id("acme", "erp/vendor/v", "2")


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_content_is_equal_whatever_the_order_of_its_keys(content: dict[str, Any]) -> None:
    """The hash is of the content, not of how it was written down."""
    assert content_hash(content) == content_hash(dict(reversed(content.items())))


@pytest.mark.parametrize(
    ("key", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536), ("abc", 479470107)],
)
def test_partitions_are_those_of_every_kafka_client(key: str, hashed: int) -> None:
    """Vectors of the Java client's murmur2."""
    assert murmur2(key.encode()) == hashed & 0x7FFFFFFF


def test_every_topic_is_declared_with_its_policy() -> None:
    """A topic without policy would be kept by a broker's default, which loses history."""
    assert set(CATALOGUE) == set(Topic)
    assert Names("t", 4).topic(Topic.FACTS) == "t.sync.facts"
    for topic, policy in CATALOGUE.items():
        config = policy.config()
        assert ("retention.ms" in config) != policy.compacted, topic
    logs = (Topic.FACTS, Topic.JOURNAL, Topic.BILL_EFFECTS, Topic.ERP_EFFECTS, Topic.ERP_CHANGES, Topic.BILL_EVENTS)
    for topic in logs:
        assert CATALOGUE[topic].config()["retention.ms"] == "-1"


def test_a_time_without_zone_is_refused() -> None:
    """A time in the log means one moment."""
    naive = Message("i", "/t", "x", "s", datetime(2026, 1, 1), "acme", samples.OUTCOME)  # noqa: DTZ001 - on purpose
    with pytest.raises(ValueError, match="zone"):
        encode(naive)
    assert datetime(2026, 1, 1, tzinfo=UTC)
