"""Business Central's simulator: the books stay true whatever people do, and worlds are read strictly."""

import json
import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from support.business_central import KEY, NOW, TODAY, opened
from tieout_sandbox.business_central import BusinessCentralSimulator, default_world, large_world
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.people import act
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.worlds import add_invoice, add_payment, add_vendor, new_company, new_world
from tieout_sandbox.kernel.clock import Clock
from tieout_sandbox.systems import SYSTEMS, simulator

ZERO = Decimal(0)


def _books(world: dict[str, Any]) -> Books:
    return BusinessCentralSimulator(world, key=KEY, clock=Clock(NOW)).companies[0]


def _prove(books: Books) -> None:
    """What must be true of any books: see the asserts."""
    sums: Counter[int] = Counter()
    for entry in books.ledger:
        sums[entry.transaction] += entry.amount  # type: ignore[assignment]
    assert {transaction: amount for transaction, amount in sums.items() if amount} == {}
    for account in books.accounts:
        assert account.net_change == account.debit - account.credit
        assert account.net_change == sum((e.amount for e in books.ledger if e.account == account.number), ZERO)
    for group in books.posting_groups:
        open_items = [e.remaining_local for e in books.vendor_ledger if e.posting_group == group.code]
        assert books.account(group.payables).net_change == sum(open_items, ZERO)
    for bank in books.bank_accounts:
        moved = sum((e.amount_local for e in books.bank_ledger if e.bank == bank.number), ZERO)
        assert books.account(bank.account).net_change == moved
    for vendor in books.vendors:
        owed = sum((e.remaining_local for e in books.vendor_ledger if e.vendor == vendor.number), ZERO)
        assert vendor.balance == -owed
    _prove_entries(books)


def _prove_entries(books: Books) -> None:
    for entry in books.vendor_ledger:
        details = books.details.where("entry", entry.number)
        assert entry.remaining == sum((d.amount for d in details), ZERO)
        assert entry.remaining_local == sum((d.amount_local for d in details), ZERO)
        assert entry.open == bool(entry.remaining)
        if not entry.open:
            assert entry.remaining_local == 0
        document = books.documents.get(entry.document_id) if entry.document_id else None
        if document is not None and entry.document_type == "Invoice" and document.status != "Canceled":
            assert document.status == ("Open" if entry.open else "Paid")
    for document in books.documents:
        lines = books.lines.where("document", document.id)
        assert document.including_tax == sum((line.net_including_tax for line in lines), ZERO)


def _orders(choose: random.Random, step: int, books: Books) -> list[dict[str, Any]]:
    """Something a person may try, possible or not."""
    vendor = choose.choice(["20000", "30000", "60000"])
    cents = Decimal(choose.randint(1, 300_000)) / 100
    day = (TODAY - timedelta(days=choose.randint(0, 15))).isoformat()
    line = {"number": "6150", "unit_cost": str(cents), "quantity": choose.randint(1, 3), "tax_code": "REDUCED"}
    number, bank = f"W{choose.randint(1, 99)}", choose.choice(["CHECKING", "EUROBANK"])
    rates = {"rates": [["2024-01-01", "1.08"], [day, str(Decimal(choose.randint(90, 130)) / 100)]]}
    paid = choose.choice([e.number for e in books.vendor_ledger if e.amount > 0])
    entry = choose.choice([e for e in books.vendor_ledger if e.amount > 0])
    owed = [e.document_number for e in books.vendor_ledger if e.document_type == "Invoice" and e.vendor == entry.vendor]
    targets = choose.sample(owed, min(2, len(owed)))
    return [
        {"do": "post_invoice", "vendor": vendor, "vendor_invoice_number": number, "posting_date": day, "lines": [line]},
        {"do": "post_payment", "document": f"PW{step}", "invoice": number, "bank": bank},
        {"do": "post_payment", "document": f"PW{step}", "invoice": number, "amount": str(cents), "account": "2950"},
        {"do": "post_payment", "document": f"PW{step}", "vendor": vendor, "amount": str(cents), "account": "2950"},
        {"do": "post_credit_memo", "vendor": vendor, "vendor_invoice_number": f"C{step}", "lines": [line]},
        {"do": "apply", "entry": entry.number, "invoices": targets},
        {"do": "apply", "entry": entry.number, "invoices": targets[:1]},
        {"do": "unapply", "entry": paid},
        {"do": "reverse", "entry": paid},
        {"do": "cancel_invoice", "invoice": number},
        {"do": "change_currency", "key": "EUR", "values": rates},
    ]


@pytest.mark.parametrize("seed", range(6))
def test_sim_business_central_05_books_balance_whatever_people_do(seed: int) -> None:
    """After hundreds of postings, applications, reversals and refusals every sum still agrees."""
    choose = random.Random(seed)  # noqa: S311 - repeatable on purpose
    books = _books(default_world(TODAY))
    done: Counter[str] = Counter()
    for step in range(400):
        order = choose.choice(_orders(choose, step, books))
        with suppress(Refusal, ValueError):
            act(books, order)
            done[order["do"]] += 1
        if step % 40 == 0:
            _prove(books)
    _prove(books)
    wanted = ("post_invoice", "post_payment", "post_credit_memo", "apply", "unapply", "reverse")
    assert all(done[name] for name in wanted), done
    kinds = {detail.kind for detail in books.details}
    assert {"Application", "Payment Discount", "Realized Gain", "Realized Loss"} <= kinds


def test_sim_business_central_05_merged_vendors_keep_their_sums() -> None:
    """A merge moves documents and entries; the duplicate is gone and all sums agree."""
    books = _books(default_world(TODAY))
    act(books, {"do": "merge_vendor", "number": "85000", "into": "80000"})
    act(books, {"do": "merge_vendor", "number": "10000", "into": "20000"})
    assert books.vendors.find("10000") is None
    assert {d.vendor for d in books.documents if d.vendor_invoice_number == "107001"} == {"20000"}
    _prove(books)


def test_sim_business_central_05_entries_of_two_vendors_are_not_applied_to_each_other() -> None:
    """A payment of one vendor leaves another's invoice alone."""
    books = _books(default_world(TODAY))
    payment = act(books, {"do": "post_payment", "document": "P", "vendor": "20000", "amount": 5, "account": "2950"})
    with pytest.raises(Refusal):
        act(books, {"do": "apply", "entry": payment["entry"], "invoices": ["GDI-77"]})
    _prove(books)


def test_sim_business_central_world_from_a_seed() -> None:
    """The same seed gives the same world, with the sizes asked for, and its books are true."""
    world = large_world(7, TODAY)
    assert world == large_world(7, TODAY) != large_world(8, TODAY)
    books = _books(json.loads(json.dumps(world)))
    states = Counter(document.status for document in books.documents if document.kind == "Invoice")
    assert states == {"Open": 300, "Paid": 500, "Draft": 12}
    assert len(books.vendors) == 40
    assert len(books.accounts) >= 30
    assert len(books.dimensions) == 3
    stamps = [row.modified for row in books.documents]
    assert len(set(stamps)) > 0.9 * len(stamps)
    assert max(stamps) <= NOW
    _prove(books)


def test_sim_business_central_world_ids_are_the_same_after_a_restart() -> None:
    """Two starts from one world have the same ids; what is made later has others."""
    first, second = _books(default_world(TODAY)), _books(default_world(TODAY))
    assert [v.id for v in first.vendors] == [v.id for v in second.vendors]
    assert [e.id for e in first.ledger] == [e.id for e in second.ledger]
    order = {"do": "create_vendor", "vendor": {"number": "N"}}
    assert act(first, order)["id"] != act(second, order)["id"]


def test_sim_business_central_world_by_hand() -> None:
    """The builders make a world of one's own, on another environment and in another currency."""
    company = new_company("Fjord AS", TODAY, local_currency="NOK", local_symbol="kr")
    add_vendor(company, "1", "Nordlys", currency_code="EUR")
    add_invoice(company, TODAY, "1", "A-1", [{"number": "6110", "unit_cost": "10"}])
    add_payment(company, TODAY, "B-1", "A-1", amount="4", account="2950")
    books = _books(new_world(company, environment="test", switches={"version": 28}))
    assert (books.setup.local_currency, books.currency_shown("")) == ("NOK", "NOK")
    assert [str(e.remaining.normalize()) for e in books.vendor_ledger] == ["-6", "0"]
    _prove(books)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"tenant": ""}, "has 'tenant'"),
        ({"companys": []}, "companys"),
        ({"switches": {"page": 1}}, "page"),
        ({"companies": [{"name": "X", "venders": []}]}, "venders"),
        ({"companies": [{"name": "X", "setup": {"currency": "USD"}}]}, "Setup has no currency"),
        ({"companies": [{"name": "X", "accounts": [{"number": "1", "net_change": "x"}]}]}, "Account"),
        ({"companies": [{"name": "X", "people": [{"do": "dance"}]}]}, "people[0] of 'X', 'dance': unknown action"),
        ({"companies": [{"name": "X", "people": [{"do": "set_on_hold"}]}]}, "missing 'invoice'"),
        ({"companies": [{"name": "X", "account_dimensions": {"1": {}}}]}, "G/L Account No.='1'"),
    ],
)
def test_sim_business_central_world_is_read_strictly(change: dict[str, Any], part: str) -> None:
    """A misspelt or missing part is named, nothing is ignored."""
    world = {**new_world(new_company("X", TODAY)), **change}
    with pytest.raises(ValueError, match=r".") as caught:
        BusinessCentralSimulator(world)
    assert part in str(caught.value)


def test_sim_business_central_world_starts_from_the_table_of_systems() -> None:
    """Both systems are in the table and agree on the sandbox's key without being told."""
    assert {"business-central", "entra"} <= set(SYSTEMS)
    assert simulator("business-central").name == "business-central"
    assert simulator("entra").name == "entra"


async def test_sim_business_central_switches_take_only_what_fits() -> None:
    """A wrong kind of value turns nothing and says what the switch usually is."""
    async with opened() as bc:
        for wrong in ({"version": "28"}, {"ledger_page_published": 1}, {"page_size": -1}, {"retry_after_on_429": "x"}):
            with pytest.raises(RuntimeError, match="it usually is"):
                await bc.operator.switch(language="de-DE", **wrong)
        assert bc.simulator.switches["language"] == "en-US"
        await bc.operator.switch(retry_after_on_429=5, latency_ms=0.5)


async def test_sim_business_central_14_an_order_refused_at_its_commit_is_reported() -> None:
    """A long transaction that cannot commit leaves nothing but its reason; the list of actions names them all."""
    async with opened() as bc:
        await bc.person("block_vendor", number="NOBODY", commit_after=10)
        assert len((await bc.operator.get("people"))["waiting"]) == 1
        await bc.operator.advance(11)
        shown = await bc.operator.get("people")
        assert [one["error"] for one in shown["failed"]] == ["The Vendor No.='NOBODY' does not exist."]
        assert shown["actions"]["block_vendor"].startswith("``number`` and ``blocked``")
        with pytest.raises(RuntimeError, match="unknown action"):
            await bc.person("dance")


async def test_sim_business_central_10_reference_data_and_default_dimensions() -> None:
    """Terms, company, ageing and a vendor's default dimensions can be read, terms and defaults written."""
    async with opened() as bc:
        terms = {one["code"]: one for one in await bc.rows("paymentTerms")}
        discount = terms["2%10 30"]
        assert (discount["dueDateCalculation"], discount["discountPercent"]) == ("30D", 2)
        made = await bc.call("POST", "paymentTerms", {"code": "7d", "dueDateCalculation": "7D"})
        assert (made.status, made.body["code"]) == (201, "7D")
        assert (await bc.one("companyInformation"))["currencyCode"] == "USD"
        vendor = await bc.vendor()
        aged = (await bc.get(f"vendors({vendor['id']})/agedAccountsPayable")).body
        assert (aged["balanceDue"], aged["currentAmount"]) == (920, 920)
        await bc.operator.advance(40 * 24 * 3600)
        aged = (await bc.get(f"vendors({vendor['id']})/agedAccountsPayable")).body
        assert (aged["currentAmount"], aged["period1Amount"]) == (0, 920)
        area = await bc.one("dimensions?$filter=code eq 'AREA'&$expand=dimensionValues")
        value = next(one for one in area["dimensionValues"] if one["code"] == "EAST")
        body = {"dimensionId": area["id"], "dimensionValueId": value["id"], "postingValidation": "Code Mandatory"}
        path = f"vendors({vendor['id']})/defaultDimensions"
        default = await bc.call("POST", path, body)
        assert (default.status, default.body["postingValidation"]) == (201, "Code_x0020_Mandatory")
        assert [one["dimensionValueCode"] for one in await bc.rows(path)] == ["EAST"]
        draft = await bc.call("POST", "purchaseInvoices", {"vendorNumber": "20000"})
        dimensions = await bc.rows(f"purchaseInvoices({draft.body['id']})/dimensionSetLines")
        assert [one["code"] for one in dimensions] == ["AREA"]
