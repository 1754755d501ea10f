"""Business Central's simulator: addresses and sign-in, envelopes and pages, ETags, JSON conventions."""

import base64
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from support.business_central import COMPANY, ZERO, Client, opened, token
from tieout_sandbox.entra.simulator import TENANT


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    """The default company."""
    async with opened() as client:
        yield client


# -- 1: tenant, environment, company, token


async def test_sim_business_central_01_companies_in_the_path_by_tenant_domain_or_neither(bc: Client) -> None:
    """The three forms of the address reach the same company."""
    for part in (f"{TENANT}/", "cronus.example/", ""):
        reply = await bc.get(f"{bc.url}/v2.0/{part}production/api/v2.0/companies")
        assert [one["name"] for one in reply.value] == [COMPANY]
    assert set(reply.value[0]) >= {"id", "systemVersion", "timestamp", "name", "displayName", "systemModifiedAt"}


async def test_sim_business_central_01_company_by_query_and_by_header(bc: Client) -> None:
    """``?company=`` takes a guid or a name, the header Company too."""
    identity = bc.simulator.companies[0].id
    for reply in (
        await bc.get(f"{bc.root}/vendors?company={identity}&$top=1"),
        await bc.get(f"{bc.root}/vendors?company=CRONUS%20USA%2C%20Inc.&$top=1"),
        await bc.get(f"{bc.root}/vendors?$top=1", Company=COMPANY),
    ):
        assert (reply.status, len(reply.value)) == (200, 1)


async def test_sim_business_central_01_unknown_places_are_404(bc: Client) -> None:
    """An unknown company, environment and entity set each say so."""
    unknown = await bc.get(f"{bc.root}/companies(6f1a7c1e-0000-4000-8000-000000000001)/vendors")
    assert (unknown.status, unknown.code) == (404, "Internal_CompanyNotFound")
    elsewhere = await bc.get(f"{bc.url}/v2.0/{TENANT}/nowhere/api/v2.0/companies")
    assert (elsewhere.status, elsewhere.code) == (404, "BadRequest_NotFound")
    no_set = await bc.get("postedPurchaseInvoices")
    assert (no_set.status, no_set.code) == (404, "BadRequest_ResourceNotFound")
    assert "'postedPurchaseInvoices'" in no_set.message


@pytest.mark.parametrize(
    "bearer",
    [
        "",
        "no-token",
        token(aud="https://graph.microsoft.com"),
        token(tid="00000000-0000-0000-0000-0000000000aa"),
        token(appid="00000000-0000-0000-0000-0000000000bb"),
        token(exp=1),
    ],
)
async def test_sim_business_central_01_other_tokens_are_401(bc: Client, bearer: str) -> None:
    """No, broken, foreign or old tokens and apps that nobody set up here are refused with one body."""
    bc.bearer = bearer
    reply = await bc.get("vendors")
    assert (reply.status, reply.code) == (401, "Authentication_InvalidCredentials")
    assert reply.message.startswith("The server has rejected the client credentials.")
    assert reply.headers["Content-Type"] == "application/json"


async def test_sim_business_central_01_tokens_end_by_the_switch_or_by_revocation(bc: Client) -> None:
    """With the simulated clock a token ends when that has moved; revoked ones end at once, new ones open again."""
    await bc.operator.switch(token_clock="simulated")
    bc.bearer = token(exp=datetime(2026, 4, 20, 11, tzinfo=UTC).timestamp(), uti="a")
    assert (await bc.get("vendors?$top=1")).status == 200
    await bc.operator.advance(3601)
    assert (await bc.get("vendors?$top=1")).status == 401
    await bc.operator.switch(token_clock="wall")
    bc.bearer = token(uti="b")
    assert (await bc.get("vendors?$top=1")).status == 200
    await bc.person("revoke_tokens")
    assert (await bc.get("vendors?$top=1")).status == 401
    bc.bearer = token(uti="c")
    assert (await bc.get("vendors?$top=1")).status == 200


async def test_sim_business_central_01_environments_and_verbs(bc: Client) -> None:
    """The environment list names this one; companies cannot be posted to; missing rights are 400."""
    listed = await bc.get(f"{bc.url}/environments/v1.2")
    assert [(one["name"], one["type"]) for one in listed.value] == [("production", "Production")]
    posted = await bc.call("POST", f"{bc.root}/companies", {})
    assert (posted.status, posted.code) == (405, "BadRequest_MethodNotAllowed")
    await bc.operator.switch(denied_tables=["G/L Entry"])
    denied = await bc.get("generalLedgerEntries")
    assert (denied.status, denied.code) == (400, "Internal_ServerError")
    assert "TableData G/L Entry: Read" in denied.message


# -- 2: envelope, pages


async def test_sim_business_central_02_envelope_and_headers(bc: Client) -> None:
    """A list has its context, rows with ETags, and the headers of a running server."""
    reply = await bc.get("vendors")
    assert reply.body["@odata.context"] == f"{bc.root}/$metadata#companies({bc.simulator.companies[0].id})/vendors"
    assert all("@odata.etag" in one for one in reply.value)
    assert reply.headers["OData-Version"] == "4.0"
    assert reply.headers["Cache-Control"] == "no-cache, no-store"
    assert reply.headers["Content-Type"] == "application/json; odata.metadata=minimal; odata.streaming=true"
    single = await bc.get(f"vendors({reply.value[0]['id']})")
    assert single.body["@odata.context"].endswith("/vendors/$entity")


async def test_sim_business_central_02_pages_by_server_maximum(bc: Client) -> None:
    """Pages of the server's size cover every row once, by absolute links that keep the options."""
    whole = [one["number"] for one in await bc.rows("vendors")]
    await bc.operator.switch(page_size=4)
    first = await bc.get("vendors?$select=number&$filter=taxLiable eq false")
    link = first.body["@odata.nextLink"]
    assert link.startswith(bc.company)
    assert "$skiptoken=" in link
    assert "$select=number" in link
    paged = [one["number"] for one in await bc.rows("vendors?$select=number")]
    assert paged == whole
    assert len(paged) == len(set(paged)) > 8


async def test_sim_business_central_02_pages_by_preference(bc: Client) -> None:
    """``odata.maxpagesize`` lowers the page and cannot raise it above the server's."""
    await bc.operator.switch(page_size=5)
    for asked, given in ((3, 3), (50, 5)):
        reply = await bc.get("vendors", Prefer=f"odata.maxpagesize={asked}")
        assert len(reply.value) == given
        assert "@odata.nextLink" in reply.body


async def test_sim_business_central_02_skiptokens_end(bc: Client) -> None:
    """A token whose row is gone, and any token while the switch is on, is SkipTokenIsNoLongerValid."""
    await bc.person("create_vendor", vendor={"number": "05000", "display_name": "Short-lived"})
    await bc.operator.switch(page_size=2)
    link = (await bc.get("vendors")).body["@odata.nextLink"]
    await bc.person("delete_vendor", number="05000")
    gone = await bc.get(link)
    assert (gone.status, gone.code) == (400, "SkipTokenIsNoLongerValid")
    link = (await bc.get("vendors?$orderby=lastModifiedDateTime")).body["@odata.nextLink"]
    await bc.operator.switch(skiptokens_expired=True)
    assert (await bc.get(link)).code == "SkipTokenIsNoLongerValid"


async def test_sim_business_central_02_rows_move_between_ordered_pages(bc: Client) -> None:
    """A row changed while pages are read turns up on a later page of a change-ordered list; none is skipped."""
    before = {one["number"] for one in await bc.rows("vendors")}
    await bc.operator.switch(page_size=5)
    first = await bc.get("vendors?$orderby=lastModifiedDateTime")
    await bc.person("change_vendor", number=first.value[0]["number"], values={"city": "Elsewhere"})
    rest = await bc.rows(first.body["@odata.nextLink"])
    assert {one["number"] for one in first.value + rest} == before
    assert first.value[0]["number"] in {one["number"] for one in rest}


# -- 3: ETags


async def test_sim_business_central_03_etag_has_the_real_form_and_changes_on_every_write(bc: Client) -> None:
    """Weak, base64 of a length, that many digits and the tail; different after a write."""
    vendor = await bc.vendor()
    found = re.fullmatch(r'W/"([A-Za-z0-9+/=]+)"', vendor["@odata.etag"])
    assert found is not None
    inner = re.fullmatch(r"'(\d+);(\d+)1;00;'", base64.b64decode(found.group(1)).decode())
    assert inner is not None
    assert len(inner.group(2)) == int(inner.group(1))
    changed = await bc.call("PATCH", f"vendors({vendor['id']})", {"city": "Oslo"}, If_Match=vendor["@odata.etag"])
    assert (changed.status, changed.body["city"]) == (200, "Oslo")
    assert changed.body["@odata.etag"] != vendor["@odata.etag"]
    assert (await bc.vendor())["@odata.etag"] == changed.body["@odata.etag"]


async def test_sim_business_central_03_if_match_is_required_for_patch_only(bc: Client) -> None:
    """PATCH without or with a broken If-Match is 400; ``*`` works; DELETE checks it only when sent."""
    vendor = await bc.vendor("95000")
    path = f"vendors({vendor['id']})"
    for headers in ({}, {"If_Match": "nonsense"}):
        refused = await bc.call("PATCH", path, {"city": "Oslo"}, **headers)
        assert (refused.status, refused.code) == (400, "BadRequest_InvalidToken")
    assert (await bc.call("PATCH", path, {"city": "Oslo"}, If_Match="*")).status == 200
    stale = await bc.call("DELETE", path, If_Match=vendor["@odata.etag"])
    assert (stale.status, stale.code) == (409, "Request_EntityChanged")
    deleted = await bc.call("DELETE", path)
    assert deleted.status == 204
    assert "Content-Type" not in deleted.headers
    assert "OData-Version" not in deleted.headers


async def test_sim_business_central_03_stale_etag_is_409(bc: Client) -> None:
    """A person was faster: 409 with the code that tells it from other conflicts."""
    vendor = await bc.vendor()
    await bc.person("change_vendor", number="20000", values={"city": "Oslo"})
    reply = await bc.call("PATCH", f"vendors({vendor['id']})", {"city": "Rome"}, If_Match=vendor["@odata.etag"])
    assert (reply.status, reply.code) == (409, "Request_EntityChanged")
    assert (await bc.vendor())["city"] == "Oslo"


async def test_sim_business_central_03_create_answers_201_with_location(bc: Client) -> None:
    """POST gives the entity and its address, or 204 where the caller prefers that."""
    made = await bc.call("POST", "vendors", {"displayName": "New One", "email": "new@vendor.example"})
    assert made.status == 201
    assert made.headers["Location"] == f"{bc.company}/vendors({made.body['id']})"
    assert made.body["number"] == "V00100"
    quiet = await bc.call("POST", "vendors", {"displayName": "Quiet"}, Prefer="return-no-content")
    assert (quiet.status, quiet.body) == (204, b"")
    again = await bc.call("POST", "vendors", {"number": "20000"})
    assert (again.status, again.code) == (400, "Internal_EntityWithSameKeyExists")
    renamed = await bc.call("PATCH", f"vendors({made.body['id']})", {"number": "20000"}, If_Match="*")
    assert (renamed.status, renamed.code) == (400, "Internal_EntityWithSameKeyExists")
    assert (await bc.get(f"vendors({made.body['id']})")).body["number"] == "V00100"
    assert (await bc.vendor("20000"))["displayName"] == "First Up Consultants"


async def test_sim_business_central_03_bodies_are_checked(bc: Client) -> None:
    """Read-only and unknown fields, wrong types and options, and what is no JSON are refused."""
    for body, code, part in (
        ({"id": str(UUID(int=5))}, "BadRequest", "Control 'id' is read-only."),
        ({"iban": "DE00"}, "BadRequest", "'iban' does not exist"),
        ({"taxLiable": "yes"}, "BadRequest", "Unable to convert value to Boolean"),
        ({"blocked": "Maybe"}, "BadRequest", "'Maybe' is not an option. The existing options are:"),
        ({"city": "x" * 31}, "Application_StringExceededLength", "31"),
        (b"[1", "BadRequest", "Invalid Request Body"),
    ):
        reply = await bc.call("POST", "vendors", body)
        assert (reply.status, reply.code) == (400, code), body
        assert part in reply.message


# -- 4: JSON conventions


async def test_sim_business_central_04_enums_are_escaped(bc: Client) -> None:
    """Members show with escaped characters; both forms are taken on write."""
    assert (await bc.vendor())["blocked"] == "_x0020_"
    account = await bc.one("accounts?$filter=number eq '1000'")
    assert account["accountType"] == "Begin_x002D_Total"
    path = f"vendors({(await bc.vendor())['id']})"
    for sent, shown in (("All", "All"), ("_x0020_", "_x0020_"), ("Payment", "Payment"), (" ", "_x0020_")):
        reply = await bc.call("PATCH", path, {"blocked": sent}, If_Match="*")
        assert reply.body["blocked"] == shown


async def test_sim_business_central_04_empty_values(bc: Client) -> None:
    """Nothing is null: zero guid, null date, empty text."""
    setup = await bc.one("generalLedgerSetup")
    assert setup["allowPostingFrom"] == "0001-01-01"
    vendor = (await bc.call("POST", "vendors", {"displayName": ""})).body
    assert (vendor["paymentTermsId"], vendor["phoneNumber"]) == (ZERO, "")
    assert None not in vendor.values()


async def test_sim_business_central_04_local_currency_has_its_code_and_no_id(bc: Client) -> None:
    """The local code shows with a zero id; on write the code and an empty text both mean local."""
    vendor = await bc.vendor()
    assert (vendor["currencyCode"], vendor["currencyId"]) == ("USD", ZERO)
    foreign = await bc.vendor("60000")
    euro = await bc.one("currencies?$filter=code eq 'eur'")
    assert (foreign["currencyCode"], foreign["currencyId"]) == ("EUR", euro["id"])
    path = f"vendors({vendor['id']})"
    for code, shown in (("EUR", "EUR"), ("usd", "USD"), ("EUR", "EUR"), ("", "USD")):
        reply = await bc.call("PATCH", path, {"currencyCode": code}, If_Match="*")
        assert reply.body["currencyCode"] == shown
    wrong = await bc.call("PATCH", path, {"currencyId": euro["id"], "currencyCode": "JPY"}, If_Match="*")
    assert wrong.message.startswith("The currency values do not match to a specific Currency.")


async def test_sim_business_central_04_times_numbers_and_codes(bc: Client) -> None:
    """At most three decimals of a second without trailing zeros; numbers without them; codes upper-case."""
    stamps = [one["lastModifiedDateTime"] for one in await bc.rows("purchaseInvoices")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z", stamp) for stamp in stamps)
    made = await bc.call("POST", "vendors", {"number": " new-1 ", "displayName": "x", "country": "no"})
    assert (made.body["number"], made.body["country"]) == ("NEW-1", "NO")
    raw = await bc.http.get(f"{bc.company}/vendors", headers={"Authorization": f"Bearer {bc.bearer}"})
    text = await raw.text()
    assert '"balance":920,' in text
    assert (await bc.vendor("#99/A 1"))["balance"] == Decimal("37.02")


async def test_sim_business_central_04_error_body(bc: Client) -> None:
    """Code, message, and at its end the correlation id that is also the request id."""
    reply = await bc.get(f"vendors({UUID(int=7)})")
    assert (reply.status, reply.code) == (404, "BadRequest_ResourceNotFound")
    found = re.fullmatch(
        r"Resource not found for the segment 'vendors'\.  CorrelationId:  ([0-9a-f-]{36})\.", reply.message
    )
    assert found is not None
    assert reply.headers["request-id"] == found.group(1)
