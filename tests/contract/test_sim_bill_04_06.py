"""BILL's simulator: limits, lists, and what answers leave out."""

import asyncio
from typing import Any

import pytest

HOUR = 3600


async def test_sim_bill_04_fourth_call_at_once_is_refused(bill: Any) -> None:
    """Three calls at a time per key and organization; the fourth gets 422 BDC_1322 and no Retry-After."""
    await bill.operator.switch(latency_seconds=0.2)
    replies = await asyncio.gather(*(bill.get("/vendors") for _ in range(5)))
    assert sorted(reply.status for reply in replies) == [200, 200, 200, 422, 422]
    refused = [reply for reply in replies if reply.status == 422]
    assert all(reply.codes == ["BDC_1322"] and "Retry-After" not in reply.headers for reply in refused)
    await bill.operator.switch(latency_seconds=0)
    assert (await bill.get("/vendors")).status == 200


async def test_sim_bill_04_three_at_once_are_fine_and_counted(bill: Any) -> None:
    """Three calls at once all pass, and the tester sees that there were three."""
    await bill.operator.switch(latency_seconds=0.1)
    replies = await asyncio.gather(*(bill.get("/vendors") for _ in range(3)))
    assert [reply.status for reply in replies] == [200, 200, 200]
    lane = (await bill.operator.get("usage"))["lanes"][0]
    assert (lane["peak"], lane["under_way"]) == (3, 0)


async def test_sim_bill_04_a_call_held_up_by_a_fault_is_under_way(bill: Any) -> None:
    """A slow answer occupies its place among the three."""
    await bill.operator.fault("slow", path="/connect/v3/bills$", times=3, seconds=0.5)
    await bill.get("/vendors")
    slow = asyncio.gather(*(bill.get("/bills") for _ in range(3)))
    for _ in range(200):
        if (await bill.operator.get("usage"))["lanes"][0]["under_way"] == 3:
            break
        await asyncio.sleep(0.01)
    fourth = await bill.get("/vendors")
    assert [reply.status for reply in await slow] == [200, 200, 200]
    assert fourth.codes == ["BDC_1322"]


async def test_sim_bill_04_lanes_are_per_organization(bill_world: Any) -> None:
    """Calls of another organization under the same key do not count."""
    user = {"username": "u", "password": "p", "role": "ADMINISTRATOR"}
    orgs = [{"id": one, "users": [user]} for one in ("00801A", "00801B")]
    async with bill_world({"dev_keys": ["one"], "organizations": orgs}) as bill:
        credentials = {"username": "u", "password": "p", "devKey": "one"}
        await bill.login(organizationId="00801A", **credentials)
        first = dict(bill.headers)
        await bill.login(organizationId="00801B", **credentials)
        await bill.operator.switch(latency_seconds=0.2)
        calls = [bill.call("GET", "/vendors", headers=headers) for headers in [first] * 3 + [bill.headers] * 3]
        assert [reply.status for reply in await asyncio.gather(*calls)] == [200] * 6


async def test_sim_bill_04_hourly_limit_is_the_keys(bill: Any) -> None:
    """The call after the limit gets 422 BDC_1144 until the clock hour ends; the counter is visible."""
    used = (await bill.operator.get("usage"))["keys"][0]["calls"]
    await bill.operator.switch(calls_per_hour=used + 2)
    assert [(await bill.get("/vendors")).status for _ in range(2)] == [200, 200]
    reply = await bill.get("/vendors")
    assert (reply.status, reply.codes) == (422, ["BDC_1144"])
    assert "Retry-After" not in reply.headers
    assert (await bill.operator.get("usage"))["keys"][0]["calls"] == used + 2
    await bill.operator.advance(HOUR)
    assert (await bill.login()).status == 200


async def test_sim_bill_04_default_limit_is_20000(bill: Any) -> None:
    """The limit without a switch is BILL's."""
    switches = await bill.operator.get("switches")
    limits = (switches["calls_per_hour"], switches["logins_per_hour"], switches["concurrent_calls"])
    assert limits == (20_000, 200, 3)


async def test_sim_bill_04_rate_limits_as_429(bill: Any) -> None:
    """A switch answers 429 instead, still without Retry-After."""
    await bill.operator.switch(rate_limit_status=429, calls_per_hour=1)
    reply = await bill.get("/vendors")
    assert (reply.status, reply.codes) == (429, ["BDC_1144"])
    assert "Retry-After" not in reply.headers


async def _vendors(bill: Any, count: int) -> None:
    for number in range(count):
        await bill.operator.advance(0.002)
        await bill.new_vendor(f"Vendor {number:03}")


async def _all_names(bill: Any, **query: str) -> list[str]:
    """Every name of a list, page by page."""
    names: list[str] = []
    page: dict[str, str] = {}
    for _ in range(50):
        reply = await bill.get("/vendors", **query, **page)
        assert reply.status == 200, reply
        names += [one["name"] for one in reply.body["results"]]
        if reply.body.get("nextPage") is None:
            return names
        page = {"page": reply.body["nextPage"]}
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("size", ["0", "101", "-1", "ten", ""])
async def test_sim_bill_05_max_is_1_to_100(bill: Any, size: str) -> None:
    """Anything else is 400."""
    assert (await bill.get("/vendors", max=size)).status == 400


async def test_sim_bill_05_default_page_and_end(bill: Any) -> None:
    """Twenty rows unless asked otherwise; no nextPage at the end, no prevPage at the start; back is possible."""
    await _vendors(bill, 25)
    first = (await bill.get("/vendors")).body
    assert len(first["results"]) == 20
    assert set(first) == {"results", "nextPage"}
    second = (await bill.get("/vendors", page=first["nextPage"])).body
    assert len(second["results"]) == 6
    assert set(second) == {"results", "prevPage"}
    assert (await bill.get("/vendors", page=second["prevPage"])).body["results"] == first["results"]
    assert (await bill.get("/vendors", page="made-up")).status == 400
    assert (await bill.get("/vendors", page=first["nextPage"], sort="name:asc")).status == 400


async def test_sim_bill_05_null_tokens(bill: Any) -> None:
    """A switch prints null where the token is left out."""
    await bill.operator.switch(null_page_tokens=True)
    body = (await bill.get("/vendors")).body
    assert (body["nextPage"], body["prevPage"]) == (None, None)


@pytest.mark.parametrize("where", ["middle", "end"])
async def test_sim_bill_05_empty_page_with_a_token(bill: Any, where: str) -> None:
    """An empty page is not the end; who goes on until there is no token sees every row once."""
    await _vendors(bill, 5)
    await bill.operator.switch(empty_pages=where)
    first = (await bill.get("/vendors", max="3")).body
    pages = [first]
    while "nextPage" in pages[-1]:
        pages.append((await bill.get("/vendors", max="3", page=pages[-1]["nextPage"])).body)
    sizes = [len(page["results"]) for page in pages]
    assert sizes == ([3, 0, 3] if where == "middle" else [3, 3, 0])


async def test_sim_bill_05_repeated_token(bill: Any) -> None:
    """A switch hands out the token it was given, for ever."""
    await _vendors(bill, 5)
    await bill.operator.switch(repeated_page_token=True)
    token = (await bill.get("/vendors", max="2")).body["nextPage"]
    assert (await bill.get("/vendors", max="2", page=token)).body["nextPage"] == token


async def test_sim_bill_05_keyset_paging_survives_moving_rows(bill: Any) -> None:
    """By default nobody is skipped when rows of an earlier page move to the end, its last one too."""
    await _vendors(bill, 6)
    query = {"sort": "updatedTime:asc", "max": "3"}
    first = (await bill.get("/vendors", **query)).body
    for moved in (first["results"][0], first["results"][-1]):
        await bill.call("PATCH", f"/vendors/{moved['id']}", {"phone": "1"})
    names = [one["name"] for one in first["results"]]
    token = first["nextPage"]
    while token:
        body = (await bill.get("/vendors", **query, page=token)).body
        names += [one["name"] for one in body["results"]]
        token = body.get("nextPage")
    assert {f"Vendor {number:03}" for number in range(6)} <= set(names)


async def test_sim_bill_05_offset_paging_skips_moving_rows(bill: Any) -> None:
    """With the switch a row is skipped when one of an earlier page moves behind it."""
    await _vendors(bill, 6)
    await bill.operator.switch(paging="offset")
    query = {"sort": "updatedTime:asc", "max": "3"}
    first = (await bill.get("/vendors", **query)).body
    await bill.call("PATCH", f"/vendors/{first['results'][0]['id']}", {"phone": "1"})
    second = (await bill.get("/vendors", **query, page=first["nextPage"])).body
    names = [one["name"] for page in (first, second) for one in page["results"]]
    assert "Vendor 002" not in names


async def test_sim_bill_05_sort(bill: Any) -> None:
    """By name both ways, by several; another field or direction is refused."""
    for name in ("B", "A", "C"):
        await bill.operator.advance(1)
        await bill.new_vendor(name)
    mine = 'name:sw:""'
    assert (await _all_names(bill, sort="name:asc", filters=mine))[:3] == ["A", "B", "C"]
    assert (await _all_names(bill, sort="name:desc", filters=mine, max="2"))[1:] == ["C", "B", "A"]
    assert (await _all_names(bill, sort="createdTime:desc,name:asc"))[0] == "C"
    for wrong in ("phone:asc", "name", "name:up"):
        assert (await bill.get("/vendors", sort=wrong)).status == 400


@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_sim_bill_05_equal_rows_over_pages(bill: Any, direction: str) -> None:
    """Rows that sort alike are each shown once, whatever the direction."""
    made = [await bill.new_vendor("Alike") for _ in range(7)]
    seen: list[str] = []
    page: dict[str, str] = {}
    for _ in range(4):
        body = (await bill.get("/vendors", sort=f"name:{direction}", filters="name:eq:Alike", max="2", **page)).body
        seen += [one["id"] for one in body["results"]]
        page = {"page": body.get("nextPage", "")}
    assert sorted(seen) == sorted(made)
    assert page == {"page": ""}


async def test_sim_bill_05_compound_filters(bill: Any) -> None:
    """Conditions join by AND; times, lists and prefixes stand in quotes."""
    kept = [await bill.new_vendor("Hap one", billCurrency="EUR")]
    await bill.operator.advance(1)
    kept += [await bill.new_vendor("Hap two", billCurrency="EUR")]
    await bill.new_vendor("Hap three")
    since = (await bill.get(f"/vendors/{kept[0]}")).body["createdTime"]
    filters = f'name:sw:"Hap",billCurrency:in:"EUR,GBP",updatedTime:gte:"{since}",archived:eq:false'
    assert await _all_names(bill, filters=filters) == ["Hap one", "Hap two"]
    assert await _all_names(bill, filters=f'id:in:"{kept[1]},{kept[0]}"', sort="name:desc") == ["Hap two", "Hap one"]
    assert await _all_names(bill, filters=f"id:ne:{kept[0]},billCurrency:eq:EUR") == ["Hap two"]
    assert await _all_names(bill, filters='createdTime:lt:"2020-01-01T00:00"') == []
    assert await _all_names(bill, filters=f'createdTime:gt:"{since}",name:eq:Hap three') == ["Hap three"]


@pytest.mark.parametrize(
    "moment", ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000", "2026-01-01T00:00:00", "2026-01-01T00:00"]
)
async def test_sim_bill_05_time_formats(bill: Any, moment: str) -> None:
    """The documented forms are taken in quotes, a date also without."""
    assert (await bill.get("/vendors", filters=f'updatedTime:gte:"{moment}"')).status == 200
    assert (await bill.get("/vendors", filters=f"updatedTime:gte:{moment}")).status == 400
    assert (await bill.get("/vendors", filters="updatedTime:gte:2026-01-01")).status == 200


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ("phone:eq:1", "BDC_1130"),
        ("shortName:eq:V1", "BDC_1130"),
        ("name:gt:A", "BDC_1131"),
        ("updatedTime:eq:2026-01-01", "BDC_1131"),
        ("name:sw:Hap", "BDC_1129"),
        ('name:eq:"Hap"', "BDC_1129"),
        ("id:in:a,b", "BDC_1129"),
        ("name:eq:Smith, Inc", "BDC_1129"),
        ("name:eq:A:B", "BDC_1129"),
        ('name:sw:"Hap', "BDC_1129"),
        ("archived:eq:maybe", "BDC_1129"),
        ('updatedTime:gte:"2026-01-01T00:00:00.000000+00:00"', "BDC_1129"),
        ('updatedTime:gte:"2026-01-01T00:00:00Z"', "BDC_1129"),
        ("name", "BDC_1129"),
    ],
)
async def test_sim_bill_05_filters_that_are_refused(bill: Any, filters: str, code: str) -> None:
    """Unlisted fields, operators of other fields, wrong quoting, values without an escape: 400."""
    reply = await bill.get("/vendors", filters=filters)
    assert (reply.status, reply.codes) == (400, [code])


async def test_sim_bill_05_other_lists_refuse_unlisted_fields(bill: Any) -> None:
    """Payments cannot be filtered by bill; bills by invoice number only with the switch."""
    assert (await bill.get("/payments", filters="billId:eq:x")).codes == ["BDC_1130"]
    assert (await bill.get("/bills", filters="invoice.invoiceNumber:eq:N-1")).codes == ["BDC_1130"]
    await bill.new_bill("N-1", 5)
    await bill.new_bill("N-2", 5)
    await bill.operator.switch(invoice_number_filter=True)
    found = (await bill.get("/bills", filters="invoice.invoiceNumber:eq:N-1")).body["results"]
    assert [one["invoice"]["invoiceNumber"] for one in found] == ["N-1"]


async def test_sim_bill_05_bills_by_vendor_time_and_due_date(bill: Any) -> None:
    """The look-up after an answer was lost: vendor and created time, newest first."""
    other = await bill.new_vendor("Other")
    await bill.new_bill("L-0", 1, vendorId=other)
    await bill.operator.advance(1)
    first = await bill.new_bill("L-1", 1)
    await bill.operator.advance(1)
    await bill.new_bill("L-2", 1, dueDate="2027-03-01")
    filters = f'vendorId:eq:{bill.vendor},createdTime:gte:"{first["createdTime"]}"'
    found = (await bill.get("/bills", filters=filters, sort="createdTime:desc", max="100")).body["results"]
    assert [one["invoice"]["invoiceNumber"] for one in found] == ["L-2", "L-1"]
    due = (await bill.get("/bills", filters="dueDate:gte:2027-03-01")).body["results"]
    assert [one["invoice"]["invoiceNumber"] for one in due] == ["L-2"]


async def test_sim_bill_05_archived_rows_are_listed(bill: Any) -> None:
    """Archived rows are there unless filtered away."""
    gone = await bill.new_vendor("Gone")
    await bill.post(f"/vendors/{gone}/archive")
    assert "Gone" in await _all_names(bill)
    assert "Gone" not in await _all_names(bill, filters="archived:eq:false")
    assert await _all_names(bill, filters="archived:eq:true") == ["Gone"]


async def test_sim_bill_05_lists_that_lag(bill: Any) -> None:
    """A list shows a new row only after the lag, and an old one as it was; GET by id is at once."""
    old = await bill.new_vendor("Before")
    await bill.operator.advance(60)
    await bill.operator.switch(list_lag_seconds=30)
    new = await bill.new_vendor("New")
    await bill.call("PATCH", f"/vendors/{old}", {"name": "After"})
    names = await _all_names(bill)
    assert "New" not in names
    assert "Before" in names
    assert (await bill.get(f"/vendors/{new}")).body["name"] == "New"
    await bill.operator.advance(31)
    assert {"New", "After"} <= set(await _all_names(bill))


async def test_sim_bill_06_nothing_unpopulated_is_printed(bill: Any) -> None:
    """No null, no empty text, no empty object in any record."""
    await bill.new_vendor("Sparse", phone="", paymentInformation={})
    one = await bill.new_bill("S-1", 1)
    records = [
        *(await bill.get("/vendors")).body["results"],
        *(await bill.get("/bills")).body["results"],
        (await bill.get(f"/bills/{one['id']}")).body,
        *(await bill.get("/classifications/chart-of-accounts")).body["results"],
        *(await bill.get("/funding-accounts/banks")).body["results"],
    ]

    def holes(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [hole for inside in value.values() for hole in holes(inside)] + ([value] if not value else [])
        return [value] if value is None or value == "" else []

    assert [hole for record in records for hole in holes(record)] == []
    assert "phone" not in next(one for one in records if one.get("name") == "Sparse")


async def test_sim_bill_06_status_of_creates(bill: Any) -> None:
    """201 for vendors, bills, credits, classifications; 200 for a recorded payment; 204 for a bank account's end."""
    account = {"nameOnAccount": "A", "accountNumber": "123456789", "routingNumber": "074000010"}
    vendor = await bill.new_vendor("V", paymentInformation={"bankAccount": account})
    one = await bill.new_bill("C-1", 10)
    credit = {
        "vendorId": bill.vendor,
        "referenceNumber": "R",
        "creditDate": "2026-12-28",
        "vendorCreditLineItems": [{"amount": 3}],
    }
    assert (await bill.post("/vendor-credits", credit)).status == 201
    for kind, body in (
        ("chart-of-accounts", {"name": "A", "account": {"type": "EXPENSE"}}),
        ("departments", {"name": "D"}),
        ("employees", {"firstName": "E", "lastName": "F"}),
        ("items", {"type": "SERVICE", "name": "I"}),
    ):
        assert (await bill.post(f"/classifications/{kind}", body)).status == 201
    recorded = {"vendorId": bill.vendor, "processDate": "2026-12-20", "toPrintCheck": False}
    reply = await bill.post("/bills/record-payment", {**recorded, "payments": [{"billId": one["id"], "amount": 4}]})
    assert (reply.status, reply.body["onlinePayment"], reply.body["disbursementType"]) == (200, False, "OFFLINE")
    reply = await bill.call("DELETE", f"/vendors/{vendor}/bank-account")
    assert (reply.status, reply.body) == (204, None)
    assert (await bill.post(f"/vendors/{vendor}/bank-account", account)).status == 200
