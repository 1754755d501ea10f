"""From posted invoices of the ERP to bills: every service, real Kafka and PostgreSQL, both simulators.

One company runs for all tests of the file; each test posts what it needs. Every number is read from the simulators'
ledgers.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from support.installation import Installation, eventually
from support.pipeline import Pipeline, pipeline
from tieout.events.facts import LedgerEntryObserved, RunFact, VendorObserved
from tieout.log.topics import Topic
from tieout_devstack.certificates import Authority

TODAY: Final = datetime.now(UTC).date()
CUTOVER: Final = TODAY - timedelta(days=60)
BEFORE: Final = (CUTOVER - timedelta(days=1)).isoformat()
DIMENSIONS: Final = {"DEPARTMENT": "department", "PROJECT": "job", "AREA": "location"}
PAYABLES: Final = ("2110", "2120")
LARGE: Final = 6_000_001


def people(pipe: Pipeline, do: str, **order: Any) -> dict[str, Any]:
    """What somebody does in the ERP."""
    done: dict[str, Any] = pipe.erp.ask("/_sandbox/people", {"do": do, **order})
    return done


def post(pipe: Pipeline, vendor: str, number: str, *lines: Mapping[str, Any], **order: Any) -> dict[str, Any]:
    """A posted invoice; ``number`` is the vendor's."""
    return people(pipe, "post_invoice", vendor=vendor, vendor_invoice_number=number, lines=list(lines), **order)


def office(cost: str, **fields: Any) -> dict[str, Any]:
    """A line of office supplies."""
    return {"number": "6150", "unit_cost": cost, **fields}


@pytest.fixture(scope="module")
def pipe(made_once: Installation, ca: Authority) -> Iterator[Pipeline]:
    """The company with its invoices, applied with everything running, at rest."""
    with pipeline(made_once, ca) as one:
        post(one, "20000", "OLD-1", office("11"), posting_date=BEFORE)
        named = post(one, "20000", "OLD-2", office("12"), posting_date=BEFORE)
        post(one, "30000", "PAID-1", office("70"))
        people(one, "post_payment", document="HAND-1", invoice="PAID-1", bank="CHECKING")
        supplies = office("100", tax_code="STANDARD", dimensions={"DEPARTMENT": "PROD"})
        travel = {"number": "6170", "unit_cost": "50.55"}
        post(one, "10000", "DISC-1", supplies, travel, discount_amount="10")
        files = [{"name": "scan.pdf", "text": "%PDF-1.4 LARGE-1"}, {"name": "plans.pdf", "size": LARGE}]
        post(one, "40000", "LARGE-1", office("8.40"), attachments=files)
        one.start()
        one.apply(**settings(also=named["number"]))
        eventually(lambda: set(bills(one)) == expected(one) and at_rest(one), seconds=90, what="the first bills")
        yield one


def settings(*, also: str, **mapping: str) -> dict[str, Any]:
    """What differs from the connection of all tests."""
    return {
        "cutover": {"date": CUTOVER.isoformat(), "also": [also]},
        "mapping": {"dimensions": DIMENSIONS, **mapping},
    }


def company(pipe: Pipeline) -> dict[str, Any]:
    """The ERP's books."""
    books: dict[str, Any] = pipe.erp.ledger()["companies"][0]
    return books


def organization(pipe: Pipeline) -> dict[str, Any]:
    """BILL's."""
    (found,) = pipe.bill.ledger()["organizations"].values()
    books: dict[str, Any] = found
    return books


def bills(pipe: Pipeline) -> dict[str, dict[str, Any]]:
    """BILL's bills by the ERP's number of their vendor and the vendor's number of the invoice; none stands twice."""
    books = organization(pipe)
    vendors = {one["id"]: one["shortName"] for one in books["vendors"]}
    found = {f"{vendors[one['vendorId']]} {one['invoice']['invoiceNumber']}": one for one in books["bills"]}
    assert len(found) == len(books["bills"])
    return found


def invoices(pipe: Pipeline) -> dict[str, dict[str, Any]]:
    """Posted invoices of the ERP, named alike."""
    posted_ones = (one for one in company(pipe)["invoices"] if one["posted_at"])
    return {f"{one['pay_to']} {one['vendor_invoice_number']}": one for one in posted_ones}


def entries(pipe: Pipeline) -> dict[str, dict[str, Any]]:
    """Vendor ledger entries of invoices, by the invoice's id."""
    return {one["document_id"]: one for one in company(pipe)["vendor_entries"] if one["document_type"] == "Invoice"}


def expected(pipe: Pipeline) -> set[str]:
    """The invoices that are to be in BILL: open, inside the cut-over or named in it, and not on hold."""
    ledger = entries(pipe)
    return {
        name
        for name, one in invoices(pipe).items()
        if one["status"] == "Open"
        and not ledger[one["id"]]["on_hold"]
        and (date.fromisoformat(one["posting_date"]) >= CUTOVER or one["vendor_invoice_number"] == "OLD-2")
    }


def at_rest(pipe: Pipeline) -> bool:
    """Whether nothing is under way."""
    kinds = ("account", "dimension", "vendor", "bill", "paid", "document")
    return all(row["phase"] in ("linked", "held", "ignored") for kind in kinds for row in pipe.links(kind).values())


def holds(pipe: Pipeline, kind: str) -> dict[str, str]:
    """Reasons by the number of what is held."""
    rows = pipe.made.state()
    held = {link: rows.get(f"acme/hold/{link}") for link in pipe.links(kind)}
    return {
        row["number"]: json.loads(value)["reason"] for link, row in pipe.links(kind).items() if (value := held[link])
    }


def codes(pipe: Pipeline, kind: str) -> dict[str, str]:
    """The number or code of each classification of a kind in BILL, by id."""
    rows = organization(pipe)["classifications"][kind]
    return {one["id"]: one["account"]["number"] if "account" in one else one["shortName"] for one in rows}


def by_account(pipe: Pipeline, bill: Mapping[str, Any]) -> dict[str, Decimal]:
    """What a bill's lines put on each account of the ERP."""
    numbers = codes(pipe, "chart-of-accounts")
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in bill["billLineItems"]:
        sums[numbers[line["classifications"]["chartOfAccountId"]]] += Decimal(line["amount"])
    return dict(sums)


def posted(pipe: Pipeline, number: str) -> dict[str, Decimal]:
    """What the ERP's posting of an invoice put on each account, but for the payables."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in company(pipe)["entries"]:
        if one["document_number"] == number and one["account"] not in PAYABLES:
            sums[one["account"]] += Decimal(one["amount"])
    return dict(sums)


@pytest.mark.promise("C7")
def test_the_chart_of_accounts_and_the_dimensions_stand_in_bill(pipe: Pipeline) -> None:
    """Every account that lines may name, once, under the ERP's number and name; a rename follows."""
    people(pipe, "change_account", key="6130", values={"display_name": "Software and hosting"})

    def chart() -> dict[str, str]:
        rows = organization(pipe)["classifications"]["chart-of-accounts"]
        found = {one["account"]["number"]: one["name"] for one in rows if not one["archived"]}
        assert len(found) == len(rows)
        return found

    eventually(lambda: chart()["6130"] == "Software and hosting", what="the renamed account")
    there = chart()
    codeable = {row["number"] for row in pipe.links("account").values() if row["phase"] == "linked"}
    names = {one["number"]: one["name"] for one in company(pipe)["accounts"]}
    assert {number: there[number] for number in codeable} == {number: names[number] for number in codeable}
    closed = {"1000", "1999", "1310", "2110", "2120", "5130", "6190", "7999"}
    assert codeable == set(names) - closed
    assert not closed & set(there)
    assert {"ADM", "PROD", "SALES"} <= set(codes(pipe, "departments").values())
    assert {"ALPHA", "BETA", "MERCURY"} == set(codes(pipe, "jobs").values())
    assert {"EAST", "WEST", "EU"} <= set(codes(pipe, "locations").values())


@pytest.mark.promise("C7")
@pytest.mark.promise("C8")
def test_every_open_invoice_is_a_bill_of_the_same_total_on_the_same_accounts(pipe: Pipeline) -> None:
    """To the cent, and per account; nothing else moves: no draft, order, credit, cancelled, paid or old invoice."""
    # Both sides are read once more, by Tieout itself, before their ledgers are looked at.
    assert pipe.ask("POST", "/v1/connections/acme/tie-outs", {"fresh": True, "seconds": 60})[0] == 200
    there, ledger = bills(pipe), entries(pipe)
    assert set(there) == expected(pipe)
    assert {"20000 OLD-2", "10000 107001", "10000 DISC-1", "60000 RE-2041", "70000 文-12"} <= set(there)
    for name, invoice in invoices(pipe).items():
        if name not in there:
            continue
        bill, entry = there[name], ledger[invoice["id"]]
        assert Decimal(bill["amount"]) == -Decimal(entry["amount"]) == Decimal(invoice["including_tax"])
        assert Decimal(bill["dueAmount"]) == -Decimal(entry["remaining"])
        assert bill["dueDate"] == entry["due_date"]
        assert bill["invoice"]["invoiceDate"] == invoice["invoice_date"]
        if not invoice["currency_code"]:
            assert by_account(pipe, bill) == posted(pipe, invoice["number"])


@pytest.mark.promise("BC3")
@pytest.mark.promise("C7")
def test_dimensions_and_tax_are_coded_and_comments_are_not_sent(pipe: Pipeline) -> None:
    """Each dimension is the classification that the settings say; a comment is no line, the tax is one of its own."""
    dimensions = {"DEPARTMENT": "SALES", "PROJECT": "MERCURY", "AREA": "WEST"}
    comment = {"kind": "Comment", "description": "Deliver to the back door"}
    post(pipe, "20000", "DIM-1", comment, office("200", tax_code="STANDARD", dimensions=dimensions))
    eventually(lambda: "20000 DIM-1" in bills(pipe) and at_rest(pipe), what="the coded bill")
    line, tax = bills(pipe)["20000 DIM-1"]["billLineItems"]
    assert (line["amount"], tax["amount"], tax["description"]) == ("200.00", "12.00", "Tax")
    coding = line["classifications"]
    assert codes(pipe, "departments")[coding["departmentId"]] == "SALES"
    assert codes(pipe, "jobs")[coding["jobId"]] == "MERCURY"
    assert codes(pipe, "locations")[coding["locationId"]] == "WEST"
    assert codes(pipe, "chart-of-accounts")[tax["classifications"]["chartOfAccountId"]] == "2310"
    furniture = bills(pipe)["10000 107001"]["billLineItems"]
    assert len(furniture) == 7, "six lines of six kinds, and the tax"


@pytest.mark.promise("C8")
def test_what_was_paid_in_part_is_told_to_bill_once(pipe: Pipeline) -> None:
    """Paid by hand before its bill existed: BILL has a payment made outside, and what is due is what the ERP says."""
    lines = [office("100")]
    invoice = {"do": "post_invoice", "vendor": "80000", "vendor_invoice_number": "PART-1", "lines": lines}
    payment = {"do": "post_payment", "document": "HAND-2", "invoice": "PART-1", "bank": "CHECKING", "amount": "30.01"}
    pipe.erp.ask("/_sandbox/people", [invoice, payment])
    eventually(lambda: "80000 PART-1" in bills(pipe) and at_rest(pipe), what="the bill that was paid in part")
    ledger = entries(pipe)
    for name, paid in (("80000 PART-1", "30.01"), ("20000 INV-5512", "400.00")):
        bill, entry = bills(pipe)[name], ledger[invoices(pipe)[name]["id"]]
        told = [
            one for one in organization(pipe)["payments"] if bill["id"] in {p["billId"] for p in one["billPayments"]}
        ]
        assert [(one["amount"], one["onlinePayment"]) for one in told] == [(paid, False)]
        assert Decimal(bill["dueAmount"]) == -Decimal(entry["remaining"]) == -Decimal(entry["amount"]) - Decimal(paid)
    assert len(organization(pipe)["payments"]) == 2


@pytest.mark.promise("C16")
def test_documents_travel_once_and_one_too_large_blocks_nothing(pipe: Pipeline) -> None:
    """The file on the bill is the ERP's, byte for byte; the large one is a hold with its name."""
    there = bills(pipe)
    files = {one["name"]: one for one in organization(pipe)["documents"]}
    assert files["INV-5512.pdf"]["subjectId"] == there["20000 INV-5512"]["id"]
    assert files["scan.pdf"]["subjectId"] == there["40000 LARGE-1"]["id"]
    assert files["scan.pdf"]["sha256"] == hashlib.sha256(b"%PDF-1.4 LARGE-1").hexdigest()
    assert holds(pipe, "document") == {"plans.pdf": "document.too_large"}
    assert len(organization(pipe)["documents"]) == len(files) == 2
    assert len(pipe.bill.calls("POST", "/v3/documents/bills/")) == 2


@pytest.mark.promise("C8")
def test_a_hold_on_the_ledger_entry_keeps_an_invoice_until_it_is_cleared(pipe: Pipeline) -> None:
    """The hold leaves no stamp on the invoice; clearing it lets the bill go by itself. So does a new due date."""
    assert holds(pipe, "bill") == {"108011": "bill.on_hold_in_erp"}
    assert "50000 NP-1" not in bills(pipe)
    people(pipe, "set_on_hold", invoice="NP-1", on_hold="")
    eventually(lambda: "50000 NP-1" in bills(pipe) and at_rest(pipe), what="the bill of the cleared invoice")
    bill = bills(pipe)["50000 NP-1"]
    assert by_account(pipe, bill) == posted(pipe, "108011") == {"6160": Decimal(450)}
    assert holds(pipe, "bill") == {}
    later = (TODAY + timedelta(days=77)).isoformat()
    people(pipe, "set_due_date", invoice="NP-1", due_date=later)
    eventually(lambda: bills(pipe)["50000 NP-1"]["dueDate"] == later, what="the due date")


@pytest.mark.promise("C8")
def test_a_draft_and_an_order_move_once_they_are_posted(pipe: Pipeline) -> None:
    """The draft waited in the ERP; the order's invoice names its order."""
    drafts = [one for one in company(pipe)["invoices"] if not one["posted_at"]]
    (order,) = company(pipe)["orders"]
    assert {"10000 107002", "10000 107003"} & set(bills(pipe)) == set()
    (draft,) = [one for one in drafts if one["vendor_invoice_number"] == "107002"]
    people(pipe, "post_invoice", invoice=draft["id"])
    people(pipe, "invoice_order", order=order["number"])
    eventually(lambda: {"10000 107002", "10000 107003"} <= set(bills(pipe)) and at_rest(pipe), what="both bills")
    there = bills(pipe)
    assert there["10000 107003"]["purchaseOrderNumber"] == order["number"]
    for name in ("10000 107002", "10000 107003"):
        invoice = invoices(pipe)[name]
        assert Decimal(there[name]["amount"]) == Decimal(invoice["including_tax"])
        assert by_account(pipe, there[name]) == posted(pipe, invoice["number"])


def test_what_does_not_change_is_told_once_however_often_it_is_polled(pipe: Pipeline) -> None:
    """Vendors by their stamps, open ledger entries by what they say: many polls, one fact each."""
    books = company(pipe)
    runs: dict[str, list[int]] = defaultdict(list)
    vendors: list[str] = []
    told: dict[str, int] = defaultdict(int)
    for message in pipe.made.read(Topic.FACTS):
        match message.data:
            case RunFact() as run:
                runs[run.kind].append(run.number)
            case VendorObserved() as seen:
                vendors.append(seen.vendor.number)
            case LedgerEntryObserved() as seen:
                told[seen.entry.id] += 1
    assert sorted(vendors) == sorted(one["number"] for one in books["vendors"])
    untouched = {str(one["number"]) for one in books["vendor_entries"] if one["document_number"] != "108011"}
    assert {entry: told[entry] for entry in untouched} == dict.fromkeys(untouched, 1)
    assert told[str(entries(pipe)[invoices(pipe)["50000 NP-1"]["id"]]["number"])] == 3, "held, cleared, due later"
    assert set(runs) == {"account", "dimension_value", "vendor", "purchase_invoice", "ledger_entry"}
    assert all(numbers == sorted(numbers) and numbers[-1] >= 3 for numbers in runs.values())


def test_a_changed_mapping_reaches_the_bills_and_the_state_is_the_journals_fold(pipe: Pipeline) -> None:
    """Nothing changes in the ERP, and yet all of it is read again; unchanged bills are left alone, no file is sent."""
    before = bills(pipe)
    uploads = len(pipe.bill.calls("POST", "/v3/documents/bills/"))
    document = pipe.connection(**settings(also=invoices(pipe)["20000 OLD-2"]["number"], tax="gross-up"))
    status, answer = pipe.ask("POST", "/v1/connections/apply", {"connections": [document]})
    assert status == 200, answer
    taxed = {name for name, one in invoices(pipe).items() if name in before and Decimal(one["tax"]) != 0}
    assert "10000 DISC-1" in taxed

    def grossed() -> bool:
        lines = (line for name in taxed for line in bills(pipe)[name]["billLineItems"])
        return all(line["description"] != "Tax" for line in lines) and at_rest(pipe)

    eventually(grossed, what="bills without tax lines")
    after = bills(pipe)
    for name in before:
        assert after[name]["amount"] == before[name]["amount"]
        if name not in taxed:
            assert after[name] == before[name]
    assert len(pipe.bill.calls("POST", "/v3/documents/bills/")) == uploads
    assert len([one for one in pipe.bill.calls("POST") if one["path"].endswith("/v3/bills")]) == len(after)
    eventually(pipe.folds, what="a state that is the journal's fold")
