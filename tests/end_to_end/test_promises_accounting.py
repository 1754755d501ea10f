"""What is promised of the books: accounts, approvals, discounts, and the audit trail of what failed and went on.

Every service, real Kafka and PostgreSQL, both simulators; one company runs for the whole file. What was posted is read
from the ERP's own ledger, by account, debit and credit; never from an answer.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from support.accounting import (
    TODAY,
    answers,
    as_administrator,
    balance,
    bill_link,
    bills,
    booked,
    company,
    days,
    days_ago,
    gone,
    held,
    in_bill,
    kinds,
    pay,
    people,
    post,
    recorded,
    settle,
    still_open,
    story,
    tieout,
    unapplied,
    words,
)
from support.installation import Installation, eventually
from support.pipeline import SERVICES, Pipeline, pipeline
from tieout_devstack.certificates import Authority
from tieout_sandbox.bill.default_world import BANK, CARD, DEV_KEY, PASSWORD, SECOND_BANK, USERNAME

PAYABLES, CLEARING, CARDS, WALLET, DISCOUNTS = "2110", "2950", "2960", "2970", "7120"
SECOND: Final = {"type": "BANK_ACCOUNT", "id": SECOND_BANK}
APPROVER: Final = "00601SANDBOXAPPROVER"
ADMINISTRATOR: Final = "00601SANDBOXADMINIST"
ACCOUNTS: Final = {"clearing": CLEARING, "cards": CARDS, "control": ["2110", "2120"]}
INVOICES: Final = {
    "ONE": "100", "CARD": "70", "PURSE": "33.30", "OTHER-BANK": "250", "EARLY": "45", "LATER": "60", "OUTSIDE": "80",
    "VOID": "110.10",
}  # fmt: skip
TERMS: Final = {"GROSS": "1000", "NET": "500", "ALLOWED": "300"}
"""Of the vendor 30000, who grants 2 % within ten days."""
OLD: Final = {"TERMS-OVER": 20}
"""Likewise, so many days ago, and in the cut-over's list."""


def settings(pipe: Pipeline, accounts: dict[str, Any] | None = None, **policy: Any) -> dict[str, Any]:
    """What differs from the connection of all tests."""
    books = company(pipe)["invoices"]
    also = [one["number"] for one in books if one["vendor_invoice_number"] in OLD]
    return {
        "cutover": {"date": days_ago(2), "also": also},
        "accounts": {**ACCOUNTS, "banks": {BANK: "CHECKING"}, **(accounts or {})},
        "policy": {"transfer_quiet_seconds": 1, **policy},
    }


def apply(pipe: Pipeline, accounts: dict[str, Any] | None = None, **policy: Any) -> None:
    """The owner applies other settings."""
    document = pipe.connection(**settings(pipe, accounts, **policy))
    status, answer = pipe.ask("POST", "/v1/connections/apply", {"connections": [document]})
    assert status == 200, answer


@pytest.fixture(scope="module")
def pipe(made_once: Installation, ca: Authority) -> Iterator[Pipeline]:
    """Some invoices stand in BILL as bills, everything running."""
    with pipeline(made_once, ca) as one:
        for account, name in ((WALLET, "BILL wallet"), ("1130", "Savings")):
            people(one, "create_account", values={"number": account, "display_name": name, "category": "Liabilities"})
        people(one, "create_bank_account", values={"number": "SAVINGS", "display_name": "Savings", "account": "1130"})
        for number, ago in OLD.items():
            post(one, number, "100", vendor="30000", posting_date=days_ago(ago))
        for number, cost in TERMS.items():
            post(one, number, cost, vendor="30000")
        for number, cost in INVOICES.items():
            post(one, number, cost)
        one.start(*SERVICES, "tieout_payment_writeback")
        one.apply(**settings(one))
        settle(one, *INVOICES, *TERMS, *OLD)
        yield one


@pytest.mark.promise("C14")
def test_each_source_of_money_has_its_own_account_and_an_unmapped_one_says_what_to_configure(pipe: Pipeline) -> None:
    """Dr payables / Cr clearing, card or wallet; Dr clearing / Cr each account's bank; what is missing is named."""
    before = {account: balance(pipe, account) for account in (PAYABLES, CLEARING, CARDS, WALLET, "1110", "1130")}
    card = recorded(pipe, pay(pipe, "CARD", fundingAccount={"type": "CARD_ACCOUNT", "id": CARD}))
    assert booked(pipe, card) == {PAYABLES: Decimal(70), CARDS: Decimal(-70)}
    wallet = pay(pipe, "PURSE", fundingAccount={"type": "WALLET"})
    told = held(pipe, f"payment/{wallet}", "payment.account_missing")
    assert "accounts.wallet" in told["cure"]
    other = pay(pipe, "OTHER-BANK", fundingAccount=SECOND)
    document = recorded(pipe, other)
    assert booked(pipe, document) == {PAYABLES: Decimal(250), CLEARING: Decimal(-250)}
    transfer = f"transfer/{SECOND_BANK}/{TODAY.isoformat()}/USD"
    told = held(pipe, transfer, "transfer.bank_missing")
    assert SECOND_BANK in told["sentence"]
    assert still_open(pipe, "PURSE") == Decimal("33.30")
    assert balance(pipe, CLEARING) == before[CLEARING] - 250
    apply(pipe, {"wallet": WALLET, "banks": {BANK: "CHECKING", SECOND_BANK: "SAVINGS"}})
    assert booked(pipe, recorded(pipe, wallet)) == {PAYABLES: Decimal("33.30"), WALLET: Decimal("-33.30")}
    moved = eventually(lambda: pipe.linked("transfer").get(transfer), seconds=60, what="the transfer")
    assert booked(pipe, moved) == {CLEARING: Decimal(250), "1130": Decimal(-250)}
    assert days(pipe, moved) == days(pipe, document) == {TODAY.isoformat()}
    after = {account: balance(pipe, account) - was for account, was in before.items()}
    assert after == {
        PAYABLES: Decimal("353.30"), CARDS: Decimal(-70), WALLET: Decimal("-33.30"), CLEARING: Decimal(0),
        "1110": Decimal(0), "1130": Decimal(-250),
    }  # fmt: skip
    assert [still_open(pipe, number) for number in ("CARD", "PURSE", "OTHER-BANK")] == [0, 0, 0]
    answer = pipe.ask("POST", "/v1/connections/acme/tie-outs", {"fresh": True, "seconds": 60})[1]
    assert answer["result"]["differences"] == []


@pytest.mark.promise("C14")
def test_posting_begins_at_processed_on_its_day_and_never_before_the_invoice(pipe: Pipeline) -> None:
    """What BILL only begins to fund is not in the ledger; what was paid before its invoice's day is on that day."""
    funding = pay(pipe, "LATER", to="FUNDING_STARTED")
    early = pay(pipe, "EARLY", processDate=days_ago(1))
    document = recorded(pipe, early)
    (invoiced,) = [one["posting_date"] for one in company(pipe)["invoices"] if one["vendor_invoice_number"] == "EARLY"]
    assert invoiced == TODAY.isoformat()
    assert days(pipe, document) == {invoiced}
    transfer = f"transfer/{BANK}/{days_ago(1)}/USD"
    moved = eventually(lambda: pipe.linked("transfer").get(transfer), seconds=60, what="the transfer of yesterday")
    assert (days(pipe, moved), booked(pipe, moved)[CLEARING]) == ({days_ago(1)}, Decimal(45))
    seen = json.loads(pipe.made.state()[f"acme/payment/{funding}"])
    assert seen["payment"]["single_status"] == "FUNDING_STARTED"
    assert still_open(pipe, "LATER") == 60
    pipe.bill.ask("/_sandbox/payments", {"action": "advance", "id": funding, "to": "PROCESSED"})
    assert booked(pipe, recorded(pipe, funding)) == {PAYABLES: Decimal(60), CLEARING: Decimal(-60)}
    assert still_open(pipe, "LATER") == 0


@pytest.mark.promise("C14")
def test_a_payment_made_outside_never_touches_clearing(pipe: Pipeline) -> None:
    """Recorded in BILL by hand, and paid by hand in the ERP: the clearing account has no entry of either."""
    entries = {one["number"] for one in company(pipe)["entries"]}
    part = [{"billId": bills(pipe)["OUTSIDE"]["id"], "amount": 30}]
    outside = pipe.bill.ask("/_sandbox/payments", {"action": "record", "bills": part})["payments"][0]["id"]
    people(pipe, "post_payment", document="BY-HAND", invoice="OUTSIDE", amount="30", bank="CHECKING")
    document = recorded(pipe, pay(pipe, "ONE"))
    new = [one for one in company(pipe)["entries"] if one["number"] not in entries and one["account"] == CLEARING]
    assert {one["document_number"] for one in new} - {document} <= set(pipe.linked("transfer").values())
    assert booked(pipe, "BY-HAND") == {PAYABLES: Decimal(30), "1110": Decimal(-30)}
    assert f"payment/{outside}" not in pipe.links("payment")
    assert still_open(pipe, "OUTSIDE") == 50


@pytest.mark.promise("C14")
def test_a_void_opens_the_invoice_again_and_leaves_a_refund_due_on_clearing(pipe: Pipeline) -> None:
    """Dr clearing / Cr payables; the money went to the bank's line already, so that clearing shows what BILL owes."""
    paid = pay(pipe, "VOID")
    document = recorded(pipe, paid)
    at_rest = lambda: not [row for row in pipe.made.state() if row.startswith("acme/quiet/")]  # noqa: E731 - asked twice
    eventually(at_rest, seconds=60, what="the transfer")
    assert balance(pipe, CLEARING) == 0
    pipe.bill.ask("/_sandbox/payments", {"action": "void", "id": paid})
    task = f"acme/task/reversal/{paid}"
    eventually(lambda: task in pipe.made.state(), seconds=60, what="the reversal task")
    assert (balance(pipe, CLEARING), still_open(pipe, "VOID")) == (0, 0)
    people(pipe, "reverse", document=document)
    eventually(lambda: task not in pipe.made.state(), seconds=60, what="the task's end")
    undone = [one for one in company(pipe)["entries"] if one["document_number"] == document and one["reverses"]]
    assert {one["account"]: Decimal(one["amount"]) for one in undone} == {
        CLEARING: Decimal("110.10"), PAYABLES: Decimal("-110.10"),
    }  # fmt: skip
    assert (balance(pipe, CLEARING), still_open(pipe, "VOID")) == (Decimal("110.10"), Decimal("110.10"))
    answer = pipe.ask("POST", "/v1/connections/acme/tie-outs", {"fresh": True, "seconds": 60})[1]
    assert [one for one in answer["result"]["differences"] if one["equation"] == "clearing"] == []
    assert Decimal(answer["result"]["clearing"]["refunds_due"]) == Decimal("110.10")
    assert Decimal(answer["result"]["clearing"]["balance"]) == Decimal("110.10")
    assert date.fromisoformat(undone[0]["posting_date"]) <= TODAY


@pytest.mark.promise("C18")
def test_no_discount_is_taken_that_nobody_ordered(pipe: Pipeline) -> None:
    """In the terms' days, gross or net, nothing is posted until a person ends the offer; later nothing is taken."""
    entries = {one["vendor_invoice_number"]: one["id"] for one in company(pipe)["invoices"]}
    offers = {
        number: Decimal(entry["discount_left"])
        for number, document in entries.items()
        for entry in company(pipe)["vendor_entries"]
        if entry["document_id"] == document and number in (*TERMS, *OLD)
    }
    assert offers == {"GROSS": -20, "NET": -10, "ALLOWED": -6, "TERMS-OVER": -2}
    gross, net, over = pay(pipe, "GROSS"), pay(pipe, "NET", "490"), pay(pipe, "TERMS-OVER")
    document = recorded(pipe, over)
    assert booked(pipe, document) == {PAYABLES: Decimal(100), CLEARING: Decimal(-100)}
    assert (still_open(pipe, "TERMS-OVER"), unapplied(pipe, document)) == (0, 0)
    for payment in (gross, net):
        told = held(pipe, f"payment/{payment}", "refused")
        assert "discount" in told["sentence"]
        assert "Vendor Ledger Entries" in told["cure"]
    assert (still_open(pipe, "GROSS"), still_open(pipe, "NET"), balance(pipe, DISCOUNTS)) == (1000, 500, 0)
    assert not [line for line in company(pipe)["journal_lines"] if Decimal(line["amount"])]
    for number, payment in (("GROSS", gross), ("NET", net)):
        people(pipe, "set_discount", invoice=number, possible="0")
        tieout(pipe, "holds", "release", f"payment/{payment}", "--reason", "agreed with the vendor: no discount")
    documents = recorded(pipe, gross), recorded(pipe, net)
    assert booked(pipe, documents[0]) == {PAYABLES: Decimal(1000), CLEARING: Decimal(-1000)}
    assert booked(pipe, documents[1]) == {PAYABLES: Decimal(490), CLEARING: Decimal(-490)}
    assert [unapplied(pipe, one) for one in documents] == [0, 0]
    assert (still_open(pipe, "GROSS"), still_open(pipe, "NET"), balance(pipe, DISCOUNTS)) == (0, 10, 0)


@pytest.mark.promise("C18")
def test_the_terms_discount_is_taken_where_the_policy_says_so_and_bill_is_told(pipe: Pipeline) -> None:
    """294 of 300 in time: 294 from clearing, 6 of discount, nothing left open in the ERP or in BILL."""
    apply(pipe, discounts="by-terms")
    eventually(lambda: policy_of(pipe)["discounts"] == "by-terms", what="the policy")
    discounts = balance(pipe, DISCOUNTS)
    document = recorded(pipe, pay(pipe, "ALLOWED", "294"))
    assert booked(pipe, document) == {PAYABLES: Decimal(300), CLEARING: Decimal(-294), DISCOUNTS: Decimal(-6)}
    assert (still_open(pipe, "ALLOWED"), unapplied(pipe, document)) == (0, 0)
    assert balance(pipe, DISCOUNTS) == discounts - 6
    due = eventually(
        lambda: bills(pipe)["ALLOWED"]["dueAmount"] == "0.00" and bills(pipe)["ALLOWED"], what="BILL's end"
    )
    (books,) = pipe.bill.ledger()["organizations"].values()
    told = [one for one in books["payments"] if due["id"] in {part["billId"] for part in one["billPayments"]}]
    assert sorted((one["amount"], one["onlinePayment"]) for one in told) == [("294.00", True), ("6.00", False)]
    apply(pipe)


def policy_of(pipe: Pipeline) -> dict[str, Any]:
    """The policy as the decider knows it."""
    settings_: dict[str, Any] = json.loads(pipe.made.state()["acme/settings"])["settings"]["policy"]
    return settings_


@pytest.mark.promise("C15")
def test_bill_approves_again_where_the_policy_says_so_and_nothing_is_paid_before(pipe: Pipeline) -> None:
    """The bill asks BILL's approvers, and until they approve nothing pays it; one that nobody approves is shown."""
    apply(pipe, approval="bill")
    rule = {"key": "BILL_AMOUNT", "op": "gte", "values": ["700"]}
    policy = {"policyName": "Above 700", "rules": [rule], "approvers": [APPROVER]}
    as_administrator(pipe, "/connect/v3/bill-approvals/policies", policy)
    lines = [{"number": "6150", "unit_cost": "900"}]
    invoice = {"do": "post_invoice", "vendor": "20000", "vendor_invoice_number": "AGAIN", "lines": lines}
    by_hand = {"do": "post_payment", "document": "DEPOSIT", "invoice": "AGAIN", "bank": "CHECKING", "amount": "200"}
    pipe.erp.ask("/_sandbox/people", [invoice, by_hand])
    post(pipe, "NOBODY", "20")
    settle(pipe, "AGAIN", "NOBODY")
    there = bills(pipe)["AGAIN"]
    assert (there["approvalStatus"], there["billApprovals"]) == ("ASSIGNED", True)
    paid = bill_link(pipe, "AGAIN").replace("bill/", "paid/")
    told = held(pipe, paid, "paid.awaits_approval")
    assert told["by_itself"]
    with pytest.raises(AssertionError, match="422"):
        pay(pipe, "AGAIN")
    assert bills(pipe)["AGAIN"]["dueAmount"] == "900.00"
    held(pipe, bill_link(pipe, "NOBODY"), "bill.approval_missing")
    in_bill(pipe, "approve", "AGAIN")
    gone(pipe, paid)
    eventually(lambda: bills(pipe)["AGAIN"]["dueAmount"] == "700.00", what="the deposit in BILL")
    document = recorded(pipe, pay(pipe, "AGAIN"))
    assert booked(pipe, document) == {PAYABLES: Decimal(700), CLEARING: Decimal(-700)}
    assert still_open(pipe, "AGAIN") == 0
    in_bill(pipe, "reroute", "NOBODY", [APPROVER])
    gone(pipe, bill_link(pipe, "NOBODY"))
    in_bill(pipe, "approve", "NOBODY")
    recorded(pipe, pay(pipe, "NOBODY"))


@pytest.mark.promise("C15")
def test_what_approvers_do_inside_bill_is_shown_and_undone_by_nobody(pipe: Pipeline) -> None:
    """Denied and passed on, with the approver; another due date or coding; a changed amount holds its payment."""
    apply(pipe)
    numbers = ("DENIED", "PASSED-ON", "RECODED", "LOWERED", "OTHER-PAYEE")
    for number in numbers:
        post(pipe, number, "90")
    settle(pipe, *numbers)
    assert {bills(pipe)[number]["approvalStatus"] for number in numbers} == {"UNASSIGNED"}, "the ERP's is enough"
    in_bill(pipe, "reroute", "DENIED", [APPROVER])
    in_bill(pipe, "deny", "DENIED")
    in_bill(pipe, "reroute", "PASSED-ON", [APPROVER])
    in_bill(pipe, "reroute", "PASSED-ON", [ADMINISTRATOR])
    in_bill(pipe, "edit", "RECODED", {"dueDate": (TODAY + timedelta(days=99)).isoformat()})
    (line,) = bills(pipe)["LOWERED"]["billLineItems"]
    in_bill(pipe, "edit", "LOWERED", {"billLineItems": [{**line, "amount": 80}]})
    vendor = next(one["vendorId"] for number, one in bills(pipe).items() if number == "GROSS")
    in_bill(pipe, "edit", "OTHER-PAYEE", {"vendorId": vendor})
    assert APPROVER in held(pipe, bill_link(pipe, "DENIED"), "bill.denied_in_bill")["sentence"]
    assert ADMINISTRATOR in held(pipe, bill_link(pipe, "PASSED-ON"), "bill.rerouted_in_bill")["sentence"]
    held(pipe, bill_link(pipe, "RECODED"), "bill.recoded_in_bill")
    told = held(pipe, bill_link(pipe, "LOWERED"), "bill.changed_in_bill")["sentence"]
    assert ("80.00" in told, "90.00" in told) == (True, True)
    held(pipe, bill_link(pipe, "OTHER-PAYEE"), "bill.changed_in_bill")
    lowered, other = pay(pipe, "LOWERED"), pay(pipe, "OTHER-PAYEE")
    for payment in (lowered, other):
        held(pipe, f"payment/{payment}", "payment.bill_held")
    recorded(pipe, pay(pipe, "RECODED"))
    assert [still_open(pipe, number) for number in numbers] == [90, 90, 0, 90, 90]
    in_bill(pipe, "approve", "PASSED-ON")
    gone(pipe, bill_link(pipe, "PASSED-ON"))
    assert bills(pipe)["DENIED"]["approvalStatus"] == "DENIED"
    tieout(pipe, "holds", "release", f"payment/{lowered}", "--reason", "the vendor takes 80, a credit memo follows")
    document = recorded(pipe, lowered)
    assert booked(pipe, document) == {PAYABLES: Decimal(80), CLEARING: Decimal(-80)}
    assert (still_open(pipe, "LOWERED"), still_open(pipe, "OTHER-PAYEE")) == (10, 90)


def failed_and_went_on(pipe: Pipeline) -> tuple[str, str, str]:
    """Bad data in the ERP, a refusal by BILL, one by the ERP: each is held with its cure, mended, and goes through.

    The links of vendor and payment, and the document that the payment is posted under.
    """
    people(pipe, "create_vendor", vendor={"number": "AUDITED", "display_name": "Audited Ltd.", "country": "US"})
    post(pipe, "AUDIT", "120", vendor="AUDITED")
    named = lambda: [link for link, row in pipe.links("vendor").items() if row["number"] == "AUDITED"]  # noqa: E731
    (vendor,) = eventually(named, seconds=60, what="the vendor's link")
    assert "street" in held(pipe, vendor, "vendor.address_incomplete")["sentence"]
    problem = {"code": "BDC_1143", "severity": "ERROR", "category": "REQUEST", "message": "Invalid entity data."}
    pipe.bill.fault("status", method="POST", path="/connect/v3/bills$", status=400, body=[problem])
    address = {"address_line1": "1 Quay", "city": "Boston", "state": "MA", "postal_code": "02110"}
    people(pipe, "change_vendor", number="AUDITED", values=address)
    gone(pipe, vendor)
    bill = bill_link(pipe, "AUDIT")
    told = held(pipe, bill, "refused")
    assert ("BDC_1143" in told["sentence"], told["by_itself"]) == (True, False)
    assert "AUDIT" not in bills(pipe)
    tieout(pipe, "holds", "release", bill, "--reason", "BILL was mended")
    settle(pipe, "AUDIT")
    people(pipe, "close_period", **{"from": days_ago(300), "to": days_ago(1)})
    payment = f"payment/{pay(pipe, 'AUDIT')}"
    assert "Allow Posting" in held(pipe, payment, "refused")["cure"]
    assert still_open(pipe, "AUDIT") == 120
    people(pipe, "close_period")
    tieout(pipe, "holds", "release", payment, "--reason", "the period is open again")
    document = recorded(pipe, payment.removeprefix("payment/"))
    assert booked(pipe, document) == {PAYABLES: Decimal(120), CLEARING: Decimal(-120)}
    assert still_open(pipe, "AUDIT") == 0
    return vendor, payment, document


@pytest.mark.promise("C10")
def test_what_failed_goes_on_once_it_is_mended_and_its_timeline_tells_all_of_it(pipe: Pipeline) -> None:
    """From the raw document over refusals and releases to the outcome, linked by ids; for vendor, bill and payment."""
    vendor, payment, document = failed_and_went_on(pipe)
    there, bill = bills(pipe)["AUDIT"], bill_link(pipe, "AUDIT")
    target, steps = story(pipe, vendor)
    assert target == there["vendorId"] == steps[-1]["fact"]["target"]
    assert (kinds(steps), answers(steps, vendor)) == (["seen", "outcome"], [("applied", "")])
    assert words(steps) >= {"held", "hold.gone", "requested", "linked"}
    target, steps = story(pipe, bill)
    assert target == there["id"]
    assert answers(steps, bill) == [("rejected", "BDC_1143"), ("applied", "")]
    assert kinds(steps)[:4] == ["seen", "outcome", "release", "outcome"]
    assert [step["fact"]["text"] for step in steps if step["kind"] == "release"] == ["BILL was mended"]
    target, steps = story(pipe, payment)
    assert target == document
    assert [result for result, _code in answers(steps, payment)] == ["rejected", "applied"]
    proof = {one["id"] for one in steps[-1]["fact"]["payment"]["entries"] if one["ledger"] == "vendor"}
    assert proof == {
        str(one["number"]) for one in company(pipe)["vendor_entries"] if one["document_number"] == document
    }
    said = tieout(pipe, "records", "show", there["invoice"]["invoiceNumber"])
    for part in ("[seen: erp/purchase_invoice/", "[rejected: BDC_1143", "BILL was mended]", f"[applied: {there['id']}"):
        assert part in said, said
    said = tieout(pipe, "records", "show", payment)
    for part in (f"[seen: bill/{payment}", "the period is open again]", f"[applied: {document}"):
        assert part in said, said


@pytest.mark.promise("C10")
def test_what_a_refused_sign_in_kept_waiting_goes_by_itself_once_the_secret_is_right(pipe: Pipeline) -> None:
    """The side's window closes with the first parked command; nothing is lost, and nobody has to release it."""
    path = "/v1/connections/acme/secrets/bill"
    right = {"user": USERNAME, "password": PASSWORD, "developer_key": DEV_KEY}
    assert pipe.ask("PUT", path, {"values": {**right, "password": "an-old-one"}})[0] == 200
    pipe.bill.ask("/_sandbox/sessions", method="DELETE")
    post(pipe, "PARKED", "15")
    window = lambda: json.loads(pipe.made.state()["acme/window/bill"])  # noqa: E731
    eventually(lambda: window().get("closed"), seconds=60, what="the closed window")
    assert "PARKED" not in bills(pipe)
    assert pipe.ask("PUT", path, {"values": right})[0] == 200
    settle(pipe, "PARKED")
    assert not window().get("closed")
    target, steps = story(pipe, bill_link(pipe, "PARKED"))
    assert target == bills(pipe)["PARKED"]["id"]
    results = [result for result, _code in answers(steps, bill_link(pipe, "PARKED"))]
    assert (results[0], results[-1]) == ("parked", "applied")
    eventually(pipe.folds, what="a state that is the journal's fold")
