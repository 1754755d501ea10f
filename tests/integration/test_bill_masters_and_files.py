"""Vendors, classifications and files by bill-writer, on a real broker, against BILL's simulator."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from support.commanding import Writer, bill, bill_content, classification, document, vendor
from support.installation import Installation
from support.simulators import Running, running
from tieout.connections.documents import DocumentName, document_key, establish_key, write_document
from tieout.domain.bill import ClassificationKind
from tieout.domain.settings import Side
from tieout.events.commands import DocumentPlace
from tieout.events.facts import Result
from tieout.log.produce import PlainProducer
from tieout_sandbox.systems import simulator

KEY = "chart-of-accounts"


@pytest.fixture
def bill_side() -> Iterator[Running]:
    """BILL, simulated."""
    with running(simulator("bill")) as one:
        yield one


@pytest.fixture
def writer(made: Installation, bill_side: Running) -> Writer:
    """A bill-writer that gives up hope for a lost upload after a second instead of a quarter of an hour."""
    fast = {"bill_write_within": "0.5", "bill_http_timeout": "1", "bill_document_slow": "1"}
    one = Writer(made, bill_side, fast)
    one.begin()
    return one


def rows(writer: Writer, kind: str) -> dict[str, Any]:
    """Classifications in BILL by number or short name."""
    found = writer.ledger()["classifications"][kind] if kind != "vendors" else writer.ledger()["vendors"]
    return {one.get("shortName") or one.get("account", {}).get("number", ""): one for one in found}


def test_masters_are_made_once_and_stay_aligned(writer: Writer) -> None:
    """Accounts and the three kinds of dimension: created, renamed, archived and restored, each in as few calls."""
    kinds = [
        ClassificationKind.ACCOUNT,
        ClassificationKind.DEPARTMENT,
        ClassificationKind.LOCATION,
        ClassificationKind.JOB,
    ]
    answers = writer.answers(*(classification(kind, "N7") for kind in kinds))
    assert {one.result for one in answers} == {Result.APPLIED}
    account = answers[0].target
    same = writer.answer(classification(ClassificationKind.ACCOUNT, "n7", attempt=2))
    assert (same.result, same.candidates[0].id) == (Result.FOUND, account)
    renamed = classification(ClassificationKind.ACCOUNT, "N7", name="Renamed", archived=True, target=account)
    assert writer.answer(renamed).result is Result.APPLIED
    stored = rows(writer, KEY)["N7"]
    assert (stored["name"], stored["archived"]) == ("Renamed", True)
    restored = classification(ClassificationKind.ACCOUNT, "N7", name="Back", target=account)
    assert writer.answer(restored).result is Result.APPLIED
    stored = rows(writer, KEY)["N7"]
    assert (stored["name"], stored["archived"]) == ("Back", False)
    unchanged = writer.answer(classification(ClassificationKind.ACCOUNT, "N7", name="Back", target=account, attempt=2))
    assert (unchanged.result, unchanged.candidates[0].content) == (Result.FOUND, restored.content_hash)
    assert Counter(one["method"] for one in writer.bill.calls(path=KEY) if one["method"] != "GET") == {
        "POST": 3,
        "PATCH": 2,
    }


def test_a_hand_keyed_account_is_offered_by_its_name(writer: Writer) -> None:
    """An account of the same name without a number may be the one; one with another number is another."""
    body = {"name": "Number N8", "account": {"type": "EXPENSE"}}
    keyed = writer.people(do="create", kind=KEY, body=body)
    writer.people(do="create", kind=KEY, body={"name": "Number N9", "account": {"type": "EXPENSE", "number": "9"}})
    found = writer.answer(classification(ClassificationKind.ACCOUNT, "N8"))
    assert [one.id for one in found.candidates] == [keyed["id"]]
    assert writer.answer(classification(ClassificationKind.ACCOUNT, "N9")).result is Result.APPLIED


def test_a_kind_that_is_switched_off_stops_only_what_needs_it(writer: Writer) -> None:
    """Departments are off: they are refused with a cure, and the connection goes on."""
    writer.bill.ask("/_sandbox/switches", {"classifications_off": ["departments"]})
    refused, made = writer.answers(
        classification(ClassificationKind.DEPARTMENT, "D1"), classification(ClassificationKind.ACCOUNT, "N7")
    )
    assert (refused.result, refused.code) == (Result.REJECTED, "BDC_1145")
    assert "Switch departments on" in refused.cure
    assert made.result is Result.APPLIED


def test_a_vendor_is_archived_and_restored_with_its_content(writer: Writer) -> None:
    """Blocked in the ERP it is archived, with what changed meanwhile; unblocked it is restored before it is changed."""
    made = writer.answer(vendor("W1"))
    blocked = vendor("W1", name="Blocked AS", archived=True, target=made.target)
    assert writer.answer(blocked).result is Result.APPLIED
    stored = rows(writer, "vendors")["W1"]
    assert (stored["name"], stored["archived"]) == ("Blocked AS", True)
    again = writer.answer(vendor("W1", name="Blocked AS", archived=True, target=made.target, attempt=2))
    assert (again.result, again.candidates[0].content) == (Result.FOUND, blocked.content_hash)
    shown = writer.answer(vendor("W1", name="Blocked AS", attempt=2))
    assert shown.candidates[0].archived
    assert shown.candidates[0].content != shown.content
    assert writer.answer(vendor("W1", name="Open AS", target=made.target)).result is Result.APPLIED
    stored = rows(writer, "vendors")["W1"]
    assert (stored["name"], stored["archived"]) == ("Open AS", False)


def test_a_step_whose_answer_is_lost_is_settled_and_the_rest_follows(writer: Writer) -> None:
    """The new name arrived, its answer did not, and it is still to be archived: nothing is claimed too early."""
    made = writer.answer(vendor("W1"))
    writer.bill.fault("drop_after", method="PATCH", path="/v3/vendors/")
    wanted = vendor("W1", name="Closed AS", archived=True, target=made.target)
    assert writer.answer(wanted).result is Result.ABSENT
    again = vendor("W1", name="Closed AS", archived=True, target=made.target, attempt=2)
    assert writer.answer(again).result is Result.APPLIED
    stored = rows(writer, "vendors")["W1"]
    assert (stored["name"], stored["archived"]) == ("Closed AS", True)
    assert len(writer.bill.calls("PATCH", "/v3/vendors/")) == 1


def sealed(writer: Writer, content: bytes, connection: str = "acme") -> DocumentPlace:
    """The poller's share: a file on snapshots."""
    made = writer.made
    establish_key(made.secrets, connection)
    key = document_key(made.secrets, connection, Side.ERP)
    assert key is not None
    assert key == document_key(made.secrets, connection, Side.BILL)

    async def write() -> DocumentPlace:
        producer = PlainProducer(made.access)
        name = DocumentName(connection, "i-1", "d-1")
        place = await write_document(producer, made.names, "/erp-poller", key, name, content, now=datetime.now(UTC))
        await producer.close()
        return place

    return asyncio.run(write())


def files(writer: Writer) -> list[tuple[str, str]]:
    """Name and hash of the files BILL has."""
    return sorted((one["name"], one["sha256"]) for one in writer.ledger()["documents"])


def test_a_file_travels_sealed_and_arrives_whole_and_once(writer: Writer) -> None:
    """Over a megabyte in chunks; asked for again before BILL lists it, it is known; listed, it is found."""
    made = writer.answer(bill(bill_content("DOC-1")))
    content = bytes(range(256)) * 5000
    place = sealed(writer, content)
    assert len(place.offsets) == 3
    assert writer.answer(document(made.target, "invoice.pdf", place)).result is Result.APPLIED
    assert files(writer) == [("invoice.pdf", hashlib.sha256(content).hexdigest())]
    known = writer.answer(document(made.target, "invoice.pdf", place, attempt=2))
    assert (known.result, known.candidates[0].name) == (Result.FOUND, "invoice.pdf")
    writer.bill.ask("/_sandbox/clock", {"advance": 300})
    listed = writer.answer(document(made.target, "invoice.pdf", place, attempt=3))
    assert listed.candidates[0].id.startswith("00h")
    assert listed.candidates[0].content == place.sha256
    assert len(files(writer)) == 1


def test_a_lost_upload_is_looked_up_once_bill_can_show_it(writer: Writer) -> None:
    """The answer is lost and the file is not listed yet: it is waited for, found and not sent again."""
    writer.bill.ask("/_sandbox/switches", {"document_seconds": 1.0})
    made = writer.answer(bill(bill_content("DOC-1")))
    place = sealed(writer, b"%PDF-1.7 lost")
    writer.bill.fault("drop_after", method="POST", path="/v3/documents/bills/")
    settled = writer.answer(document(made.target, "lost.pdf", place))
    assert settled.result is Result.APPLIED
    assert settled.target.startswith("00h")
    assert len(files(writer)) == 1


def test_a_file_that_is_not_what_was_fetched_is_refused(writer: Writer) -> None:
    """Chunks of another connection, a wrong hash, and chunks that are gone: each is told, none is uploaded."""
    made = writer.answer(bill(bill_content("DOC-1")))
    place = sealed(writer, b"%PDF-1.7 mine")
    foreign = sealed(writer, b"%PDF-1.7 theirs", connection="other")
    wrong = place.model_copy(update={"sha256": "0" * 64})
    gone = place.model_copy(update={"offsets": (9_999,)})
    answers = writer.answers(
        *(document(made.target, name, each) for name, each in (("a", foreign), ("b", wrong), ("c", gone)))
    )
    assert {(one.result, one.code) for one in answers} == {(Result.REJECTED, "document_lost")}
    assert files(writer) == []
