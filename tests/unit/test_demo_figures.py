"""What the demo finds in two ledgers: its figures, and each way in which they can disagree."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from support.two_worlds import TwoWorlds
from tieout_cli.demo.figures import Standing, holds_by_reason, standing
from tieout_cli.demo.logview import Held
from tieout_sandbox.company import SMALL
from tieout_sandbox.company.vendors import NO_ADDRESS


@pytest.fixture
def worlds() -> TwoWorlds:
    """Both sides, as they should stand after the main job."""
    made = TwoWorlds()
    made.enter_all()
    return made


def holds(worlds: TwoWorlds) -> list[Held]:
    """What Tieout holds in this company."""
    books = worlds.erp["companies"][0]
    on_hold = {one["document_number"] for one in books["vendor_entries"] if one["on_hold"]}
    blocked = {one["number"] for one in books["vendors"] if one["blocked"] == "Payment"}
    rows = [one for one in books["invoices"] if one["status"] == "Open"]
    return [
        Held(f"vendor/{NO_ADDRESS}", "vendor.address_incomplete", {"number": NO_ADDRESS}),
        *(held("bill.on_hold_in_erp", row) for row in rows if row["number"] in on_hold),
        *(held("bill.vendor_blocked", row) for row in rows if row["pay_to"] in blocked),
    ]


def held(reason: str, row: dict[str, Any]) -> Held:
    """A hold of an invoice."""
    return Held(f"bill/{row['id']}", reason, {"number": row["number"]})


def compared(worlds: TwoWorlds, held: Iterable[Held] | None = None) -> Standing:
    """Both ledgers compared."""
    known = holds(worlds) if held is None else list(held)
    return standing(worlds.company, worlds.erp, worlds.bill, known)


def kinds(found: Standing) -> list[tuple[str, str]]:
    """Class and amount of each difference."""
    return [(one.kind, str(one.amount)) for one in found.differences]


def an_invoice(worlds: TwoWorlds, *, bill: bool = True) -> dict[str, Any]:
    """An open invoice that has a bill, or a row that must have none."""
    with_bill = {one["description"] for one in worlds.there["bills"]}
    rows = worlds.erp["companies"][0]["invoices"]
    found: dict[str, Any] = next(
        one for one in rows if one["status"] == ("Open" if bill else "Paid") and (one["number"] in with_bill) is bill
    )
    return found


def test_nothing_is_unexplained_when_all_is_well(worlds: TwoWorlds) -> None:
    """Bills equal invoices by currency; what is not there is held for a reason."""
    found = compared(worlds)
    assert found.differences == []
    assert found.bills_total == found.erp_total
    assert set(found.bills_total) == {"EUR", "USD"}
    assert found.vendors_linked == SMALL.vendors - 3
    assert len(found.bills) == SMALL.open + SMALL.part_paid + SMALL.also
    assert holds_by_reason(holds(worlds)) == {
        "bill.on_hold_in_erp": SMALL.on_hold,
        "bill.vendor_blocked": SMALL.blocked,
        "vendor.address_incomplete": 1,
    }


def test_an_invoice_without_bill_and_without_hold_is_missing(worlds: TwoWorlds) -> None:
    """Each invoice that nobody explains is named with its amount."""
    found = compared(worlds, held=[])
    assert [kind for kind, _amount in kinds(found)] == ["missing bill"] * (SMALL.on_hold + SMALL.blocked + 1)


def test_a_hold_that_the_company_gives_no_reason_for_is_a_difference(worlds: TwoWorlds) -> None:
    """A refusal or a defect is never passed over in silence."""
    extra = Held("bill/x", "refused", {"number": "108001", "message": "no"})
    assert kinds(compared(worlds, [*holds(worlds), extra])) == [("hold", "0")]


def test_another_amount_is_named(worlds: TwoWorlds) -> None:
    """A bill that differs by a cent is named with its invoice, its id and what it lacks."""
    invoice = an_invoice(worlds)
    bill = next(one for one in worlds.there["bills"] if one["description"] == invoice["number"])
    line = bill["billLineItems"][0]
    worlds.edit_bill(
        bill["id"], billLineItems=[{"id": line["id"], "amount": Decimal(line["amount"]) + Decimal("0.01")}]
    )
    found = compared(worlds)
    assert kinds(found) == [("amount", "-0.01")]
    assert found.differences[0].documents == (invoice["number"], bill["id"])


def test_a_bill_twice_is_named(worlds: TwoWorlds) -> None:
    """The same invoice as two bills: the second amount is one too much."""
    invoice = an_invoice(worlds)
    worlds.enter(invoice)
    assert kinds(compared(worlds)) == [("bill twice", f"-{_two(invoice)}")]


def test_a_bill_of_no_invoice_is_named(worlds: TwoWorlds) -> None:
    """A bill whose number no posted invoice has is named."""
    invoice = dict(an_invoice(worlds), vendor_invoice_number="NOBODY'S")
    worlds.enter(invoice)
    assert kinds(compared(worlds)) == [("bill without invoice", f"-{_two(invoice)}")]


def test_what_lies_before_the_cutover_may_have_no_bill(worlds: TwoWorlds) -> None:
    """An invoice that was to stay out is named once it has a bill."""
    rows = worlds.erp["companies"][0]["invoices"]
    old = next(
        one
        for one in rows
        if one["status"] == "Open"
        and one["posting_date"] < worlds.company.cutover.isoformat()
        and one["number"] not in worlds.company.also
    )
    worlds.enter(old)
    assert kinds(compared(worlds)) == [("outside the cut-over", f"-{_two(old)}")]


def test_what_is_on_hold_may_have_no_bill(worlds: TwoWorlds) -> None:
    """An invoice on hold in the ERP is named once it has a bill."""
    books = worlds.erp["companies"][0]
    number = next(one["document_number"] for one in books["vendor_entries"] if one["on_hold"])
    row = next(one for one in books["invoices"] if one["number"] == number)
    worlds.enter(row)
    assert kinds(compared(worlds)) == [("bill on hold", f"-{_two(row)}")]


def test_what_people_enter_in_bill_is_not_counted_as_tieouts(worlds: TwoWorlds) -> None:
    """A bill that somebody made by hand is no bill created by Tieout."""
    before = compared(worlds)
    worlds.enter(dict(an_invoice(worlds), vendor_invoice_number="BY HAND"), user="admin@harborfinch.example")
    assert compared(worlds).bills == before.bills


def test_books_that_do_not_balance_are_named(worlds: TwoWorlds) -> None:
    """Whatever else is equal, a ledger out of balance is no result."""
    erp = worlds.erp
    erp["companies"][0]["balanced"] = False
    found = standing(worlds.company, erp, worlds.bill, holds(worlds))
    assert kinds(found) == [("books", "0")]


def _two(row: dict[str, Any]) -> str:
    return f"{float(row['including_tax']):.2f}"
