"""BILL's simulator: vendors, bills, bulk calls that fail."""

from decimal import Decimal
from typing import Any

import pytest

ADDRESS = {"line1": "1 Test Way", "city": "Portland", "zipOrPostalCode": "97201", "country": "US"}
ACCOUNT = {"nameOnAccount": "A", "accountNumber": "123456789", "routingNumber": "074000010"}
UNKNOWN_VENDOR = "00900000000000000000"


def _lines(bill: Any) -> list[tuple[str, Any]]:
    return [(line["id"], line["amount"]) for line in bill["billLineItems"]]


async def test_sim_bill_07_address_is_required(bill: Any) -> None:
    """Without an address: 400 ``address: must not be null``; a three-letter country is refused."""
    reply = await bill.post("/vendors", {"name": "A"})
    assert (reply.status, reply.body[0]["message"]) == (400, "address: must not be null")
    reply = await bill.post("/vendors", {"name": "A", "address": {**ADDRESS, "country": "USA"}})
    assert reply.status == 400


async def test_sim_bill_07_duplicate_names_are_two_vendors(bill: Any) -> None:
    """The same body twice makes two vendors with ids of twenty characters."""
    ids = [await bill.new_vendor("Twin") for _ in range(2)]
    assert len(set(ids)) == 2
    assert all(one.startswith("009") and len(one) == 20 for one in ids)
    found = (await bill.get("/vendors", filters="name:eq:Twin")).body["results"]
    assert {one["id"] for one in found} == set(ids)


async def test_sim_bill_07_lengths(bill: Any) -> None:
    """Name up to 100, short name up to 40."""
    long = {"name": "N" * 101, "shortName": "S" * 41, "address": ADDRESS}
    reply = await bill.post("/vendors", long)
    assert reply.status == 400
    assert {item["message"].partition(" Maximum")[0] for item in reply.body} == {
        "Invalid entity data. name:",
        "Invalid entity data. shortName:",
    }
    assert (await bill.post("/vendors", {**long, "name": "N" * 100, "shortName": "S" * 40})).status == 201


async def test_sim_bill_07_patch_is_partial(bill: Any) -> None:
    """What PATCH does not name stays, objects are merged, null empties; the updated time moves."""
    vendor = await bill.new_vendor("Old", phone="1", email="a@b.example")
    before = (await bill.get(f"/vendors/{vendor}")).body
    await bill.operator.advance(1)
    reply = await bill.call("PATCH", f"/vendors/{vendor}", {"name": "New", "email": None, "address": {"line2": "B"}})
    assert reply.status == 200
    assert (reply.body["name"], reply.body["phone"], "email" in reply.body) == ("New", "1", False)
    assert reply.body["address"] == {**ADDRESS, "line2": "B"}
    assert reply.body["updatedTime"] > before["updatedTime"]
    assert reply.body["createdTime"] == before["createdTime"]


async def test_sim_bill_07_patch_cannot_change_bank_account_or_currency(bill: Any) -> None:
    """PATCH with a bank account or another currency is 400; delete and create do it."""
    vendor = await bill.new_vendor("V", paymentInformation={"payeeName": "P", "bankAccount": ACCOUNT})
    path = f"/vendors/{vendor}"
    reply = await bill.call("PATCH", path, {"paymentInformation": {"bankAccount": {**ACCOUNT, "accountNumber": "9"}}})
    assert reply.status == 400
    assert (await bill.call("PATCH", path, {"billCurrency": "EUR"})).status == 400
    assert (await bill.post(f"{path}/bank-account", ACCOUNT)).status == 400
    assert (await bill.call("DELETE", f"{path}/bank-account")).status == 204
    assert (await bill.get(f"{path}/bank-account")).status == 404
    assert (await bill.post(f"{path}/bank-account", {**ACCOUNT, "accountNumber": "987"})).status == 200
    assert (await bill.get(path)).body["paymentInformation"]["bankAccount"]["accountNumber"] == "987"


async def test_sim_bill_07_archive_and_restore_repeat_harmlessly(bill: Any) -> None:
    """The second archive changes nothing, not even the updated time."""
    vendor = await bill.new_vendor("V")
    first = await bill.post(f"/vendors/{vendor}/archive")
    await bill.operator.advance(1)
    second = await bill.post(f"/vendors/{vendor}/archive")
    assert first.body == second.body
    assert first.body["archived"] is True
    assert (await bill.post(f"/vendors/{vendor}/restore")).body["archived"] is False


async def test_sim_bill_07_no_put_no_delete(bill: Any) -> None:
    """Vendors cannot be replaced or deleted, bills not deleted."""
    for method, path in (("PUT", "/vendors/x"), ("DELETE", "/vendors/x"), ("DELETE", "/bills/x")):
        assert (await bill.call(method, path, {})).codes == ["BDC_1121"]


async def test_sim_bill_07_ids_are_case_sensitive(bill: Any) -> None:
    """The id in other case is another id."""
    vendor = await bill.new_vendor("V")
    assert vendor.swapcase() != vendor
    assert (await bill.get(f"/vendors/{vendor.swapcase()}")).codes == ["BDC_1205"]


async def test_sim_bill_07_bulk_is_wrapped_and_atomic(bill: Any) -> None:
    """Up to twenty, answered as {"vendors": [...]}; one bad one and none is there."""
    good = [{"name": f"B{number}", "address": ADDRESS} for number in range(20)]
    reply = await bill.post("/vendors/bulk", good)
    assert reply.status == 201
    assert [one["name"] for one in reply.body["vendors"]] == [one["name"] for one in good]
    assert (await bill.post("/vendors/bulk", [*good, good[0]])).status == 400
    assert (await bill.post("/vendors/bulk", [])).status == 400
    before = len((await bill.operator.ledger())["organizations"]["00801SANDBOXTRADING1"]["vendors"])
    assert (await bill.post("/vendors/bulk", [good[0], {"name": "no address"}])).status == 400
    after = len((await bill.operator.ledger())["organizations"]["00801SANDBOXTRADING1"]["vendors"])
    assert after == before


async def test_sim_bill_08_new_bill(bill: Any) -> None:
    """201 without the vendor's name, unpaid and unassigned, the amount is the sum of the lines."""
    made = await bill.new_bill("202601", 149, Decimal("79.99"))
    assert (made["paymentStatus"], made["approvalStatus"]) == ("UNPAID", "UNASSIGNED")
    assert (made["amount"], made["dueAmount"], made["paidAmount"]) == (Decimal("228.99"), Decimal("228.99"), 0)
    assert "vendorName" not in made
    assert [line["id"][:3] for line in made["billLineItems"]] == ["bli", "bli"]
    read = await bill.the_bill(made["id"])
    assert (read["vendorName"], read["payments"]) == ("Happy Music Supplies", [])


@pytest.mark.parametrize("length", [21, 22])
async def test_sim_bill_08_invoice_number_has_21_characters(bill: Any, length: int) -> None:
    """22 characters are refused in BILL's own words."""
    reply = await bill.post("/bills", bill.bill("N" * length))
    if length == 21:
        assert reply.status == 201
        return
    text = "Invalid entity data. invoiceNumber: Maximum length cannot be greater than 21 characters."
    assert (reply.status, reply.body[0]["code"], reply.body[0]["message"]) == (400, "BDC_1143", text)


async def test_sim_bill_08_exact_amounts(bill: Any) -> None:
    """Large and small amounts arrive as they were sent; a third decimal and a text are refused."""
    made = await bill.new_bill("BIG", Decimal("12345678.90"), Decimal("0.01"))
    assert made["amount"] == Decimal("12345678.91")
    for wrong in (10.005, "10.00", True):
        assert (await bill.post("/bills", bill.bill("W", wrong))).status == 400


async def test_sim_bill_08_quantity_and_price(bill: Any) -> None:
    """Quantity times price, rounded; when all three are there the amount wins; nothing at all is refused."""
    lines = [{"quantity": 3, "price": 33.333}, {"quantity": 2, "price": 5, "amount": 9}]
    made = await bill.new_bill("QP", billLineItems=lines)
    assert [line["amount"] for line in made["billLineItems"]] == [100, 9]
    reply = await bill.post("/bills", bill.bill("QP2", billLineItems=[{"quantity": 3}]))
    assert (reply.status, reply.body[0]["message"]) == (400, "billLineItems[0].amount: must not be null")


async def test_sim_bill_08_negative_lines_but_no_negative_total(bill: Any) -> None:
    """A negative line is fine while the total is not below zero."""
    assert (await bill.new_bill("NEG", 10, -3))["amount"] == 7
    assert (await bill.new_bill("ZERO", 3, -3))["amount"] == 0
    assert (await bill.post("/bills", bill.bill("MINUS", 3, -4))).status == 400


async def test_sim_bill_08_vendor_and_classifications_must_exist(bill: Any) -> None:
    """Unknown ids are 404 BDC_1205; archived ones are refused for new use."""
    reply = await bill.post("/bills", bill.bill("V", vendorId=UNKNOWN_VENDOR))
    assert (reply.status, reply.codes) == (404, ["BDC_1205"])
    line = {"amount": 1, "classifications": {"chartOfAccountId": "0ca00000000000000000"}}
    assert (await bill.post("/bills", bill.bill("C", billLineItems=[line]))).codes == ["BDC_1205"]
    account = (await bill.get("/classifications/chart-of-accounts")).body["results"][0]["id"]
    line["classifications"] = {"chartOfAccountId": account}
    assert (await bill.new_bill("D", billLineItems=[line]))["billLineItems"][0]["classifications"]
    await bill.post(f"/classifications/chart-of-accounts/{account}/archive")
    assert (await bill.post("/bills", bill.bill("E", billLineItems=[line]))).status == 400
    await bill.post(f"/vendors/{bill.vendor}/archive")
    assert (await bill.post("/bills", bill.bill("F"))).status == 400


async def test_sim_bill_08_unknown_properties_are_ignored(bill: Any) -> None:
    """A misspelt property is no error and leaves no trace."""
    made = await bill.new_bill("U", 5, externalId="X", custom={"a": 1}, vendorID="009")
    assert not {"externalId", "custom", "vendorID"} & set(await bill.the_bill(made["id"]))


async def test_sim_bill_08_patch_matches_lines_by_id(bill: Any) -> None:
    """PATCH changes the named line, leaves the others, keeps the ids; a line without id is added."""
    made = await bill.new_bill("P", 149, Decimal("79.99"))
    (first, _), second = _lines(made)
    reply = await bill.call("PATCH", f"/bills/{made['id']}", {"billLineItems": [{"id": first, "amount": 179}]})
    assert (reply.status, _lines(reply.body), reply.body["amount"]) == (200, [(first, 179), second], Decimal("258.99"))
    reply = await bill.call("PATCH", f"/bills/{made['id']}", {"billLineItems": [{"amount": 1}], "description": "D"})
    assert [amount for _, amount in _lines(reply.body)] == [179, Decimal("79.99"), 1]
    unknown = {"billLineItems": [{"id": "bli00000000000000000", "amount": 1}]}
    assert (await bill.call("PATCH", f"/bills/{made['id']}", unknown)).codes == ["BDC_1205"]
    assert reply.body["dueDate"] == made["dueDate"]


async def test_sim_bill_08_put_replaces(bill: Any) -> None:
    """PUT keeps lines with known ids, adds those without, removes the omitted; what is left out is gone."""
    made = await bill.new_bill("R", 1, 2, 3, description="was here")
    ids = [line_id for line_id, _ in _lines(made)]
    lines = [{"amount": 29.99}, {"id": ids[0], "amount": 10}, {"id": ids[2], "amount": 3}]
    reply = await bill.call("PUT", f"/bills/{made['id']}", bill.bill("R", billLineItems=lines))
    assert reply.status == 200
    kept = dict(_lines(reply.body))
    assert ids[1] not in kept
    assert (kept[ids[0]], kept[ids[2]], len(kept)) == (10, 3, 3)
    assert reply.body["amount"] == Decimal("42.99")
    assert "description" not in reply.body
    assert (reply.body["id"], reply.body["createdTime"]) == (made["id"], made["createdTime"])


async def test_sim_bill_08_put_without_credits_unapplies_them(bill: Any) -> None:
    """PATCH applies a credit, PUT that leaves it out takes it away; amounts and the credit's status follow."""
    made = await bill.new_bill("CR", 100)
    credit = await bill.post(
        "/vendor-credits",
        {
            "vendorId": bill.vendor,
            "referenceNumber": "VC",
            "creditDate": "2026-12-28",
            "vendorCreditLineItems": [{"amount": 40}, {"amount": 20}],
        },
    )
    credit_id = credit.body["id"]
    applied = await bill.call("PATCH", f"/bills/{made['id']}", {"vendorCredits": [{"id": credit_id, "amount": 45}]})
    assert (applied.body["dueAmount"], applied.body["creditAmount"], applied.body["paymentStatus"]) == (
        55,
        45,
        "PARTIALLY_PAID",
    )
    shown = (await bill.get(f"/vendor-credits/{credit_id}")).body
    assert (shown["status"], shown["appliedAmount"]) == ("PARTIALLY_APPLIED", 45)
    assert shown["usage"] == [{"billId": made["id"], "amount": 45}]
    lines = [{"id": line_id, "amount": amount} for line_id, amount in _lines(made)]
    replaced = await bill.call("PUT", f"/bills/{made['id']}", bill.bill("CR", billLineItems=lines))
    assert (replaced.body["dueAmount"], replaced.body["paymentStatus"]) == (100, "UNPAID")
    assert (await bill.get(f"/vendor-credits/{credit_id}")).body["status"] == "NOT_APPLIED"


async def test_sim_bill_08_credits_cannot_be_overdrawn(bill: Any) -> None:
    """More than is left of a credit, or one of another vendor, is refused."""
    other = await bill.new_vendor("Other")
    body = {"referenceNumber": "VC", "creditDate": "2026-12-28", "vendorCreditLineItems": [{"amount": 10}]}
    mine = (await bill.post("/vendor-credits", {**body, "vendorId": bill.vendor})).body["id"]
    foreign = (await bill.post("/vendor-credits", {**body, "vendorId": other})).body["id"]
    made = await bill.new_bill("OD", 100, vendorCredits=[{"id": mine, "amount": 6}])
    again = await bill.post("/bills", bill.bill("OD2", vendorCredits=[{"id": mine, "amount": 5}]))
    assert again.status == 400
    assert (await bill.post("/bills", bill.bill("OD3", vendorCredits=[{"id": foreign, "amount": 1}]))).status == 400
    assert made["dueAmount"] == 94
    assert (await bill.post(f"/vendor-credits/{mine}/archive")).status == 422
    assert (await bill.post(f"/vendor-credits/{foreign}/restore")).codes == ["BDC_1121"]


async def test_sim_bill_08_duplicate_number_in_both_modes(bill: Any) -> None:
    """Accepted by default; refused with 422 BDC_1171 with the switch; another vendor may always; PATCH is tolerated."""
    first = await bill.new_bill("DUP", 1)
    second = await bill.new_bill("DUP", 1)
    assert first["id"] != second["id"]
    await bill.operator.switch(duplicate_invoice_refused=True)
    reply = await bill.post("/bills", bill.bill("DUP"))
    assert (reply.status, reply.codes) == (422, ["BDC_1171"])
    await bill.new_bill("DUP", 1, vendorId=await bill.new_vendor("Other"))
    reply = await bill.call("PATCH", f"/bills/{first['id']}", {"description": "still here"})
    assert reply.status == 200
    reply = await bill.post("/bills/bulk", [bill.bill("SAME"), bill.bill("SAME")])
    assert (reply.status, reply.codes) == (422, ["BDC_1246", "BDC_1171"])


async def test_sim_bill_08_archive_and_restore(bill: Any) -> None:
    """Repeating is harmless; an archived bill is no payable."""
    made = await bill.new_bill("AR", 12)
    for _ in range(2):
        assert (await bill.post(f"/bills/{made['id']}/archive")).body["archived"] is True
    account = f"payables:{bill.vendor}"
    books = (await bill.operator.ledger())["organizations"]["00801SANDBOXTRADING1"]
    assert (books["balances"][account], books["imbalance"]) == ("0.00", "0.00")
    for _ in range(2):
        assert (await bill.post(f"/bills/{made['id']}/restore")).body["archived"] is False
    assert (await bill.operator.ledger())["organizations"]["00801SANDBOXTRADING1"]["balances"][account] == "-12.00"


async def test_sim_bill_08_bulk_is_a_bare_array(bill: Any) -> None:
    """Up to a hundred bills of several vendors, answered as a bare array."""
    other = await bill.new_vendor("Other")
    bodies = [bill.bill(f"K{number}", vendorId=other if number % 2 else bill.vendor) for number in range(100)]
    reply = await bill.post("/bills/bulk", bodies)
    assert reply.status == 201
    assert [one["invoice"]["invoiceNumber"] for one in reply.body] == [f"K{number}" for number in range(100)]
    assert (await bill.post("/bills/bulk", [*bodies, bodies[0]])).status == 400


async def test_sim_bill_08_foreign_vendor(bill: Any) -> None:
    """The bill's currency is the vendor's; fundingAmount is in dollars."""
    vendor = await bill.new_vendor("Berlin GmbH", billCurrency="EUR")
    made = await bill.new_bill("EU-1", 100, vendorId=vendor)
    assert (made["amount"], made["exchangeRate"], made["fundingAmount"]) == (100, Decimal("1.0842"), Decimal("108.42"))


async def test_sim_bill_08_bill_approvals_flag(bill: Any) -> None:
    """A bill entered with the flag shows its approvers and wants the flag again on every change."""
    made = await bill.new_bill("AP", 1, billApprovals=True)
    assert made["approvers"] == []
    assert (await bill.call("PATCH", f"/bills/{made['id']}", {"description": "x"})).status == 400
    reply = await bill.call("PATCH", f"/bills/{made['id']}", {"description": "x", "billApprovals": True})
    assert reply.status == 200


async def test_sim_bill_09_bulk_failure_names_the_bad_item(bill: Any) -> None:
    """The bad item has its own code, the others BDC_1246; the status is the bad one's; nothing is stored."""
    bodies = [bill.bill("OK-1"), bill.bill("N" * 22), bill.bill("OK-2"), bill.bill("X", vendorId=UNKNOWN_VENDOR)]
    reply = await bill.post("/bills/bulk", bodies)
    assert (reply.status, reply.codes) == (400, ["BDC_1246", "BDC_1143", "BDC_1246", "BDC_1205"])
    assert (await bill.get("/bills")).body["results"] == []
    books = (await bill.operator.ledger())["organizations"]["00801SANDBOXTRADING1"]
    assert books["journal"] == []


async def test_sim_bill_09_bulk_of_classifications(bill: Any) -> None:
    """The same for classifications, with their own wrapper; changes and archiving in bulk too."""
    base = "/classifications/departments"
    reply = await bill.post(f"{base}/bulk", [{"name": "D1"}, {"shortName": "nameless"}])
    assert (reply.status, reply.codes) == (400, ["BDC_1246", "BDC_1117"])
    made = (await bill.post(f"{base}/bulk", [{"name": "D1"}, {"name": "D2"}])).body["departments"]
    changed = await bill.call(
        "PATCH", f"{base}/bulk", [{"id": made[0]["id"], "name": "D1b"}, {"id": "0de", "name": "x"}]
    )
    assert (changed.status, changed.codes) == (404, ["BDC_1246", "BDC_1205"])
    assert (await bill.get(f"{base}/{made[0]['id']}")).body["name"] == "D1"
    ids = ",".join(one["id"] for one in made)
    archived = await bill.post(f"{base}/bulk/archive", ids=ids)
    assert [one["archived"] for one in archived.body["departments"]] == [True, True]
    assert (await bill.post(f"{base}/bulk/restore", ids=f"{ids},0de")).status == 404
    assert (await bill.get(f"{base}/{made[0]['id']}")).body["archived"] is True
