"""Payments of BILL come back to the ERP, posted and applied: every service, both simulators.

One company runs for the whole file. What stands where is read from the simulators' ledgers only.
"""

from collections import defaultdict
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


def people(pipe: Pipeline, do: str, **order: Any) -> dict[str, Any]:
    """What somebody does in the ERP."""
    done: dict[str, Any] = pipe.erp.ask("/_sandbox/people", {"do": do, **order})
    return done


def pay(pipe: Pipeline, action: str, **order: Any) -> Any:
    """What somebody does with payments in BILL."""
    return pipe.bill.ask("/_sandbox/payments", {"action": action, **order})


@pytest.fixture(scope="module")
def pipe(made_once: Installation, ca: Authority) -> Iterator[Pipeline]:
    """Three invoices stand in BILL as bills, everything running."""
    with pipeline(made_once, ca) as one:
        for number, cost in (("PAY-1", "100"), ("PAY-2", "250"), ("PAY-3", "80.50")):
            lines = [{"number": "6150", "unit_cost": cost}]
            people(one, "post_invoice", vendor="20000", vendor_invoice_number=number, lines=lines)
        one.start(*SERVICES, "tieout_payment_writeback")
        one.apply(
            cutover={"date": (TODAY - timedelta(days=2)).isoformat()},
            accounts={"clearing": CLEARING, "banks": {BANK: "CHECKING"}},
            policy={"transfer_quiet_seconds": 2},
        )
        eventually(lambda: {"PAY-1", "PAY-2", "PAY-3"} <= set(bills(one)), seconds=60, what="the bills")
        eventually(lambda: len(one.linked("bill")) >= 3, what="the links of the bills")
        yield one


def company(pipe: Pipeline) -> dict[str, Any]:
    """The ERP's books."""
    books: dict[str, Any] = pipe.erp.ledger()["companies"][0]
    return books


def bills(pipe: Pipeline) -> dict[str, str]:
    """BILL's ids of its bills, by invoice number."""
    (books,) = pipe.bill.ledger()["organizations"].values()
    return {one["invoice"]["invoiceNumber"]: one["id"] for one in books["bills"]}


def open_amounts(pipe: Pipeline) -> dict[str, Decimal]:
    """What is open of each invoice in the ERP's vendor ledger, by the vendor's number."""
    books = company(pipe)
    numbers = {one["id"]: one["vendor_invoice_number"] for one in books["invoices"]}
    entries = (one for one in books["vendor_entries"] if one["document_type"] == "Invoice")
    return {numbers[one["document_id"]]: -Decimal(one["remaining"]) for one in entries if one["document_id"] in numbers}


def balances(pipe: Pipeline) -> dict[str, Decimal]:
    """Debit less credit of each account, from the ERP's general ledger entries."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in company(pipe)["entries"]:
        sums[one["account"]] += Decimal(one["amount"])
    return sums


@pytest.mark.promise("BC4")
@pytest.mark.promise("C13")
@pytest.mark.promise("C14")
def test_a_partial_payment_is_posted_once_and_applied(pipe: Pipeline) -> None:
    """40 of 100: the ERP's ledger shows 60 open and 40 on clearing, in one payment entry; then the rest closes it."""
    before = balances(pipe)[CLEARING]
    part = [{"billId": bills(pipe)["PAY-1"], "amount": 40}]
    pay(pipe, "create", bills=part, fundingAccount={"type": "BANK_ACCOUNT", "id": BANK}, to="PROCESSED")
    eventually(lambda: open_amounts(pipe)["PAY-1"] == 60, seconds=60, what="the application of the first part")
    rest = [{"billId": bills(pipe)["PAY-1"], "amount": 60}]
    pay(pipe, "create", bills=rest, fundingAccount={"type": "BANK_ACCOUNT", "id": BANK}, to="PROCESSED")
    eventually(lambda: open_amounts(pipe)["PAY-1"] == 0, seconds=60, what="the application of the rest")
    eventually(lambda: len(pipe.linked("payment")) == 2, what="both proofs")
    moved = [one for one in company(pipe)["entries"] if one["account"] == CLEARING and Decimal(one["amount"]) < 0]
    assert sorted(Decimal(one["amount"]) for one in moved) == [-60, -40]
    eventually(lambda: balances(pipe)[CLEARING] == before, seconds=60, what="the funds transfer")


@pytest.mark.promise("C6")
def test_one_payment_over_two_bills_and_its_void_as_one_task(pipe: Pipeline) -> None:
    """Both invoices close together; voided, a person is asked to reverse it, and the task closes itself."""
    ids = bills(pipe)
    both = [{"billId": ids["PAY-2"]}, {"billId": ids["PAY-3"]}]
    answer = pay(pipe, "create", bills=both, fundingAccount={"type": "BANK_ACCOUNT", "id": BANK}, to="PROCESSED")
    made = answer["payments"][0]
    eventually(lambda: (open_amounts(pipe)["PAY-2"], open_amounts(pipe)["PAY-3"]) == (0, 0), seconds=60, what="both")
    link = f"payment/{made['id']}"
    eventually(lambda: pipe.links("payment").get(link, {}).get("phase") == "linked", what="the proof")
    pay(pipe, "void", id=made["id"])
    task = f"acme/task/reversal/{made['id']}"
    eventually(lambda: task in pipe.made.state(), seconds=60, what="the reversal task")
    documents = {one["document_number"] for one in company(pipe)["vendor_entries"] if one["document_type"] == "Payment"}
    for document in sorted(documents):
        entry = next(one for one in company(pipe)["vendor_entries"] if one["document_number"] == document)
        if Decimal(entry["amount"]) in (Decimal(250), Decimal("80.50")):
            people(pipe, "reverse", document=document)
    eventually(lambda: task not in pipe.made.state(), seconds=60, what="the task's end")
    assert (open_amounts(pipe)["PAY-2"], open_amounts(pipe)["PAY-3"]) == (Decimal(250), Decimal("80.50"))
    eventually(lambda: pipe.made.folded() == pipe.made.state(), what="journal and state at rest")
