"""The company of a seed: what the demo promises to contain, as the simulators' own posting engine made it."""

import json
from collections import Counter
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.business_central import BusinessCentralSimulator
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.company import FULL, SMALL, Company, build
from tieout_sandbox.company.vendors import BLOCKED_ALL, BLOCKED_PAYMENT, NO_ADDRESS

TODAY = date(2026, 6, 15)


@cache
def company(seed: int = 7) -> Company:
    """A company of full size."""
    return build(seed, TODAY)


@cache
def books() -> Books:
    """Its books, loaded from the world file as a simulator loads it."""
    (made,) = BusinessCentralSimulator(json.loads(json.dumps(company().erp))).companies
    return made


@cache
def ledger() -> dict[str, Any]:
    """The ground truth of the ERP's simulator."""
    simulator = BusinessCentralSimulator(json.loads(json.dumps(company().erp)))
    made: dict[str, Any] = simulator.ledger()["companies"][0]
    return made


def open_entries() -> list[dict[str, Any]]:
    """Vendor entries of invoices that are not paid."""
    return [one for one in ledger()["vendor_entries"] if one["document_type"] == "Invoice" and one["open"]]


def test_a_seed_and_a_day_give_the_same_worlds_and_another_seed_others() -> None:
    """A report that prints its seed can be made again."""
    first, second = build(11, TODAY), build(11, TODAY)
    assert json.dumps([first.erp, first.bill]) == json.dumps([second.erp, second.bill])
    assert first.also == second.also
    assert json.dumps(build(12, TODAY).erp) != json.dumps(first.erp)


def test_vendors_are_as_odd_as_real_ones() -> None:
    """At least forty, in two currencies, with accents, long names, blocked ones and one without an address."""
    vendors = list(books().vendors)
    assert len(vendors) >= 40
    assert {one.currency_code for one in vendors} == {"", "EUR"}
    assert sum(not one.display_name.isascii() for one in vendors) >= 4
    assert max(len(one.display_name) for one in vendors) > 90
    assert {one.number: one.blocked for one in vendors if one.blocked.strip()} == {
        BLOCKED_ALL: "All",
        BLOCKED_PAYMENT: "Payment",
    }
    assert [one.number for one in vendors if not one.address_line1] == [NO_ADDRESS]
    names = Counter(one.display_name for one in vendors)
    assert max(names.values()) == 2


def test_masters_are_enough() -> None:
    """At least thirty accounts that can be posted to, and three dimensions."""
    postable = [one for one in books().accounts if one.account_type == "Posting" and one.direct_posting]
    assert len(postable) >= 30
    assert len(books().dimensions) == 3


def test_open_invoices_are_mixed() -> None:
    """Three hundred and more; 40 % of the lines are item, charge or comment lines, 30 % of the invoices are taxed."""
    documents = [one for one in books().documents if one.kind == "Invoice" and one.status == "Open"]
    lines = [books().lines.where("document", one.id) for one in documents]
    kinds = Counter(line.kind for bought in lines for line in bought)
    assert len(documents) == 300 + 20 + 15 + 10 + 2 + FULL.blocked + 1
    assert min(len(bought) for bought in lines) >= 3
    assert sum(kinds[kind] for kind in ("Item", "Charge", "Comment")) >= 0.4 * kinds.total()
    assert sum(one.tax != 0 for one in documents) >= 0.3 * len(documents)
    assert sum(any(line.invoice_discount for line in bought) for bought in lines) == 20
    assert len(books().attachments) == FULL.documents


def test_what_may_move_and_what_may_not() -> None:
    """Part-paid, on hold, older than the cut-over, drafts and orders are there in the numbers promised."""
    made = company()
    entries = open_entries()
    old = [one for one in entries if one["posting_date"] < made.cutover.isoformat()]
    assert sum(one["remaining"] != one["amount"] for one in entries) == 20
    assert sum(bool(one["on_hold"].strip()) for one in entries) == 15
    assert len(old) == 12
    assert len(made.also) == 2
    assert set(made.also) < {one["document_number"] for one in old}
    statuses = Counter(one["status"] for one in ledger()["invoices"])
    assert statuses["Paid"] == 500
    assert statuses["Draft"] == 12
    assert len(ledger()["orders"]) == 12


def test_the_books_are_true_double_entry() -> None:
    """Debits equal credits, and what vendors are owed is what the payables accounts say."""
    truth = ledger()
    assert truth["balanced"]
    payables = sum(round(100 * float(one["balance"])) for one in truth["accounts"] if one["number"] in ("2110", "2120"))
    owed = sum(round(100 * float(one["remaining_local"])) for one in truth["vendor_entries"])
    assert payables == owed


def test_no_vendor_uses_a_number_twice() -> None:
    """Nothing of the company looks like a duplicate by accident."""
    numbers = [(one["pay_to"], one["vendor_invoice_number"]) for one in ledger()["invoices"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2028, 2, 29), date(2026, 12, 31)])
def test_every_day_of_the_year_has_a_company(today: date) -> None:
    """Both worlds load on any day, and nothing lies in the future."""
    made = build(3, today, SMALL)
    (erp,) = BusinessCentralSimulator(made.erp).companies
    assert max(one.posting_date for one in erp.vendor_ledger) < today
    assert made.cutover < today - timedelta(days=60)
    organizations = BillSimulator(made.bill).ledger()["organizations"]
    assert [len(one["vendors"]) for one in organizations.values()] == [3]
