"""Both ledgers tie out, and whatever people spoil is named: every service, both simulators.

One company runs for the whole file. What the tie-out says is compared with the simulators' own ledgers.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from support.installation import Installation, eventually
from support.pipeline import SERVICES, Pipeline, pipeline
from tieout_devstack.certificates import Authority
from tieout_sandbox.bill.default_world import BANK

TODAY: Final = datetime.now(UTC).date()
CLEARING: Final = "2950"
FUNDING: Final = {"type": "BANK_ACCOUNT", "id": BANK}
INVOICES: Final = {
    "TIE-1": "100", "TIE-2": "250", "TIE-3": "80.50", "TIE-4": "70", "TIE-5": "33.33", "TIE-6": "610", "TIE-7": "45",
    "TIE-8": "12.34",
}  # fmt: skip


def people(pipe: Pipeline, do: str, **order: Any) -> dict[str, Any]:
    """What somebody does in the ERP."""
    done: dict[str, Any] = pipe.erp.ask("/_sandbox/people", {"do": do, **order})
    return done


def in_bill(pipe: Pipeline, do: str, **order: Any) -> dict[str, Any]:
    """What somebody does in BILL."""
    done: dict[str, Any] = pipe.bill.ask("/_sandbox/people", {"do": do, **order})
    return done


def pay(pipe: Pipeline, action: str, **order: Any) -> Any:
    """What somebody does with payments in BILL."""
    return pipe.bill.ask("/_sandbox/payments", {"action": action, **order})


def bills(pipe: Pipeline) -> dict[str, dict[str, Any]]:
    """BILL's bills by invoice number."""
    (books,) = pipe.bill.ledger()["organizations"].values()
    return {one["invoice"]["invoiceNumber"]: one for one in books["bills"]}


def numbers(pipe: Pipeline) -> dict[str, str]:
    """The ERP's numbers of its invoices by the vendor's."""
    return {one["vendor_invoice_number"]: one["number"] for one in pipe.erp.ledger()["companies"][0]["invoices"]}


def compare(pipe: Pipeline) -> Any:
    """A fresh tie-out."""
    status, answer = pipe.ask("POST", "/v1/connections/acme/tie-outs", {"fresh": True, "seconds": 60})
    assert status == 200, answer
    return answer


def found(answer: Any, *, expected: bool | None = None) -> list[tuple[str, tuple[str, ...], Decimal]]:
    """Class, documents and amount of the differences."""
    rows = [one for one in answer["result"]["differences"] if expected in (None, one["expected"])]
    return sorted((one["class"], tuple(one["documents"]), Decimal(one["amount"])) for one in rows)


@pytest.fixture(scope="module")
def pipe(made_once: Installation, ca: Authority) -> Iterator[Pipeline]:
    """Invoices stand in BILL as bills, everything running."""
    with pipeline(made_once, ca) as one:
        for number, cost in INVOICES.items():
            lines = [{"number": "6150", "unit_cost": cost}]
            people(one, "post_invoice", vendor="20000", vendor_invoice_number=number, lines=lines)
        one.start(*SERVICES, "tieout_payment_writeback")
        one.apply(
            cutover={"date": (TODAY - timedelta(days=2)).isoformat()},
            accounts={"clearing": CLEARING, "banks": {BANK: "CHECKING"}, "control": ["2110", "2120"]},
            policy={"transfer_quiet_seconds": 2},
        )
        eventually(lambda: len(one.linked("bill")) >= len(INVOICES), seconds=90, what="the links of the bills")
        yield one


def settled(pipe: Pipeline, payments: int) -> bool:
    """Whether so many payments are linked, and their transfers booked."""
    transfers = pipe.links("transfer").values()
    at_rest = bool(transfers) and all(one["phase"] == "linked" for one in transfers)
    quiet = not any(key.startswith("acme/quiet/") for key in pipe.made.state())
    return len(pipe.linked("payment")) >= payments and at_rest and quiet


@pytest.mark.promise("C14")
def test_both_ledgers_tie_out_through_payments_and_a_void(pipe: Pipeline) -> None:
    """Part payments, one over two bills, a void: at rest nothing is unexplained; a reversal that is due is named so."""
    ids = {number: bill["id"] for number, bill in bills(pipe).items()}
    pay(pipe, "create", bills=[{"billId": ids["TIE-1"], "amount": 40}], fundingAccount=FUNDING, to="PROCESSED")
    both = [{"billId": ids["TIE-2"]}, {"billId": ids["TIE-3"]}]
    made = pay(pipe, "create", bills=both, fundingAccount=FUNDING, to="PROCESSED")["payments"][0]
    eventually(lambda: settled(pipe, 2), seconds=90, what="two payments and their transfer")
    answer = compare(pipe)
    assert found(answer) == []
    assert answer["clean"]
    result = answer["result"]
    books = {one["number"]: Decimal(one["balance"]) for one in pipe.erp.ledger()["companies"][0]["accounts"]}
    assert Decimal(result["subledger"]["control"]) == books["2110"] + books["2120"]
    assert Decimal(result["clearing"]["balance"]) == books[CLEARING] == 0
    assert Decimal(result["clearing"]["payments_posted"]) == Decimal("370.50")
    owed = sum((Decimal(cost) for cost in INVOICES.values()), Decimal(0)) - Decimal("370.50")
    dollars = next(one for one in result["bill"]["currencies"] if one["currency"] == "USD")
    assert (Decimal(dollars["erp"]), Decimal(dollars["bill"])) == (owed, owed)
    assert {one["why"] for one in result["out_of_scope"]} >= {"before_cutover", "credit"}
    pay(pipe, "void", id=made["id"])
    task = f"acme/task/reversal/{made['id']}"
    eventually(lambda: task in pipe.made.state(), seconds=90, what="the reversal task")
    named = numbers(pipe)
    answer = compare(pipe)
    assert found(answer) == [("reversal_due", (named["TIE-2"], named["TIE-3"], made["id"]), Decimal("-330.50"))]
    assert answer["clean"]
    entries = pipe.erp.ledger()["companies"][0]["vendor_entries"]
    for entry in entries:
        if entry["document_type"] == "Payment" and Decimal(entry["amount"]) in (Decimal(250), Decimal("80.50")):
            people(pipe, "reverse", document=entry["document_number"])
    eventually(lambda: task not in pipe.made.state(), seconds=90, what="the task's end")
    answer = compare(pipe)
    assert (found(answer), answer["clean"]) == ([], True)
    assert Decimal(answer["result"]["clearing"]["refunds_due"]) == Decimal("330.50")


def test_whatever_people_spoil_is_named_with_documents_and_amount(pipe: Pipeline) -> None:
    """Direct postings, a deleted and a changed bill, payments by hand on either side, a bill keyed in BILL."""
    there, named = bills(pipe), numbers(pipe)
    people(pipe, "post_direct", debit="2110", credit="6150", amount="12.34", document="GJ-1")
    people(pipe, "post_direct", debit="6150", credit=CLEARING, amount="5.55", document="GJ-2")
    in_bill(pipe, "archive", kind="bill", id=there["TIE-4"]["id"])
    line = there["TIE-5"]["billLineItems"][0]
    in_bill(pipe, "edit", kind="bill", id=there["TIE-5"]["id"], body={"billLineItems": [{**line, "amount": 30}]})
    people(pipe, "post_payment", document="HAND-1", invoice="TIE-6", amount="600", bank="CHECKING")
    pay(pipe, "record", bills=[{"billId": there["TIE-7"]["id"], "amount": 20}])
    keyed = {
        "vendorId": there["TIE-8"]["vendorId"], "dueDate": TODAY.isoformat(), "billLineItems": [{"amount": 77}],
        "invoice": {"invoiceNumber": "KEYED-1", "invoiceDate": TODAY.isoformat()},
    }  # fmt: skip
    hand = in_bill(pipe, "create", kind="bill", body=keyed)
    wanted = sorted(
        [
            ("direct_posting_on_control", ("GJ-1",), Decimal("12.34")),
            ("direct_posting_on_clearing", ("GJ-2",), Decimal("-5.55")),
            ("deleted_bill", (named["TIE-4"], there["TIE-4"]["id"]), Decimal(70)),
            ("amount_differs", (named["TIE-5"], there["TIE-5"]["id"]), Decimal("3.33")),
            ("paid_outside_bill", (named["TIE-6"], there["TIE-6"]["id"]), Decimal(-600)),
            ("recorded_in_bill_only", (named["TIE-7"], there["TIE-7"]["id"]), Decimal(20)),
            ("missing_in_erp", ("KEYED-1", hand["id"]), Decimal(-77)),
        ]
    )
    eventually(lambda: found(compare(pipe), expected=False) == wanted, seconds=30, what="rest after what people did")
    answer = compare(pipe)
    assert found(answer) == wanted
    assert (answer["clean"], answer["complete"]) == (False, True)
