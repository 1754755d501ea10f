"""fact-mapper's pure half: which facts a raw message becomes."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.erp import Account, DimensionValue, DocumentRef, DocumentStatus, PurchaseInvoice, Vendor, VendorRef
from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.records import Address, Kind, ReadContext, Record
from tieout.domain.settings import Side
from tieout.events import catalogue
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Headers, Message, Payload, decode, encode
from tieout.events.facts import DocumentFetched, RunFact, RunPhase, TickFact, UnreadableFact, VendorObserved
from tieout.events.raw import BillDocument, ErpDocument, ErpRow, ErpRun, ErpUnreadable
from tieout_connectors.spi.wire import Unreadable
from tieout_fact_mapper.mapping import Place, UnknownType, UnreadableMessage, map_message
from tieout_fact_mapper.readers import READERS, reader_of

PLACE = Place("t.erp.changes", 3, 41)
TIME = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CONTEXT = ReadContext(company="c1", local_currency="USD")
INVOICE = PurchaseInvoice(
    id="i1",
    number="108031",
    buy_from=VendorRef(number="10000"),
    pay_to=VendorRef(number="10000"),
    posting_date=date(2026, 1, 5),
    document_date=date(2026, 1, 5),
    currency="USD",
    status=DocumentStatus.OPEN,
    net=Decimal("100.00"),
    tax=Decimal("25.00"),
    total=Decimal("125.00"),
    open=None,
)
ENTRY = VendorLedgerEntry(
    id="2831",
    type=EntryType.INVOICE,
    vendor_number="10000",
    document_number="108031",
    posting_date=date(2026, 1, 5),
    currency="USD",
    amount=Decimal("125.00"),
    open=Decimal("25.00"),
    is_open=True,
)
FILE = DocumentRef(id="doc-1", owner="i1", name="Rechnung März.pdf", size=700_000)
PLACE_OF_FILE = DocumentPlace(partition=1, offsets=(7, 8), bytes=700_000, sha256="ab" * 32)


class Reader:
    """An ERP whose rows are a number and a name; ``boom`` names an error to stumble with, ``noise`` is no vendor."""

    def read(self, kind: Kind, document: Mapping[str, Any], context: ReadContext) -> tuple[Record, ...]:
        """The vendor in a row."""
        assert kind is Kind.VENDOR
        if document.get("noise"):
            return ()
        if boom := document.get("boom"):
            raise {"Unreadable": Unreadable("name", "missing"), "KeyError": KeyError("secret name")}[boom]
        return (
            Vendor(
                id=document["id"],
                number=document["no"],
                name=document["name"],
                currency=context.iso(document.get("currency", "")),
                address=Address(city=document.get("city", "")),
            ),
        )


def readers(erp: str) -> Reader:
    """The fake ERP only."""
    return {"fake": Reader()}[erp]


def raw(data: Payload, **changes: Any) -> tuple[Headers, bytes]:
    """A raw message as the poller writes it."""
    message = Message(
        id="f123",
        source="/erp-poller",
        type=catalogue.name_of(data),
        subject="erp/vendor/v1",
        time=TIME,
        partitionkey="cronus-us",
        data=data,
        correlationid="cronus-us/vendor/7",
        traceparent=TRACE,
    )
    return encode(message.__class__(**{**{f: getattr(message, f) for f in Message.__slots__}, **changes}))


def row(**changes: Any) -> ErpRow:
    """A readable row."""
    document = {"id": "v1", "no": "10000", "name": "Grön & Söhne", "city": "Århus"}
    values = {"erp": "fake", "kind": Kind.VENDOR, "key": "v1", "version": 'W/"7"', "run": 7, "context": CONTEXT}
    return ErpRow.model_validate({**values, "document": document, **changes})


def facts_of(data: Payload) -> list[Message[Payload]]:
    """What the mapper makes of a payload."""
    return map_message(*raw(data), PLACE, readers)


def test_a_vendor_row_becomes_the_vendor_fact() -> None:
    """The decider sees the vendor, the run that saw it, and who caused it."""
    (fact,) = facts_of(row())
    assert fact.data == VendorObserved(
        run=7,
        vendor=Vendor(id="v1", number="10000", name="Grön & Söhne", currency="USD", address=Address(city="Århus")),
    )
    assert fact.type == "tieout.fact.erp.vendor.v1"
    assert (fact.subject, fact.partitionkey, fact.causationid) == ("erp/vendor/v1", "cronus-us", "f123")
    assert fact.correlationid == "cronus-us/vendor/7"


@pytest.mark.parametrize("erp", sorted(READERS))
def test_every_erp_named_in_the_table_has_a_reader(erp: str) -> None:
    """A wrong name in the table would stop the mapper at the first row of that ERP."""
    assert callable(reader_of(erp).read)


@pytest.mark.parametrize(
    ("record", "type_name"),
    [
        (Account(id="a1", number="5110", name="Purchases"), "tieout.fact.erp.account.v1"),
        (DimensionValue(id="d1", dimension="AREA", code="10", name="North"), "tieout.fact.erp.dimension.v1"),
        (Vendor(id="v1", number="10000", name="A", currency="USD"), "tieout.fact.erp.vendor.v1"),
        (INVOICE, "tieout.fact.erp.invoice.v1"),
        (ENTRY, "tieout.fact.erp.entry.v1"),
    ],
)
def test_every_kind_of_record_has_its_fact(record: Record, type_name: str) -> None:
    """Whatever a reader returns is told to the decider unchanged."""

    class One:
        def read(self, *_: Any) -> tuple[Record, ...]:
            return (record,)

    (fact,) = map_message(*raw(row()), PLACE, lambda _erp: One())
    assert fact.type == type_name
    assert record in [getattr(fact.data, name) for name in type(fact.data).model_fields]
    assert decode(*encode(fact), catalogue).data == fact.data


def test_several_records_of_one_row_are_several_facts() -> None:
    """A row with two records in it gives two facts with ids of their own."""
    vendor = Vendor(id="v1", number="10000", name="A", currency="USD")

    class Two:
        def read(self, *_: Any) -> tuple[Record, ...]:
            return (vendor, vendor)

    first, second = map_message(*raw(row()), PLACE, lambda _erp: Two())
    assert first.id != second.id


def test_a_record_without_a_fact_stops() -> None:
    """A connector that reads more than this release can tell is a wrong deployment."""

    class Other:
        def read(self, *_: Any) -> tuple[Record, ...]:
            return (Address(),)

    with pytest.raises(UnknownType, match="Address"):
        map_message(*raw(row()), PLACE, lambda _erp: Other())


def test_time_and_trace_are_copied() -> None:
    """When something became known is the poller's word; the mapper has no clock."""
    (fact,) = facts_of(row())
    assert (fact.time, fact.traceparent) == (TIME, TRACE)


def test_the_same_message_gives_the_same_bytes() -> None:
    """A replay of the raw topics writes the facts again, byte for byte."""
    headers, value = raw(row(version=""))
    first = [encode(fact) for fact in map_message(headers, value, PLACE, readers)]
    second = [encode(fact) for fact in map_message(list(headers), bytes(value), PLACE, readers)]
    assert first == second


def test_a_version_names_the_fact_whatever_the_run() -> None:
    """A vendor that was read twice unchanged is one fact, so that the decider drops the repeat."""
    assert facts_of(row(run=7))[0].id == facts_of(row(run=8))[0].id
    assert facts_of(row())[0].id != facts_of(row(version='W/"8"'))[0].id


def test_without_a_version_content_and_run_name_the_fact() -> None:
    """An ERP without versions: a value that returns to what it was is a new fact in a later run."""
    here = facts_of(row(version="", run=7))[0].id
    assert here == facts_of(row(version="", run=7))[0].id
    assert here != facts_of(row(version="", run=8))[0].id
    other = {"id": "v1", "no": "10000", "name": "Other"}
    assert here != facts_of(row(version="", run=7, document=other))[0].id


def test_the_order_of_a_documents_members_does_not_name_the_fact() -> None:
    """Two servers that write the same row in different order give one fact."""
    document = row().document
    turned = dict(reversed(document.items()))
    assert facts_of(row(version=""))[0].id == facts_of(row(version="", document=turned))[0].id


def test_amounts_pass_the_raw_log_exactly() -> None:
    """0.1 stays 0.1: a decimal is text in the log, never a binary fraction."""
    _, value = raw(row(document={"amount": Decimal("0.10")}))
    assert json.loads(value)["document"] == {"amount": "0.10"}


def test_a_noise_row_gives_no_fact() -> None:
    """A ghost line of the ERP is nobody's vendor."""
    assert facts_of(row(document={"noise": True})) == []


def test_an_unreadable_row_is_set_aside_with_its_place() -> None:
    """A person is told which record, what is wrong, and where the bytes stand."""
    (fact,) = facts_of(row(document={"boom": "Unreadable"}))
    assert fact.data == UnreadableFact(
        side=Side.ERP,
        kind="vendor",
        key="v1",
        topic="t.erp.changes",
        partition=3,
        offset=41,
        reason="name: missing",
    )
    assert fact.subject == "erp/vendor/v1"


def test_a_stumbling_reader_sets_the_row_aside_without_its_content() -> None:
    """One odd row never stops the others, and the reason holds no personal value."""
    (fact,) = facts_of(row(document={"boom": "KeyError"}))
    assert isinstance(fact.data, UnreadableFact)
    assert fact.data.reason == "the reader failed with KeyError"


def test_a_record_that_is_none_names_the_field_only() -> None:
    """A number where a name is due: the path is told, the value is not."""
    document = {"id": "v1", "no": "10000", "name": ["Jane Doe"]}
    (fact,) = facts_of(row(document=document))
    assert isinstance(fact.data, UnreadableFact)
    assert fact.data.reason == "name: Input should be a valid string"


def test_an_unknown_currency_is_unreadable() -> None:
    """A vendor in a currency nobody knows is held, not guessed."""
    document = {"id": "v1", "no": "1", "name": "A", "currency": "$$"}
    (fact,) = facts_of(row(document=document))
    assert isinstance(fact.data, UnreadableFact)


def test_what_the_poller_could_not_store_is_set_aside() -> None:
    """A row too large for the log becomes a hold that names its source."""
    refused = ErpUnreadable(erp="fake", kind=Kind.VENDOR, key="v9", version="", run=7, reason="2 MiB, more than 1 MiB")
    (fact,) = facts_of(refused)
    assert isinstance(fact.data, UnreadableFact)
    assert (fact.data.key, fact.data.reason) == ("v9", "2 MiB, more than 1 MiB")


@pytest.mark.parametrize(("place", "problem"), [(PLACE_OF_FILE, ""), (None, "too_large"), (None, "missing")])
def test_a_file_is_told_with_its_place_or_with_what_is_wrong(place: DocumentPlace | None, problem: str) -> None:
    """The decider has it put on its bill, or shows that it is missing."""
    raw_file = ErpDocument(erp="fake", link="bill/i1", invoice="i1", document=FILE, place=place, problem=problem)
    (fact,) = facts_of(raw_file)
    assert fact.data == DocumentFetched(link="bill/i1", invoice="i1", document=FILE, place=place, problem=problem)
    assert (fact.subject, fact.causationid, fact.traceparent) == ("erp/document/doc-1", "f123", TRACE)


def test_a_file_that_lies_elsewhere_is_another_fact() -> None:
    """What was fetched again is not taken for a repeat; the same message is."""
    headers, value = raw(ErpDocument(erp="fake", link="bill/i1", invoice="i1", document=FILE, place=PLACE_OF_FILE))
    other = [(name, b"f124" if name == "ce_id" else text) for name, text in headers]
    first, again, elsewhere = (map_message(each, value, PLACE, readers)[0].id for each in (headers, headers, other))
    assert first == again != elsewhere


@pytest.mark.parametrize("phase", list(RunPhase))
def test_both_ends_of_a_run_travel_with_its_rows(phase: RunPhase) -> None:
    """The decider knows what belongs to which run, and when a run was complete."""
    (fact,) = facts_of(ErpRun(erp="fake", kind=Kind.VENDOR, run=7, phase=phase, rows=12))
    assert fact.data == RunFact(kind=Kind.VENDOR, number=7, phase=phase, rows=12)


def test_begin_and_end_of_a_run_are_two_facts() -> None:
    """The end of a run is not taken for a repeat of its beginning."""
    ids = {facts_of(ErpRun(erp="fake", kind=Kind.VENDOR, run=7, phase=phase))[0].id for phase in RunPhase}
    assert len(ids) == len(RunPhase)


def test_a_document_of_bill_that_is_not_read_yet_is_set_aside() -> None:
    """Something new that BILL pushes is visible and stops nothing."""
    (fact,) = facts_of(BillDocument(kind="purr", key="p1", version="", origin="webhook", document={"a": 1}))
    assert isinstance(fact.data, UnreadableFact)
    assert (fact.data.side, fact.data.kind, fact.data.key) == (Side.BILL, "purr", "p1")


def test_an_unknown_type_of_ours_stops() -> None:
    """Release N must not skip what N+1 wrote."""
    headers, value = raw(row(), type="tieout.raw.erp.row.v2")
    with pytest.raises(UnknownType, match=r"tieout\.raw\.erp\.row\.v2"):
        map_message(headers, value, PLACE, readers)


def test_an_unknown_erp_stops() -> None:
    """Rows of a connector that this release does not have wait for the next one."""
    with pytest.raises(UnknownType, match="'other'"):
        facts_of(row(erp="other"))


def test_a_type_of_ours_on_the_wrong_topic_stops() -> None:
    """A fact among raw messages is a wrong configuration, not a document."""
    with pytest.raises(UnknownType, match=r"t\.erp\.changes"):
        facts_of(TickFact(slot=TIME))


@pytest.mark.parametrize(
    ("headers", "value"),
    [([], b"{}"), (None, None), (raw(row())[0], b"{"), (raw(row())[0], b'{"erp": "fake"}'), (raw(row())[0], None)],
)
def test_a_message_of_ours_that_is_none_stops(headers: Headers | None, value: bytes | None) -> None:
    """Damage on our own topic is never taken for foreign input."""
    with pytest.raises(UnreadableMessage):
        map_message(headers, value, PLACE, readers)


def test_a_newer_field_in_a_raw_message_is_skipped() -> None:
    """A newer poller may say more without stopping an older mapper."""
    headers, value = raw(row())
    newer = json.dumps({**json.loads(value), "later": 1}).encode()
    assert map_message(headers, newer, PLACE, readers)[0].data == facts_of(row())[0].data
