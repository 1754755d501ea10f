"""erp-poller's raw messages: ids, traces, and rows that the log cannot hold."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.records import Kind, ReadContext
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, decode, encode
from tieout.events.facts import RunPhase
from tieout.events.raw import ErpRow, ErpRun, ErpUnreadable
from tieout_connectors.spi.erp import RawRow
from tieout_erp_poller.raw import ROW_LIMIT, RunName, row_message, run_message

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
RUN = RunName("cronus-us", "business-central", Kind.VENDOR, 7)
NEXT = RunName("cronus-us", "business-central", Kind.VENDOR, 8)
CONTEXT = ReadContext(company="c1", local_currency="USD", currencies={"$": "USD"})


def stored(key: str = "v1", version: str = 'W/"1"', run: RunName = RUN, **document: Any) -> Message[Payload]:
    """The message of a row."""
    return row_message(run, RawRow(Kind.VENDOR, key, version, document), CONTEXT, NOW)


def test_a_row_is_stored_as_seen_with_what_its_reader_needs() -> None:
    """Years later the row can be read again without asking the ERP anything."""
    message = stored(name="Grön", balance=Decimal("12.50"), lines=[{"n": 1}])
    back = decode(*encode(message), catalogue)
    assert back.data == ErpRow(
        erp="business-central",
        kind=Kind.VENDOR,
        key="v1",
        version='W/"1"',
        run=7,
        context=CONTEXT,
        document={"name": "Grön", "balance": "12.50", "lines": [{"n": 1}]},
    )
    assert (back.time, back.partitionkey, back.subject) == (NOW, "cronus-us", "erp/vendor/v1")


def test_the_same_version_is_the_same_message_in_every_run() -> None:
    """Reading a row twice is no news."""
    assert stored().id == stored(run=NEXT).id
    assert stored().id != stored(version='W/"2"').id
    assert stored().id != stored(key="v2").id


def test_without_versions_content_and_run_make_the_id() -> None:
    """Of a source without versions only a repeat within the run is the same message."""
    assert stored(version="", a=1).id == stored(version="", a=1).id
    assert stored(version="", a=1).id != stored(version="", a=2).id
    assert stored(version="", a=1).id != stored(version="", a=1, run=NEXT).id


def test_a_run_is_one_trace() -> None:
    """One poll can be followed through all services; two polls are told apart."""
    assert stored().traceparent == run_message(RUN, RunPhase.BEGUN, NOW).traceparent
    assert stored().traceparent != stored(run=NEXT).traceparent
    version, trace, span, flags = stored().traceparent.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
    assert stored().correlationid == "cronus-us/erp/vendor/7"


def test_both_ends_of_a_run_differ() -> None:
    """The end is not a repeat of the beginning."""
    begun, ended = (run_message(RUN, phase, NOW, rows=3) for phase in RunPhase)
    assert begun.id != ended.id
    assert ended.data == ErpRun(erp="business-central", kind=Kind.VENDOR, run=7, phase=RunPhase.ENDED, rows=3)


def test_a_row_at_the_limit_is_stored() -> None:
    """The limit is of the message's value, to the byte."""
    empty = len(encode(stored(text=""))[1])
    assert isinstance(stored(text="x" * (ROW_LIMIT - empty)).data, ErpRow)
    assert isinstance(stored(text="x" * (ROW_LIMIT - empty + 1)).data, ErpUnreadable)


def test_a_row_above_the_limit_is_told_in_its_stead() -> None:
    """Somebody hears which record it is, how large, and of which run."""
    message = stored(text="x" * 2_000_000)
    assert isinstance(message.data, ErpUnreadable)
    assert (message.data.key, message.data.version, message.data.run) == ("v1", 'W/"1"', 7)
    assert "more than the 1048576" in message.data.reason
    assert len(encode(message)[1]) < 1_000
    assert message.id != stored().id


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_is_told_in_its_rows_stead(text: str) -> None:
    """JSON allows what no text can hold: one such row never stops a poll."""
    message = stored(name=text)
    assert isinstance(message.data, ErpUnreadable)
    assert "no text" in message.data.reason
    encode(message)


def test_half_a_character_in_a_key_is_written_out() -> None:
    """Even then the record is named."""
    message = stored(key="v\ud800", name="\ud800")
    assert isinstance(message.data, ErpUnreadable)
    assert message.data.key == "v\\ud800"
    encode(message)


def test_an_endless_document_is_told_in_its_rows_stead() -> None:
    """A document nested without end stops nothing either."""
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert isinstance(stored(**endless).data, ErpUnreadable)
