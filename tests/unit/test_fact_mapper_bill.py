"""fact-mapper's BILL side: objects that were read whole become facts, notifications do not."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, encode
from tieout.events.facts import BillObserved, BillPaymentObserved, BillVendorObserved, UnreadableFact
from tieout.events.identity import fact_id
from tieout.events.raw import BillDocument
from tieout_fact_mapper.mapping import Place, map_message

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bill"
PLACE = Place("t.bill.events", 3, 41)
TIME = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def document(kind: str, **changes: Any) -> BillDocument:
    """An object as bill-writer stores it after a read."""
    raw = json.loads((FIXTURES / f"{kind}.json").read_text(), parse_float=Decimal)
    values = {"kind": kind, "key": raw["id"], "version": raw.get("updatedTime", ""), "origin": "read", "document": raw}
    return BillDocument.model_validate({**values, **changes})


def facts_of(data: BillDocument, identity: str = "f1") -> list[Message[Payload]]:
    """What the mapper makes of it, through the bytes of the log."""
    subject = f"bill/{data.kind}/{data.key}"
    message = Message(
        identity, "/bill-writer", catalogue.name_of(data), subject, TIME, "acme", data, correlationid="trail"
    )
    return map_message(*encode(message), PLACE)


def test_a_payment_becomes_a_fact_with_its_parts() -> None:
    """What goes to which bill is what is posted later, to the cent."""
    (fact,) = facts_of(document("payment"))
    assert isinstance(fact.data, BillPaymentObserved)
    raw = document("payment").document
    assert [(part.bill, part.amount) for part in fact.data.payment.parts] == [
        (part["billId"], Decimal(str(part["amount"]))) for part in raw["billPayments"]
    ]
    assert (fact.subject, fact.time, fact.causationid) == (f"bill/payment/{raw['id']}", TIME, "f1")
    assert (fact.partitionkey, fact.correlationid) == ("acme", "trail")


def test_a_bill_becomes_a_fact_with_its_lines() -> None:
    """A bill changed inside BILL is seen with its amount and its lines."""
    (fact,) = facts_of(document("bill"))
    assert isinstance(fact.data, BillObserved)
    raw = document("bill").document
    assert fact.data.bill.amount == Decimal(str(raw["amount"]))
    assert len(fact.data.bill.lines) == len(raw["billLineItems"]) > 0


def test_a_vendor_becomes_a_fact() -> None:
    """A vendor changed inside BILL is seen."""
    (fact,) = facts_of(document("vendor"))
    assert isinstance(fact.data, BillVendorObserved)
    assert fact.data.vendor.id == document("vendor").key


@pytest.mark.parametrize("origin", ["read", "poll"])
def test_the_version_names_the_fact_whoever_read_it(origin: str) -> None:
    """Read after a notification and polled later, unchanged: one fact."""
    data = document("bill", origin=origin)
    (fact,) = facts_of(data, identity=f"by-{origin}")
    assert fact.id == fact_id("acme", f"bill/bill/{data.key}", data.version)


def test_without_a_version_the_content_names_the_fact() -> None:
    """An object without a time stamp that has changed is a new fact."""
    same = [facts_of(document("bill", version=""))[0].id for _ in range(2)]
    changed = document("bill", version="")
    changed.document["description"] = "changed"
    assert same[0] == same[1]
    assert facts_of(changed)[0].id != same[0]


@pytest.mark.parametrize("name", ["bill.updated", "payment.updated", "payment.failed", "vendor.updated"])
def test_a_notification_makes_no_fact(name: str) -> None:
    """It carries no lines and no division of a payment; the read that follows makes the fact."""
    raw = json.loads((FIXTURES / f"webhook.{name}.json").read_text(), parse_float=Decimal)
    event = {"kind": "event", "key": raw["metadata"]["eventId"], "version": "", "origin": "webhook", "document": raw}
    assert facts_of(BillDocument.model_validate(event)) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "purr"}, "the document: purr of BILL is not read by this release"),
        ({"document": {"id": "00n1"}}, "bill.vendorId: missing"),
        ({"document": {"id": "00n1", "vendorId": ["Jane Doe"]}}, "bill.vendorId: text was expected, not a list"),
        ({"kind": "event", "document": {"text": "x"}}, "the document: no notification of BILL"),
    ],
)
def test_what_cannot_be_read_is_set_aside_without_its_values(changes: dict[str, Any], reason: str) -> None:
    """A person is told which object it is, what is wrong, and where the bytes stand."""
    (fact,) = facts_of(document("bill").model_copy(update=changes))
    assert fact.data == UnreadableFact(
        side="bill",
        kind=changes.get("kind", "bill"),
        key=document("bill").key,
        topic="t.bill.events",
        partition=3,
        offset=41,
        reason=reason,
    )
