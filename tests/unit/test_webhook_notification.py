"""What is kept of a genuine notification, whatever its bytes are."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, decode, encode
from tieout.events.facts import UnreadableFact
from tieout.events.raw import BillDocument
from tieout.events.requests import NoticeSeen
from tieout.log.topics import MESSAGE_LIMIT
from tieout_fact_mapper.mapping import Place, map_message
from tieout_webhook_ingest.notification import FOREIGN, UNREADABLE, Address, Notification, notification

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bill"
ACME = Address("acme", "00801ORGANIZATION000", "main")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRINT = b"fingerprint key of a test"


def body(name: str, change: Callable[[Any], object] = lambda _raw: None) -> bytes:
    """A delivery as BILL sends it: minified."""
    raw = json.loads((FIXTURES / f"webhook.{name}.json").read_text())
    change(raw)
    return json.dumps(raw, separators=(",", ":")).encode()


def read(content: bytes, address: Address = ACME) -> Notification:
    """What becomes of a body."""
    return notification(content, address, PRINT, NOW)


def kept(found: Notification) -> BillDocument:
    """What stands in the log, read back as the mapper does."""
    headers, value = encode(found.raw)
    assert len(value) < MESSAGE_LIMIT / 1.05
    data = decode(headers, value, catalogue).data
    assert isinstance(data, BillDocument)
    return data


def facts(found: Notification) -> list[Message[Payload]]:
    """What the mapper makes of it."""
    return map_message(*encode(found.raw), Place("t.bill.events", 0, 1))


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("bill.updated", "bill", "00n01BILL00000000001"),
        ("payment.updated", "payment", "stp01PAYMENT00000001"),
        ("vendor.updated", "vendor", "00901ACMEGLASSWARE00"),
    ],
)
def test_a_notification_is_kept_and_its_record_is_to_be_read(name: str, kind: str, key: str) -> None:
    """The writer is told which record to read again; the notification itself says nothing to the decider."""
    found = read(body(name))
    document = kept(found)
    assert (document.kind, document.origin) == ("event", "webhook")
    assert (found.about, document.key) == (kind, json.loads(body(name))["metadata"]["eventId"])
    assert found.raw.subject == f"bill/event/{document.key}"
    assert found.notice is not None
    notice = found.notice.data
    assert isinstance(notice, NoticeSeen)
    assert (notice.connection, notice.kind, notice.key, notice.event) == ("acme", kind, key, document.key)
    assert notice.updated is not None
    assert (found.raw.partitionkey, found.notice.partitionkey) == ("acme", "main")
    assert found.notice.causationid == found.raw.id
    assert facts(found) == []


def test_a_repeat_is_the_same_two_messages() -> None:
    """BILL may deliver one event many times; replay sees it once."""
    first, second = (read(body("bill.updated")) for _ in range(2))
    assert (first.raw.id, first.notice and first.notice.id) == (second.raw.id, second.notice and second.notice.id)
    other = read(body("bill.updated", lambda raw: raw["metadata"].update(eventId="other")))
    assert other.raw.id != first.raw.id
    elsewhere = notification(body("bill.updated"), Address("acme-2", ACME.organization, "main"), PRINT, NOW)
    assert elsewhere.raw.id != first.raw.id


def test_a_payment_that_could_not_be_created_is_kept_without_a_notice() -> None:
    """It has no id, so there is nothing to read."""
    found = read(body("payment.failed"))
    assert (found.about, found.notice) == ("payment", None)
    assert facts(found) == []


def test_an_event_that_is_not_known_here_is_kept_without_a_notice() -> None:
    """BILL may send more than was subscribed to; it harms nothing."""
    found = read(body("bill.updated", lambda raw: raw["metadata"].update(eventType="spend.budget.created")))
    assert (found.about, found.notice) == ("other", None)
    assert facts(found) == []


def test_another_organizations_event_is_kept_and_nothing_follows() -> None:
    """A partner's subscription covers several organizations; a read with the wrong session would find nothing."""
    found = read(body("bill.updated"), Address("acme", "00801OTHER", "main"))
    assert (found.about, found.notice) == (FOREIGN, None)


def test_bank_details_never_reach_the_log() -> None:
    """What the log keeps for ever holds no account number; that the details changed can still be seen."""
    number, route = "123456789012", "021000021"

    def with_bank(raw: Any) -> None:
        raw["vendor"]["accountNumber"] = number
        raw["vendor"]["paymentInformation"] = {"bankAccount": {"accountNumber": number, "routingNumber": route}}

    _, value = encode(read(body("vendor.updated", with_bank)).raw)
    assert number.encode() not in value
    assert route.encode() not in value
    assert json.loads(value)["document"]["vendor"]["paymentInformation"]["bankAccount"]["fingerprint"]


def test_amounts_are_kept_exactly() -> None:
    """228.99 stays 228.99 and never becomes a binary fraction."""
    assert kept(read(body("bill.updated"))).document["bill"]["amount"] == "228.99"


def test_what_is_wrapped_is_unwrapped_before_it_is_redacted() -> None:
    """Bank details inside of escaped text are found, too."""
    inner = body("vendor.updated", lambda raw: raw["vendor"].update(accountNumber="123456789012"))
    found = read(json.dumps(inner.decode()).encode())
    assert found.about == "vendor"
    assert b"123456789012" not in encode(found.raw)[1]


ODD = {
    "no JSON": b"<bill id='1'/>",
    "nothing": b"",
    "binary": bytes(range(256)),
    "a megabyte of control characters": b"\x01" * (1024 * 1024),
    "another shape": b'{"meta":{"eventId":"1"}}',
    "a list": b"[1,2,3]",
    "no entity": body("bill.updated", lambda raw: raw.pop("bill")),
    "no event id": body("bill.updated", lambda raw: raw["metadata"].pop("eventId")),
    "metadata is text": b'{"metadata":"x"}',
    "half a surrogate pair": body("bill.updated").replace(b"Acme", b"\\ud800"),
    "half a surrogate pair in bytes": body("bill.updated").replace(b"Acme", b"\xed\xa0\x80"),
    "half a surrogate pair in UTF-16": body("bill.updated")
    .decode()
    .replace("Acme", "\ud800")
    .encode("utf-16-le", "surrogatepass"),
    "very deep": body("bill.updated").replace(b'"Acme Glassware"', b"[" * 300 + b"]" * 300),
    "bottomless": b'{"metadata":' + b"[" * 500_000,
    "a number of 5000 digits": body("bill.updated").replace(b"228.99", b"1" * 5000),
    "a number beyond all exponents": body("bill.updated").replace(b"228.99", b"1e99999999999999999999"),
    "an id of a kilobyte": body("bill.updated", lambda raw: raw["metadata"].update(eventId="e" * 1000)),
    "a record's id of a kilobyte": body("bill.updated", lambda raw: raw["bill"].update(id="n" * 1000)),
    "a time that is none": body("bill.updated", lambda raw: raw["bill"].update(updatedTime="yesterday")),
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_what_cannot_be_read_is_kept_and_becomes_a_hold(content: bytes) -> None:
    """A signed body of any shape is stored, the same one as the same message, and a person sees it."""
    found = read(content)
    assert (found.about, found.notice) == (UNREADABLE, None)
    assert kept(found).origin == "webhook"
    assert read(content).raw.id == found.raw.id
    (fact,) = facts(found)
    assert isinstance(fact.data, UnreadableFact)
    assert (fact.data.side, fact.data.kind, fact.data.offset) == ("bill", "event", 1)
    assert fact.data.reason


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"account 1234 5678-9012 of Acme", "account # of Acme"),
        (json.dumps({"payload": '{"accountNumber":"123456789012"}'}).encode(), '{"accountNumber":"#"}'),
        (json.dumps({"x": [{"y": '["123456789012"]'}]}).encode(), '["#"]'),
        (json.dumps(["123456789012"]).encode(), '["#"]'),
    ],
)
def test_digits_are_masked_where_names_do_not_tell_what_they_are(content: bytes, shown: str) -> None:
    """Bank details cannot hide in a body that is not read."""
    text = encode(read(content).raw)[1].decode()
    assert json.dumps(shown)[1:-1] in text
    assert "123456789012" not in text
    assert "9012" not in json.loads(text)["document"].get("text", "")


def test_an_object_of_another_shape_is_kept_as_an_object() -> None:
    """A later release can still read what this one could not."""
    assert kept(read(b'{"meta":{"eventId":"1"},"amount":1.10}')).document == {
        "meta": {"eventId": "1"},
        "amount": "1.10",
    }


def test_the_largest_body_fits_into_a_message() -> None:
    """A megabyte of short numbers, which the log writes longer, is still taken."""
    numbers = b",".join([b"1e9"] * ((1024 * 1024 - 1000) // 4))
    content = body("bill.updated").replace(b'"archived":false', b'"archived":false,"more":[' + numbers + b"]")
    assert len(content) <= 1024 * 1024
    assert kept(read(content)).key == "e1b6a3de-4e20-4b47-a3ef-5f6a6f2b9f01"
