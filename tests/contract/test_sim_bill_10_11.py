"""BILL's simulator: payments from their creation to a void, and documents."""

from decimal import Decimal
from typing import Any

import pytest

from tieout_sandbox.bill.default_world import BANK, CARD, ORGANIZATION, SECOND_BANK

WALK = ["SCHEDULED", "READY_TO_FUND", "FUNDING_STARTED", "PROCESSED", "SENT", "CLEARED"]


async def _pay(bill: Any, *bills: Any, **more: Any) -> Any:
    """One payment, created by a person in BILL."""
    wish = {"action": "create", "bills": [one if "billId" in one else {"billId": one["id"]} for one in bills], **more}
    return (await bill.operator.post("payments", wish))["payments"][0]


async def _do(bill: Any, action: str, payment: Any, **more: Any) -> Any:
    return await bill.operator.post("payments", {"action": action, "id": payment["id"], **more})


async def _balances(bill: Any) -> dict[str, Decimal]:
    """The books without their zeros; they must balance."""
    books = (await bill.operator.ledger())["organizations"][ORGANIZATION]
    assert books["imbalance"] == "0.00"
    return {account: Decimal(amount) for account, amount in books["balances"].items() if Decimal(amount)}


async def test_sim_bill_10_created_payment_as_the_api_shows_it(bill: Any) -> None:
    """A payment of a person appears in the list with its allocation; the bill is SCHEDULED and nothing has moved."""
    one = await bill.new_bill("P-1", 100)
    made = await _pay(bill, one, description="memo")
    shown = (await bill.get(f"/payments/{made['id']}")).body
    assert shown == (await bill.get("/payments")).body["results"][0]
    assert (shown["status"], shown["singleStatus"], shown["onlinePayment"]) == ("SCHEDULED", "SCHEDULED", True)
    assert (shown["billId"], shown["amount"], shown["fundingAmount"]) == (one["id"], 100, 100)
    assert shown["fundingAccount"] == {"type": "BANK_ACCOUNT", "id": BANK}
    assert [(part["billId"], part["amount"]) for part in shown["billPayments"]] == [(one["id"], 100)]
    assert shown["billPayments"][0]["id"].startswith("blp")
    assert len(shown["transactionNumber"]) == 20
    assert shown["transactionNumber"].isupper()
    assert " - " in shown["confirmationNumber"]
    read = await bill.the_bill(one["id"])
    assert (read["paymentStatus"], read["dueAmount"], read["scheduledAmount"]) == ("SCHEDULED", 0, 100)
    assert [part["id"] for part in read["payments"]] == [made["id"]]
    assert (await _balances(bill)) == {"expense": 100, f"payables:{bill.vendor}": -100}


async def test_sim_bill_10_walk_to_cleared(bill: Any) -> None:
    """Step by step; the bill follows; the payer is debited at PROCESSED and not before."""
    one = await bill.new_bill("P-1", 100)
    made = await _pay(bill, one)
    seen = [("SCHEDULED", "SCHEDULED", "SCHEDULED")]
    cash = []
    for _ in WALK[1:]:
        await _do(bill, "advance", made)
        payment = (await bill.get(f"/payments/{made['id']}")).body
        read = await bill.the_bill(one["id"])
        seen.append((payment["singleStatus"], payment["status"], read["paymentStatus"]))
        cash.append((await _balances(bill)).get(f"cash:{BANK}", 0))
    assert seen == [
        ("SCHEDULED", "SCHEDULED", "SCHEDULED"),
        ("READY_TO_FUND", "SCHEDULED", "SCHEDULED"),
        ("FUNDING_STARTED", "SCHEDULED", "IN_PROCESS"),
        ("PROCESSED", "PAID", "IN_PROCESS"),
        ("SENT", "PAID", "IN_PROCESS"),
        ("CLEARED", "PAID", "PAID"),
    ]
    assert cash == [0, 0, -100, -100, -100]
    read = await bill.the_bill(one["id"])
    assert (read["paidAmount"], read["dueAmount"], read["scheduledAmount"]) == (100, 0, 0)
    assert await _balances(bill) == {"expense": 100, f"cash:{BANK}": -100}


async def test_sim_bill_10_partial_payments_of_one_bill(bill: Any) -> None:
    """400 of 1000, then 600: partially paid, then paid."""
    one = await bill.new_bill("P-1", 1000)
    await _pay(bill, {"billId": one["id"], "amount": 400}, to="CLEARED")
    read = await bill.the_bill(one["id"])
    assert (read["paymentStatus"], read["paidAmount"], read["dueAmount"]) == ("PARTIALLY_PAID", 400, 600)
    await _pay(bill, one, to="CLEARED")
    read = await bill.the_bill(one["id"])
    assert (read["paymentStatus"], read["paidAmount"], read["dueAmount"]) == ("PAID", 1000, 0)
    assert len(read["payments"]) == 2


async def test_sim_bill_10_combined_payment_with_a_credit(bill: Any) -> None:
    """Several bills and a credit in one payment: no billId at the top, one part per bill, the sum is the cash."""
    bills = [await bill.new_bill(f"P-{number}", 100) for number in range(3)]
    credit = await bill.post(
        "/vendor-credits",
        {
            "vendorId": bill.vendor,
            "referenceNumber": "VC",
            "creditDate": "2026-12-28",
            "vendorCreditLineItems": [{"amount": 30}],
        },
    )
    use = {"id": credit.body["id"], "amount": 30}
    parts = [{"billId": bills[0]["id"], "vendorCredits": [use]}, *bills[1:]]
    made = await _pay(bill, *parts)
    shown = (await bill.get(f"/payments/{made['id']}")).body
    assert "billId" not in shown
    assert [part["amount"] for part in shown["billPayments"]] == [70, 100, 100]
    assert shown["billPayments"][0]["vendorCredits"] == [use]
    assert shown["amount"] == 270
    assert (await bill.get(f"/vendor-credits/{use['id']}")).body["status"] == "IN_PROCESS"
    await _do(bill, "advance", made, to="CLEARED")
    assert (await bill.get(f"/vendor-credits/{use['id']}")).body["status"] == "FULLY_APPLIED"
    assert (await bill.the_bill(bills[0]["id"]))["paymentStatus"] == "PAID"
    assert await _balances(bill) == {"expense": 270, f"cash:{BANK}": -270}


async def test_sim_bill_10_one_payment_per_vendor(bill: Any) -> None:
    """Bills of two vendors become two payments."""
    other = await bill.new_vendor("Other")
    ids = [(await bill.new_bill("P", 1))["id"], (await bill.new_bill("P", 2, vendorId=other))["id"]]
    wish = {"action": "create", "bills": [{"billId": one} for one in ids]}
    made = (await bill.operator.post("payments", wish))["payments"]
    assert [(one["vendorId"], one["amount"]) for one in made] == [(bill.vendor, "1.00"), (other, "2.00")]


async def test_sim_bill_10_cancel_only_while_scheduled(bill: Any) -> None:
    """Cancelled (two L) and CANCELED (one L); the amount is due again; later it is refused."""
    one = await bill.new_bill("P-1", 100)
    made = await _pay(bill, one)
    await _do(bill, "cancel", made)
    shown = (await bill.get(f"/payments/{made['id']}")).body
    assert (shown["status"], shown["singleStatus"]) == ("CANCELLED", "CANCELED")
    read = await bill.the_bill(one["id"])
    assert (read["paymentStatus"], read["dueAmount"]) == ("UNPAID", 100)
    again = await _pay(bill, one, to="FUNDING_STARTED")
    with pytest.raises(RuntimeError, match="cannot be reached"):
        await _do(bill, "cancel", again)


async def test_sim_bill_10_void_returns_debt_and_money(bill: Any) -> None:
    """Pending first; then void, the bill open again, the money back, the request accepted."""
    one = await bill.new_bill("P-1", 100)
    made = await _pay(bill, one, to="SENT")
    await _do(bill, "void", made, pending=True, reason="lost check")
    shown = (await bill.get(f"/payments/{made['id']}")).body
    assert (shown["singleStatus"], shown["voidInfo"][0]["status"]) == ("VOID_PENDING", "TO_BE_PROCESSED")
    await _do(bill, "advance", made, to="VOIDED")
    shown = (await bill.get(f"/payments/{made['id']}")).body
    assert (shown["status"], shown["singleStatus"], shown["voidInfo"][0]["status"]) == ("VOID", "VOIDED", "ACCEPTED")
    assert (await bill.the_bill(one["id"]))["dueAmount"] == 100
    assert await _balances(bill) == {"expense": 100, f"payables:{bill.vendor}": -100}


async def test_sim_bill_10_void_without_credit_leaves_the_money_with_bill(bill: Any) -> None:
    """VOID_ONLY: the debt is back, the money stands in clearing."""
    made = await _pay(bill, await bill.new_bill("P-1", 100), to="SENT")
    await _do(bill, "void", made, type="VOID_ONLY")
    balances = await _balances(bill)
    assert balances == {"expense": 100, f"payables:{bill.vendor}": -100, f"cash:{BANK}": -100, "clearing": 100}


async def test_sim_bill_10_void_and_reissue(bill: Any) -> None:
    """A second payment with the first one's money; net one payment; voided with credit the money comes back."""
    made = await _pay(bill, await bill.new_bill("P-1", 100), to="SENT")
    first, second = (await _do(bill, "void", made, type="VOID_AND_REISSUE"))["payments"]
    assert (first["singleStatus"], second["singleStatus"]) == ("VOIDED", "SCHEDULED")
    assert first["id"] != second["id"]
    await _do(bill, "advance", second, to="CLEARED")
    assert await _balances(bill) == {"expense": 100, f"cash:{BANK}": -100}
    await _do(bill, "void", second)
    assert await _balances(bill) == {"expense": 100, f"payables:{bill.vendor}": -100}


@pytest.mark.parametrize("rejected", [False, True])
async def test_sim_bill_10_failure_after_cleared(bill: Any, rejected: bool) -> None:  # noqa: FBT001
    """CLEARED is not final: returned, not void; nothing is booked until the void."""
    one = await bill.new_bill("P-1", 100)
    made = await _pay(bill, one, to="CLEARED")
    before = await _balances(bill)
    await _do(bill, "return", made, rejected=rejected)
    shown = (await bill.get(f"/payments/{made['id']}")).body
    wanted = "DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED" if rejected else "DISBURSEMENT_FAILED_ACTION_NEEDED"
    assert (shown["singleStatus"], shown["status"], shown["disbursementStatus"]) == (wanted, "PAID", "FAILED")
    assert await _balances(bill) == before
    assert (await bill.the_bill(one["id"]))["dueAmount"] == 0
    await _do(bill, "advance", made, to="VOIDED")
    assert (await bill.the_bill(one["id"]))["dueAmount"] == 100


async def test_sim_bill_10_bounced_debit(bill: Any) -> None:
    """Funding failed though BILL paid: the vendor is paid, clearing owes BILL; voided, the debt is back, no refund."""
    made = await _pay(bill, await bill.new_bill("P-1", 100), to="SENT")
    await _do(bill, "bounce", made)
    assert await _balances(bill) == {"expense": 100, "clearing": -100}
    await _do(bill, "advance", made, to="FUNDING_FAILED_VOIDED")
    assert (await bill.get(f"/payments/{made['id']}")).body["status"] == "VOID"
    assert await _balances(bill) == {"expense": 100, f"payables:{bill.vendor}": -100}


async def test_sim_bill_10_check_number_appears_at_processed(bill: Any) -> None:
    """A check has a number, as a number, from PROCESSED on, and is delivered before it clears."""
    made = await _pay(bill, await bill.new_bill("P-1", 100), disbursementType="CHECK", to="FUNDING_STARTED")
    info = (await bill.get(f"/payments/{made['id']}")).body["disbursementInfo"]
    assert "checkNumber" not in info.get("checkDisbursement", {})
    assert info["isVoidable"] is False
    await _do(bill, "advance", made)
    info = (await bill.get(f"/payments/{made['id']}")).body["disbursementInfo"]
    assert isinstance(info["checkDisbursement"]["checkNumber"], int)
    assert info["isVoidable"] is True
    await _do(bill, "advance", made, to="DELIVERED")
    assert (await bill.get(f"/payments/{made['id']}")).body["singleStatus"] == "DELIVERED"


async def test_sim_bill_10_escheated_and_unknown_values(bill: Any) -> None:
    """Unclaimed money goes to the state; a value nobody knows can be forced, an impossible one not walked to."""
    made = await _pay(bill, await bill.new_bill("P-1", 100), disbursementType="CHECK", to="DELIVERED")
    await _do(bill, "advance", made, to="FUNDS_ESCHEATED")
    assert (await bill.get(f"/payments/{made['id']}")).body["status"] == "ESCHEATED"
    other = await _pay(bill, await bill.new_bill("P-2", 100))
    with pytest.raises(RuntimeError, match="cannot be reached"):
        await _do(bill, "advance", other, to="NEVER_SEEN_BEFORE")
    await _do(bill, "advance", other, to="NEVER_SEEN_BEFORE", force=True)
    assert (await bill.get(f"/payments/{other['id']}")).body["singleStatus"] == "NEVER_SEEN_BEFORE"


async def test_sim_bill_10_other_funding_accounts(bill: Any) -> None:
    """Banks, cards and the wallet each pay from their own account; an unverified bank cannot."""
    for number, account in enumerate(
        ({"type": "BANK_ACCOUNT", "id": SECOND_BANK}, {"type": "CARD_ACCOUNT", "id": CARD}, {"type": "WALLET"})
    ):
        await _pay(bill, await bill.new_bill(f"P-{number}", 1), fundingAccount=account, to="PROCESSED")
    balances = await _balances(bill)
    assert {account for account in balances if account.startswith("cash:")} == {
        f"cash:{SECOND_BANK}",
        f"cash:{CARD}",
        "cash:WALLET",
    }
    await bill.operator.post("people", {"do": "edit", "kind": "bank", "id": BANK, "body": {"status": "PENDING"}})
    with pytest.raises(RuntimeError, match="BDC_1151"):
        await _pay(bill, await bill.new_bill("P-9", 1))


async def test_sim_bill_10_overpaying_is_refused(bill: Any) -> None:
    """More than is due: 422 BDC_1159, in BILL's application and when it is recorded."""
    one = await bill.new_bill("P-1", 100)
    with pytest.raises(RuntimeError, match="BDC_1159"):
        await _pay(bill, {"billId": one["id"], "amount": Decimal("100.01")})
    body = {"vendorId": bill.vendor, "processDate": "2026-12-20", "toPrintCheck": False}
    reply = await bill.post("/bills/record-payment", {**body, "payments": [{"billId": one["id"], "amount": 100.01}]})
    assert (reply.status, reply.codes) == (422, ["BDC_1159"])


async def test_sim_bill_10_recorded_payment(bill: Any) -> None:
    """A payment made elsewhere: found by vendor and date, with its reference; it never touches clearing."""
    one = await bill.new_bill("P-1", 1000)
    body = {"vendorId": bill.vendor, "processDate": "2026-12-20", "toPrintCheck": False, "syncReference": "CHK 17"}
    reply = await bill.post("/bills/record-payment", {**body, "payments": [{"billId": one["id"], "amount": 400}]})
    assert (reply.body["syncReference"], reply.body["billPayments"][0]["amount"]) == ("CHK 17", 400)
    found = await bill.get("/payments", filters=f"vendorId:eq:{bill.vendor},processDate:eq:2026-12-20")
    assert [(one["id"], one["syncReference"]) for one in found.body["results"]] == [(reply.body["id"], "CHK 17")]
    await bill.operator.switch(recorded_fields_in_reads=False)
    assert "syncReference" not in (await bill.get(f"/payments/{reply.body['id']}")).body
    read = await bill.the_bill(one["id"])
    assert (read["paymentStatus"], read["dueAmount"]) == ("PARTIALLY_PAID", 600)
    assert await _balances(bill) == {"expense": 1000, f"payables:{bill.vendor}": -600, "outside": -400}
    wish = {"action": "record", "bills": [{"billId": one["id"]}], "syncReference": "by hand"}
    assert (await bill.operator.post("payments", wish))["payments"][0]["onlinePayment"] is False
    assert (await bill.the_bill(one["id"]))["paymentStatus"] == "PAID"


async def test_sim_bill_10_scheduled_bill_keeps_its_substance(bill: Any) -> None:
    """Amounts, lines and vendor of a bill under payment are refused with 422; its description and coding are not."""
    one = await bill.new_bill("P-1", 100)
    line = one["billLineItems"][0]["id"]
    await _pay(bill, one)
    path = f"/bills/{one['id']}"
    for wrong in (
        {"billLineItems": [{"id": line, "amount": 101}]},
        {"billLineItems": [{"amount": 1}]},
        {"vendorId": await bill.new_vendor("Other")},
    ):
        reply = await bill.call("PATCH", path, wrong)
        assert (reply.status, reply.codes) == (422, ["BDC_1143"])
    account = (await bill.get("/classifications/chart-of-accounts")).body["results"][0]["id"]
    coded = {"id": line, "classifications": {"chartOfAccountId": account}}
    reply = await bill.call("PATCH", path, {"description": "D", "billLineItems": [coded]})
    assert (reply.status, reply.body["billLineItems"][0]["classifications"]) == (200, {"chartOfAccountId": account})


async def test_sim_bill_10_progress_moves_the_bills_updated_time_or_not(bill: Any) -> None:
    """By default a payment's progress shows in the bill's updated time; with the switch it does not."""
    one = await bill.new_bill("P-1", 100)
    await bill.operator.advance(1)
    made = await _pay(bill, one)
    touched = (await bill.the_bill(one["id"]))["updatedTime"]
    assert touched > one["updatedTime"]
    await bill.operator.switch(payment_touches_bill=False)
    await bill.operator.advance(1)
    await _do(bill, "advance", made, to="CLEARED")
    read = await bill.the_bill(one["id"])
    assert (read["updatedTime"], read["paymentStatus"]) == (touched, "PAID")


async def test_sim_bill_10_bill_in_approval_cannot_be_paid(bill: Any) -> None:
    """A policy assigns approvers; no payment until they approved; denied and rerouted are visible."""
    approver, admin = "00601SANDBOXAPPROVER", "00601SANDBOXADMINIST"
    await bill.login(username="admin@sandbox.example", password="sandbox-admin")
    rule = {"key": "BILL_AMOUNT", "op": "gte", "values": ["500"]}
    policy = {"policyName": "Large", "rules": [rule], "approvers": [approver, admin]}
    assert (await bill.post("/bill-approvals/policies", policy)).status == 201
    small, large = await bill.new_bill("S", 499), await bill.new_bill("L", 500)
    assert (small["approvalStatus"], large["approvalStatus"]) == ("UNASSIGNED", "ASSIGNED")
    with pytest.raises(RuntimeError, match="cannot be paid"):
        await _pay(bill, large)
    await bill.login(username="approver@sandbox.example", password="sandbox-approver")
    pending = (await bill.get("/bill-approvals/pending-user-approvals")).body["bills"]
    assert [one["billId"] for one in pending] == [large["id"]]
    action = [{"billId": large["id"], "action": "APPROVE"}]
    assert (await bill.post("/bill-approvals/actions", action)).body == {"status": "SUCCESS"}
    assert (await bill.post("/bill-approvals/actions", action)).status == 403
    assert (await bill.the_bill(large["id"]))["approvalStatus"] == "APPROVING"
    await bill.operator.post("people", {"do": "approve", "id": large["id"]})
    read = (await bill.get(f"/bills/{large['id']}", billApprovals="true")).body
    assert read["approvalStatus"] == "APPROVED"
    assert [one["status"] for one in read["approvers"]] == ["APPROVED", "APPROVED"]
    assert (await _pay(bill, large))["status"] == "SCHEDULED"


async def test_sim_bill_10_denied_and_rerouted(bill: Any) -> None:
    """A person denies a bill, or asks somebody else."""
    await bill.login(username="admin@sandbox.example", password="sandbox-admin")
    rule = {"key": "VENDOR_ID", "values": [bill.vendor]}
    await bill.post(
        "/bill-approvals/policies", {"policyName": "All", "rules": [rule], "approvers": ["00601SANDBOXAPPROVER"]}
    )
    denied, moved = await bill.new_bill("D", 1), await bill.new_bill("M", 1)
    await bill.operator.post("people", {"do": "deny", "id": denied["id"]})
    assert (await bill.the_bill(denied["id"]))["approvalStatus"] == "DENIED"
    await bill.operator.post("people", {"do": "reroute", "id": moved["id"], "body": ["00601SANDBOXADMINIST"]})
    read = (await bill.get(f"/bills/{moved['id']}", billApprovals="true")).body
    assert [(one["status"], one["approverOrder"]) for one in read["approvers"]] == [("REROUTED", 0), ("WAITING", 1)]


async def test_sim_bill_11_document_takes_its_time(bill: Any) -> None:
    """A temporary id at once; the document, listed and readable, only after a while."""
    one = await bill.new_bill("DOC", 1)
    path = f"/documents/bills/{one['id']}"
    content = b"%PDF-1.7 invoice"
    reply = await bill.call("POST", path, content, name="invoice.pdf")
    assert (reply.status, reply.body["id"][:3], reply.body["name"]) == (200, "0du", "invoice.pdf")
    ids = reply.body["id"]
    state = (await bill.get("/documents/upload-status", ids=ids)).body
    assert state == [{"uploadId": ids, "status": "IN_PROGRESS"}]
    assert (await bill.get(path)).body["results"] == []
    await bill.operator.advance(121)
    state = (await bill.get("/documents/upload-status", ids=ids)).body[0]
    assert (state["status"], state["documentId"][:3]) == ("UPLOADED", "00h")
    listed = (await bill.get(path)).body["results"]
    assert [(row["id"], row["name"]) for row in listed] == [(state["documentId"], "invoice.pdf")]
    assert (await bill.get(f"/documents/{state['documentId']}")).body == listed[0]
    async with bill.http.get(listed[0]["downloadLink"], headers=bill.headers) as answer:
        assert await answer.read() == content


async def test_sim_bill_11_twice_is_two_documents(bill: Any) -> None:
    """The same file twice is there twice; nothing deletes it."""
    one = await bill.new_bill("DOC", 1)
    path = f"/documents/bills/{one['id']}"
    for _ in range(2):
        await bill.call("POST", path, b"x", name="same.pdf")
    await bill.operator.advance(121)
    listed = (await bill.get(path)).body["results"]
    assert [row["name"] for row in listed] == ["same.pdf", "same.pdf"]
    assert (await bill.call("DELETE", f"/documents/{listed[0]['id']}")).codes == ["BDC_1121"]


async def test_sim_bill_11_six_megabytes(bill: Any) -> None:
    """Exactly six pass, one byte more does not; a name is needed; the bill must exist."""
    one = await bill.new_bill("DOC", 1)
    path = f"/documents/bills/{one['id']}"
    most = 6_000_000
    assert (await bill.call("POST", path, b"x" * most, name="big.pdf")).status == 200
    assert (await bill.call("POST", path, b"x" * (most + 1), name="big.pdf")).status == 400
    assert (await bill.call("POST", path, b"x")).status == 400
    assert (await bill.call("POST", "/documents/bills/00n", b"x", name="a.pdf")).codes == ["BDC_1205"]
