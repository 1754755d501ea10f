"""Bills and recorded payments by bill-writer, on a real broker, against BILL's simulator."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from support.commanding import CODED, VENDOR, Writer, bill, bill_content, hashed, payment
from support.installation import Installation, eventually
from support.simulators import Running, running
from tieout.domain.bill import BillLineContent
from tieout.events.commands import Intent
from tieout.events.facts import Result
from tieout_sandbox.systems import simulator


@pytest.fixture
def bill_side() -> Iterator[Running]:
    """BILL, simulated."""
    with running(simulator("bill")) as one:
        yield one


@pytest.fixture
def writer(made: Installation, bill_side: Running) -> Writer:
    """A bill-writer at work."""
    one = Writer(made, bill_side, {"bill_write_within": "0.5", "bill_http_timeout": "1"})
    one.begin()
    return one


def numbers(writer: Writer) -> Counter[str]:
    """How many bills BILL has of each number."""
    return Counter(one["invoice"]["invoiceNumber"] for one in writer.ledger()["bills"])


def test_a_backfill_is_looked_up_together(writer: Writer) -> None:
    """Sixty bills are created once each, and the looks for them are a few lists, not sixty."""
    contents = [bill_content(f"INV-{number}") for number in range(60)]
    answers = writer.answers(*(bill(content) for content in contents))
    assert {one.result for one in answers} == {Result.APPLIED}
    assert set(numbers(writer).values()) == {1}
    assert len(writer.bill.calls("GET", "/v3/bills")) <= 4


def test_what_is_in_bill_already_is_found_and_not_created(writer: Writer) -> None:
    """A bill of the same number is shown with what differs; one that is exactly as wanted carries the wanted hash."""
    content = bill_content("KEYED-1", "60.00", "40")
    first = writer.answer(bill(content))
    same = writer.answer(bill(content, attempt=2))
    assert [(one.id, one.content) for one in same.candidates] == [(first.target, hashed(content))]
    other = bill_content("keyed-1", "99.00")
    found = writer.answer(bill(other))
    assert (found.result, found.candidates[0].number) == (Result.FOUND, "KEYED-1")
    assert found.candidates[0].content not in ("", hashed(other))
    assert "100" in found.candidates[0].detail
    writer.people(do="archive", kind="bill", id=first.target)
    archived = writer.answer(bill(content, attempt=3))
    assert archived.candidates[0].archived
    assert archived.candidates[0].content != hashed(content)
    excluded = writer.answer(bill(content, attempt=4, exclude=(first.target,)))
    assert excluded.result is Result.APPLIED
    assert numbers(writer) == {"KEYED-1": 2}


def test_a_bill_that_is_only_looked_for_is_never_written(writer: Writer) -> None:
    """Paid in the ERP already: it is linked if BILL has it, and nothing is wrong if not."""
    content = bill_content("OLD-1")
    nothing = writer.answer(bill(content, Intent.BILL_FIND))
    assert (nothing.result, nothing.code) == (Result.REJECTED, "not_there")
    made = writer.answer(bill(content))
    assert writer.answer(bill(content, Intent.BILL_FIND, attempt=2)).candidates[0].id == made.target
    assert numbers(writer)["OLD-1"] == 1


def test_a_refusal_as_duplicate_is_found(writer: Writer) -> None:
    """Keyed by hand a moment ago, in a BILL that refuses a second number: it is found, not reported as refused."""
    writer.bill.ask("/_sandbox/switches", {"duplicate_invoice_refused": True})
    writer.answer(bill(bill_content("WARM-UP")))
    body = {
        "vendorId": VENDOR,
        "dueDate": "2026-11-01",
        "invoice": {"invoiceNumber": "DUP-1", "invoiceDate": "2026-10-01"},
        "billLineItems": [{"amount": 5}],
    }
    keyed = writer.people(do="create", kind="bill", body=body)
    found = writer.answer(bill(bill_content("DUP-1")))
    assert found.result is Result.FOUND
    assert [one.id for one in found.candidates] == [keyed["id"]]


def test_a_lost_answer_is_settled_by_number_date_and_amount(writer: Writer) -> None:
    """The bill was stored and the answer lost, while lists lag: found, applied, once. Lost before: absent."""
    writer.bill.ask("/_sandbox/switches", {"list_lag_seconds": 0.4})
    writer.bill.fault("drop_after", method="POST", path="/v3/bills$")
    content = bill_content("LOST-1")
    applied = writer.answer(bill(content))
    assert applied.result is Result.APPLIED
    assert [one["id"] for one in writer.ledger()["bills"]] == [applied.target]
    writer.bill.fault("drop_before", method="POST", path="/v3/bills$")
    assert writer.answer(bill(bill_content("LOST-2"))).result is Result.ABSENT
    assert writer.answer(bill(bill_content("LOST-2"), attempt=2)).result is Result.APPLIED
    assert set(numbers(writer).values()) == {1}


def test_a_change_touches_what_differs_and_nothing_that_is_paid(writer: Writer) -> None:
    """Header by header, lines by their ids, a new line by replacement; a scheduled or paid bill is left alone."""
    content = bill_content("CHG-1", "60.00", "40.00")
    made = writer.answer(bill(content))
    lines = [one["id"] for one in writer.ledger()["bills"][0]["billLineItems"]]
    later = content.model_copy(update={"due_date": date(2026, 12, 1), "purchase_order": "PO 7"})
    assert writer.answer(bill(later, target=made.target)).result is Result.APPLIED
    assert [one["id"] for one in writer.ledger()["bills"][0]["billLineItems"]] == lines
    dearer = later.model_copy(
        update={"lines": (later.lines[1], later.lines[0].model_copy(update={"amount": Decimal("61.00")}))}
    )
    assert writer.answer(bill(dearer, target=made.target)).result is Result.APPLIED
    longer = dearer.model_copy(update={"lines": (*dearer.lines, BillLineContent(amount=Decimal(9), coding=CODED))})
    assert writer.answer(bill(longer, target=made.target)).result is Result.APPLIED
    (stored,) = writer.ledger()["bills"]
    assert sorted(Decimal(str(line["amount"])) for line in stored["billLineItems"]) == [9, 40, 61]
    assert writer.answer(bill(longer, target=made.target, attempt=2)).result is Result.FOUND
    paid = writer.bill.ask("/_sandbox/payments", {"action": "create", "bills": [{"billId": made.target}]})
    refused = writer.answer(bill(content, target=made.target, attempt=9))
    assert (refused.result, refused.code) == (Result.REJECTED, "scheduled")
    writer.bill.ask("/_sandbox/payments", {"action": "advance", "id": paid["payments"][0]["id"], "to": "CLEARED"})
    refused = writer.answer(bill(content, target=made.target, attempt=10))
    assert (refused.result, refused.code) == (Result.REJECTED, "paid")
    assert refused.cure


def test_a_payment_made_outside_is_recorded_once(writer: Writer) -> None:
    """Told once however often it is asked for and whatever is lost; two equal payments of one day are two."""
    made = writer.answer(bill(bill_content("PAY-1")))
    writer.bill.fault("drop_after", method="POST", path="/v3/bills/record-payment")
    first = payment(made.target, "30.00")
    applied = writer.answer(first)
    assert applied.result is Result.APPLIED
    again = writer.answer(payment(made.target, "30.00", attempt=2))
    assert (again.result, again.candidates[0].id) == (Result.FOUND, applied.target)
    assert again.candidates[0].content == first.content_hash
    twin = writer.answer(payment(made.target, "30.00", link="paid/2"))
    assert twin.result is Result.APPLIED
    payments = writer.ledger()["payments"]
    assert Counter(one["syncReference"] for one in payments).most_common(1)[0][1] == 1
    assert sum(Decimal(str(one["amount"])) for one in payments) == 60
    too_much = writer.answer(payment(made.target, "50.00", link="paid/3"))
    assert (too_much.result, too_much.code) == (Result.REJECTED, "BDC_1159")


def test_a_writer_killed_in_the_middle_settles_what_it_left(made: Installation, bill_side: Running) -> None:
    """Killed after the call about a bill, then after the one about its payment: each stands once."""
    writer = Writer(made, bill_side, {"crash_at": "bill-writer.call.after:POST /v3/bills"})
    writer.begin()
    content = bill_content("KILL-1")
    (asked,) = writer.ask(bill(content))
    assert made.running["tieout_bill_writer"].wait_gone(seconds=20)
    writer.settings = {}
    writer.start(name="second")
    found = eventually(
        lambda: [one for one in writer.outcomes() if one.command == asked and one.result is Result.APPLIED]
    )
    assert [one["id"] for one in writer.ledger()["bills"]] == [found[0].target]
