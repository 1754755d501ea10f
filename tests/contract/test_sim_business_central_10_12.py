"""Business Central's simulator: queries, batches, limits."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from support.business_central import COMPANY, TODAY, Client, eventually, opened
from tieout_sandbox.business_central.worlds import add_vendor, new_company, new_world


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    """The default company."""
    async with opened() as client:
        yield client


async def _numbers(bc: Client, wanted: str, entity: str = "vendors") -> list[str]:
    return [one["number"] for one in await bc.rows(f"{entity}?$filter={wanted}&$select=number")]


# -- 10: queries


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("number eq '20000'", ["20000"]),
        ("number eq '%2399/a 1'", ["#99/A 1"]),
        ("displayName eq 'O''Brien Office Supply'", ["#99/A 1"]),
        ("number gt '85000' and number lt '96000'", ["90000", "95000"]),
        ("number ge '90000'", ["90000", "95000"]),
        ("number le '10000'", ["#99/A 1", "10000"]),
        ("number eq '10000' or number eq '30000'", ["10000", "30000"]),
        ("startswith(displayName,'Northwind')", ["80000", "85000"]),
        ("endswith(displayName,'GmbH')", ["60000"]),
        ("contains(displayName,'brien')", []),
        ("contains(displayName,'Brien')", ["#99/A 1"]),
        ("tolower(displayName) eq 'nod publishers'", ["50000"]),
        ("toupper(city) eq 'DETROIT'", ["85000"]),
        ("substring(displayName,0,4) eq 'Trey'", ["90000"]),
        ("taxLiable eq true", ["10000"]),
        ("not (number gt '10000')", ["#99/A 1", "10000"]),
        ("currencyCode eq 'EUR'", ["60000"]),
        ("balance gt 7000.5 and balance lt 33333", []),
        ("email ne '' and taxLiable eq false", ["20000", "50000"]),
        ("displayName eq '東京文具株式会社'", ["70000"]),
    ],
)
async def test_sim_business_central_10_filters(bc: Client, wanted: str, numbers: list[str]) -> None:
    """Comparisons, logic and functions on every kind of field."""
    assert await _numbers(bc, wanted) == numbers


async def test_sim_business_central_10_filter_by_guid_date_and_time(bc: Client) -> None:
    """Bare literals; quoted guids and dates are refused."""
    vendor = await bc.vendor()
    assert await _numbers(bc, f"id eq {vendor['id']}") == ["20000"]
    invoices = await _numbers(bc, "postingDate ge 2026-04-04 and postingDate lt 2026-04-06", "purchaseInvoices")
    assert invoices == ["108012", "108013"]
    assert await _numbers(bc, "lastModifiedDateTime gt 2026-04-20T00:00:00.000Z") == []
    for wanted in (f"id eq '{vendor['id']}'", "lastModifiedDateTime gt 'yesterday'", "number eq 20000"):
        assert (await bc.get(f"vendors?$filter={wanted}")).status == 400


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("$filter=number eq '1' or displayName eq 'x'", "The 'OR' operator is not supported on distinct fields"),
        ("$filter=(number eq '1' and city eq 'x') or number eq '2'", "The 'OR' operator is not supported"),
        ("$filter=nope eq 'x'", "Could not find a property named 'nope' on type 'Microsoft.NAV.vendor'"),
        ("$select=number,nope", "Could not find a property named 'nope' on type 'Microsoft.NAV.vendor'"),
        ("$orderby=nope", "Could not find a property named 'nope'"),
        ("$expand=nope", "Could not find a property named 'nope'"),
        ("$filter=blocked eq 'All'", "incompatible types"),
        ("$filter=number eq", "unexpected"),
        ("$filter=number in ('1','2')", "$schemaversion=2.1"),
        ("$filter=contains(tolower(displayName),'x')", "$schemaversion=2.1"),
        ("$top=many", "The query option '$top' is not valid"),
        ("$deltatoken=x", "The query option '$deltatoken' is not valid"),
    ],
)
async def test_sim_business_central_10_wrong_queries_are_400(bc: Client, query: str, part: str) -> None:
    """Each says what is wrong; nothing is ignored but lambdas."""
    reply = await bc.get(f"vendors?{query}")
    assert reply.status == 400
    assert part in reply.message


async def test_sim_business_central_10_newer_schema_and_ignored_lambdas(bc: Client) -> None:
    """``in`` and nested functions with ``$schemaversion=2.1``; a lambda filters nothing."""
    assert await _numbers(bc, "number in ('20000','10000')&$schemaversion=2.1") == ["10000", "20000"]
    assert await _numbers(bc, "contains(tolower(displayName),'BRIEN')&$schemaversion=2.1") == []
    assert await _numbers(bc, "contains(tolower(displayName),'brien')&$schemaversion=2.1") == ["#99/A 1"]
    every = await _numbers(bc, "number ne ''", "purchaseInvoices")
    some = await _numbers(bc, "purchaseInvoiceLines/any(l:l/quantity gt 99)", "purchaseInvoices")
    assert some == every


async def test_sim_business_central_10_status_filter_works_by_either_form(bc: Client) -> None:
    """Document status can be filtered on."""
    for status in ("Open", "Paid", "Draft", "Canceled"):
        rows = await bc.rows(f"purchaseInvoices?$filter=status eq '{status}'")
        assert {one["status"] for one in rows} == {status}


async def test_sim_business_central_10_expand_nests_with_options(bc: Client) -> None:
    """Lines and their dimensions in one read, each with its own select and filter."""
    invoice = await bc.invoice("107001")
    nested = "$expand=dimensionSetLines($select=code);$select=sequence,lineType;$filter=netAmount gt 100;$top=3"
    shown = (await bc.get(f"purchaseInvoices({invoice['id']})?$expand=purchaseInvoiceLines({nested}),vendor")).body
    assert shown["vendor"]["number"] == "10000"
    lines = shown["purchaseInvoiceLines"]
    assert [line["sequence"] for line in lines] == [10000, 30000, 40000]
    assert set(lines[0]) == {"@odata.etag", "sequence", "lineType", "dimensionSetLines"}
    whole = (
        await bc.get(f"purchaseInvoices({invoice['id']})?$expand=purchaseInvoiceLines($expand=dimensionSetLines)")
    ).body
    lift = next(line for line in whole["purchaseInvoiceLines"] if line["lineType"] == "Resource")
    assert [one["valueCode"] for one in lift["dimensionSetLines"]] == ["SALES"]


async def test_sim_business_central_10_top_has_no_next_link_below_the_page(bc: Client) -> None:
    """$top up to a page ends there; above it the next link asks for the rest; $skip and $count work."""
    every = await _numbers(bc, "number ne ''")
    await bc.operator.switch(page_size=5)
    small = await bc.get("vendors?$top=3")
    assert (len(small.value), "@odata.nextLink" in small.body) == (3, False)
    large = await bc.get("vendors?$top=8&$select=number")
    assert len(large.value) == 5
    assert "$top=3" in large.body["@odata.nextLink"]
    rest = await bc.get(large.body["@odata.nextLink"])
    assert (len(rest.value), "@odata.nextLink" in rest.body) == (3, False)
    assert [one["number"] for one in large.value + rest.value] == every[:8]
    skipped = await bc.get("vendors?$skip=10&$top=2&$count=true")
    assert [one["number"] for one in skipped.value] == every[10:12]
    assert skipped.body["@odata.count"] == len(every)
    counted = await bc.get("vendors/$count?$filter=number ge '90000'")
    assert (counted.body, counted.headers["Content-Type"].partition(";")[0]) == (b"2", "text/plain")


async def test_sim_business_central_10_default_order_is_the_key_not_the_change(bc: Client) -> None:
    """Without $orderby a changed row stays in its place; ordered by change it is last."""
    await bc.person("change_vendor", number="10000", values={"city": "Oslo"})
    plain = [one["number"] for one in await bc.rows("vendors")]
    assert plain == sorted(plain)
    delta = await bc.rows("vendors?$filter=lastModifiedDateTime ge 2020-01-01T00:00:00Z")
    assert [one["number"] for one in delta] == plain
    changed = await bc.rows("vendors?$orderby=lastModifiedDateTime")
    assert changed[-1]["number"] == "10000"
    turned = await bc.rows("vendors?$orderby=lastModifiedDateTime desc,number desc")
    assert turned[0]["number"] == "10000"
    assert [one["number"] for one in turned[1:]] == sorted((n for n in plain if n != "10000"), reverse=True)


async def test_sim_business_central_10_long_lists_page_quickly() -> None:
    """20,000 vendors: a small delta at the end of them is answered from the index."""
    company = new_company(COMPANY, TODAY)
    for number in range(20_000):
        add_vendor(company, f"{number:06d}", f"Vendor {number}")
    async with opened(new_world(company)) as bc:
        await bc.person("change_vendor", number="012345", values={"city": "Oslo"})
        started = time.perf_counter()
        delta = await bc.rows(
            "vendors?$filter=lastModifiedDateTime gt 2026-01-01T00:00:00Z&$orderby=lastModifiedDateTime"
        )
        one = await bc.one("vendors?$filter=number eq '019999'")
        small = time.perf_counter() - started
        assert [row["number"] for row in delta] == ["012345"]
        whole = await bc.rows("vendors?$orderby=lastModifiedDateTime")
        large = time.perf_counter() - started - small
        assert (len(whole), one["displayName"]) == (20_000, "Vendor 19999")
        assert small < large / 5


# -- 11: batches


def _create(name: str, **more: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": "vendors",
        "headers": {"Company": COMPANY, "Content-Type": "application/json"},
        "body": {"displayName": name},
        **more,
    }


async def _batch(bc: Client, *requests: dict[str, Any], **headers: str) -> Any:
    return await bc.call("POST", f"{bc.root}/$batch", {"requests": list(requests)}, **headers)


async def test_sim_business_central_11_calls_of_a_batch_stand_alone(bc: Client) -> None:
    """A failure between two creates leaves both; ids are echoed, null where there was none."""
    vendor = await bc.vendor()
    patch = {"method": "PATCH", "url": f"vendors({vendor['id']})", "body": {"city": "Oslo"}}
    reply = await _batch(
        bc,
        _create("One", id="a"),
        {**patch, "headers": {"Company": COMPANY}, "id": "b"},
        {**patch, "headers": {"Company": COMPANY, "If-Match": "*"}},
        _create("Two", url=f"companies({bc.simulator.companies[0].id})/vendors", headers={}),
    )
    responses = reply.body["responses"]
    assert reply.status == 200
    assert [(one["id"], one["status"]) for one in responses] == [("a", 201), ("b", 400), (None, 200), (None, 201)]
    assert responses[1]["body"]["error"]["code"] == "BadRequest_InvalidToken"
    assert len(await _numbers(bc, "displayName eq 'One'")) == len(await _numbers(bc, "displayName eq 'Two'")) == 1


async def test_sim_business_central_11_isolated_batch_is_rolled_back_but_shows_201(bc: Client) -> None:
    """The creates before the failure show 201 with ids that do not exist; what comes after is not run."""
    wrong = _create("", body={"nope": 1})
    reply = await _batch(bc, _create("One"), wrong, _create("Two"), Isolation="snapshot")
    responses = reply.body["responses"]
    assert [one["status"] for one in responses] == [201, 400]
    assert (await bc.get(f"vendors({responses[0]['body']['id']})")).status == 404
    first = await _batch(bc, wrong, _create("One"), Isolation="snapshot")
    assert [one["status"] for one in first.body["responses"]] == [400]
    whole = await _batch(bc, _create("One"), _create("Two"), Isolation="snapshot")
    assert [one["status"] for one in whole.body["responses"]] == [201, 201]
    assert len(await _numbers(bc, "displayName eq 'One'")) == 1


async def test_sim_business_central_11_posting_commits_inside_an_isolated_batch(bc: Client) -> None:
    """What was done up to a posting stays although a later call fails."""
    batch, invoice = await bc.batch(), await bc.invoice("GDI-77")
    path = f"companies({bc.simulator.companies[0].id})"
    line = {"appliesToInvoiceId": invoice["id"], "amount": 1000, "documentNumber": "B-1"}
    pay = {"method": "POST", "url": f"{path}/vendorPaymentJournals({batch['id']})/vendorPayments", "body": line}
    post = {"method": "POST", "url": f"{path}/journals({batch['id']})/Microsoft.NAV.post"}
    wrong = {"method": "POST", "url": f"{path}/vendors", "body": {"nope": 1}}
    reply = await _batch(bc, pay, post, wrong, Isolation="snapshot")
    assert [one["status"] for one in reply.body["responses"]] == [201, 204, 400]
    assert (await bc.entries("Document_No eq 'B-1'"))[0]["Amount"] == Decimal(1000)


async def test_sim_business_central_11_at_most_100_calls(bc: Client) -> None:
    """101 are refused with 500, and none of them is run."""
    reply = await _batch(bc, *[_create(f"Many {n}") for n in range(101)])
    assert reply.status == 500
    assert "maximum" in reply.message
    assert await _numbers(bc, "startswith(displayName,'Many')") == []
    await bc.operator.switch(batch_hides_codes=True)
    hidden = await _batch(bc, *[_create("", body={"nope": 1})] * 100)
    assert {one["body"]["error"]["code"] for one in hidden.body["responses"]} == {"Unknown"}


# -- 12: limits


async def test_sim_business_central_12_rate_in_a_sliding_window(bc: Client) -> None:
    """The call above the limit is 429 without Retry-After; the window slides; the switch adds the header."""
    assert bc.simulator.switches["rate_limit"] == 6000
    await bc.operator.switch(rate_limit=10)
    for _ in range(5):
        assert (await bc.get("vendors?$top=1")).status == 200
    await bc.operator.advance(200)
    for _ in range(5):
        assert (await bc.get("vendors?$top=1")).status == 200
    reply = await bc.get("vendors?$top=1")
    assert (reply.status, reply.code) == (429, "Application_TooManyRequests")
    assert reply.message.startswith("Too many requests reached. Actual (11). Maximum (10).")
    assert "Retry-After" not in reply.headers
    await bc.operator.switch(retry_after_on_429=17)
    assert (await bc.get("vendors?$top=1")).headers["Retry-After"] == "17"
    await bc.operator.advance(101)
    statuses = [(await bc.get("vendors?$top=1")).status for _ in range(6)]
    assert statuses == [200] * 5 + [429]


async def test_sim_business_central_12_five_at_a_time_and_a_queue_behind(bc: Client) -> None:
    """Of eight calls at once two run, five wait their turn, the eighth is turned away."""
    assert (bc.simulator.switches["concurrent"], bc.simulator.switches["queue"]) == (5, 95)
    await bc.operator.switch(concurrent=2, queue=5, latency_ms=80)
    started = time.perf_counter()
    replies = await asyncio.gather(*(bc.get("vendors?$top=1") for _ in range(8)))
    assert sorted(reply.status for reply in replies) == [200] * 7 + [429]
    refused = next(reply for reply in replies if reply.status == 429)
    assert refused.message.startswith("Too many requests reached. Actual (8). Maximum (7).")
    assert time.perf_counter() - started >= 4 * 0.08


def _busy(count: Callable[[], int]) -> Callable[[], Awaitable[bool]]:
    async def busy() -> bool:
        return count() > 0

    return busy


async def test_sim_business_central_12_waiting_too_long_is_503(bc: Client) -> None:
    """After eight minutes in the queue a call is 503 with Retry-After."""
    await bc.operator.switch(concurrent=1, latency_ms=600)
    first = asyncio.create_task(bc.get("vendors?$top=1"))
    await eventually(_busy(bc.simulator.throttle.running))
    second = asyncio.create_task(bc.get("vendors?$top=1"))
    await eventually(_busy(bc.simulator.throttle.queued))
    await bc.operator.advance(481)
    reply = await second
    assert (reply.status, reply.headers["Retry-After"]) == (503, "30")
    assert (await first).status == 200


async def test_sim_business_central_12_faults_break_single_calls(bc: Client) -> None:
    """408, 504 and lost answers can be ordered for any call."""
    await bc.operator.fault("status", method="GET", path="/vendors$", status=504, body="<html>Gateway</html>")
    reply = await bc.get("vendors")
    assert (reply.status, reply.headers["Content-Type"]) == (504, "text/html; charset=utf-8")
    assert (await bc.get("vendors")).status == 200
