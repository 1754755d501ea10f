"""Journeys through Entra and Business Central as Tieout makes them: by the documented calls, every answer kept."""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp

from support.recorded_journeys import Recorder, Taken
from support.wire_contract import Exchange
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server
from tieout_sandbox.systems import simulator

TENANT: Final = "3f2c7d1e-9a54-4c1b-8f0e-5b6d7a8c9e01"
APP: Final = {
    "grant_type": "client_credentials",
    "client_id": "7b1d0c52-2f3e-4d6a-9c8b-1a2b3c4d5e6f",
    "client_secret": "sandbox-secret~Qx8",
    "scope": "https://api.businesscentral.dynamics.com/.default",
}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
NOBODY: Final = "11111111-1111-1111-1111-111111111111"


@dataclass
class Central:
    """An app that calls the first company, and the people who work in it."""

    login: str
    url: str
    recorder: Recorder
    operator: Operator
    headers: dict[str, str] = field(default_factory=dict)
    company: str = ""
    name: str = ""

    @property
    def root(self) -> str:
        """The environment."""
        return f"{self.url}/v2.0/{TENANT}/production"

    async def sign_in(self, **changes: str) -> Any:
        """A token from Entra, used from now on if there is one."""
        body = urlencode({**APP, **changes}).encode()
        answer = await self.recorder.call("POST", f"{self.login}/{TENANT}/oauth2/v2.0/token", body, FORM)
        if self.recorder.status == 200:
            self.headers = {"Authorization": f"Bearer {answer['access_token']}"}
        return answer

    async def companies(self) -> Any:
        """The companies of the environment."""
        return await self._send("GET", f"{self.root}/api/v2.0/companies", None, {})

    async def enter(self) -> None:
        """Go into the first company."""
        first = (await self.companies())["value"][0]
        self.company, self.name = first["id"], first["name"]

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """A call below the company; ``path`` may have a query, or be a whole address that a list gave."""
        bare, _, query = path.partition("?")
        url = f"{self.root}/api/v2.0/companies({self.company})/{bare}{'?' if query else ''}{_encoded(query)}"
        return await self._send(method, path if path.startswith("http") else url, body, headers)

    async def ledger(self, query: str, **headers: str) -> Any:
        """The published vendor ledger page."""
        company = quote(self.name.replace("'", "''"), safe="")
        url = f"{self.root}/ODataV4/Company('{company}')/VendorLedgerEntries?{_encoded(query)}"
        return await self._send("GET", url, None, headers)

    async def _send(self, method: str, url: str, body: object, headers: dict[str, str]) -> Any:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.recorder.call(method, url, body, sent)

    async def one(self, path: str) -> Any:
        """The first row of a list."""
        return (await self.call("GET", path))["value"][0]

    async def person(self, do: str, **order: Any) -> Any:
        """What somebody does in the client."""
        return await self.operator.post("people", {"do": do, **order})

    async def invoice(self, number: str, *lines: dict[str, Any], **more: Any) -> Any:
        """An invoice that a person posts, as the API shows it; one line on an account unless told otherwise."""
        wanted = list(lines) or [{"number": "6150", "unit_cost": "250.25"}]
        order = {"vendor": "20000", "vendor_invoice_number": number, "lines": wanted, **more}
        await self.person("post_invoice", **order)
        return await self.one(f"purchaseInvoices?$filter=vendorInvoiceNumber eq '{number}'")


async def travel(journey: Callable[[Central], Awaitable[None]]) -> Taken:
    """Make a journey in a world of its own, signed in, in the first company."""
    async with (
        Server(simulator("entra")) as login,
        Server(simulator("business-central")) as url,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http,
        Operator(url) as operator,
    ):
        central = Central(login, url, Recorder(http), operator)
        await central.sign_in()
        await central.enter()
        await journey(central)
        return Taken(central.recorder.seen, [])


async def sign_in(central: Central) -> None:
    """Credentials that Entra refuses, and a token that the company does."""
    for wrong in ({"client_secret": "wrong"}, {"client_id": NOBODY}, {"scope": "https://graph.example/.default"}):
        await central.sign_in(**wrong)
    central.headers = {"Authorization": "Bearer worthless"}
    await central.companies()
    central.headers = {}
    await central.companies()


async def masters(central: Central) -> None:
    """The company, its setup, vendors, accounts, dimensions and banks, whole, in pages, since a moment, by id."""
    await central.call("GET", "companyInformation")
    await central.call("GET", "generalLedgerSetup")
    await central.call("GET", "bankAccounts")
    await central.person("block_vendor", number="10000", blocked="All")
    await central.person("block_vendor", number="30000", blocked="Payment")
    for kind in ("vendors", "accounts", "dimensions", "dimensionValues"):
        rows = (await central.call("GET", kind))["value"]
        stamp = rows[0]["lastModifiedDateTime"]
        since = f"$filter=lastModifiedDateTime ge {stamp}&$orderby=lastModifiedDateTime"
        page = await central.call("GET", f"{kind}?{since}", Prefer="odata.maxpagesize=2")
        await central.call("GET", page["@odata.nextLink"], Prefer="odata.maxpagesize=2")
        await central.call("GET", f"{kind}?$select=id,lastModifiedDateTime&$top=2&$count=true")
    vendor = await central.one("vendors?$filter=number eq '20000'")
    await central.call("GET", f"vendors({vendor['id']})")
    await central.call("GET", f"vendors({NOBODY})")
    dimension = await central.one("dimensions?$filter=code eq 'DEPARTMENT'")
    await central.call("GET", f"dimensions({dimension['id']})/dimensionValues")
    await central.call("GET", "dimensions?$expand=dimensionValues")
    await central.call("GET", "accounts?$filter=number eq '2950'")
    await central.call("GET", "vendors?$filter=nothing eq 1")
    await central.call("GET", "vendors?$select=nothing")
    await central.call("GET", "vendors?$filter=number eq '1' or displayName eq 'A'")
    await central.call("GET", "vendors?$filter=number eq")


async def invoices(central: Central) -> None:
    """Drafts and posted invoices with lines, dimensions, entries and files."""
    dimensions = {"DEPARTMENT": "SALES"}
    rich = await central.invoice(
        "S-1",
        {"number": "6150", "unit_cost": "99.5", "quantity": "3", "dimensions": dimensions},
        {"kind": "Comment", "description": "Thank you"},
        {"kind": "Item", "number": "1896-S", "unit_cost": "780.7", "quantity": "2"},
        dimensions=dimensions,
    )
    await central.invoice("S-2", {"number": "6150", "unit_cost": "12.34567"}, vendor="30000")
    await central.person(
        "create_draft", vendor="20000", vendor_invoice_number="S-3", lines=[{"number": "6150", "unit_cost": "1"}]
    )
    cancelled = await central.invoice("S-4")
    await central.person("cancel_invoice", invoice=cancelled["number"])
    paid = await central.invoice("S-5")
    await central.person("post_payment", document="HAND-1", account="1110", invoice=paid["number"])
    for name in ("one.pdf", "two.pdf"):
        for incoming in (True, False):
            order = {"invoice": rich["number"], "name": name, "text": "%PDF-1.4", "incoming": incoming}
            await central.person("attach", **order)
    path = f"purchaseInvoices({rich['id']})"
    await central.call("GET", path)
    whole = "$expand=dimensionSetLines,purchaseInvoiceLines($expand=dimensionSetLines)"
    await central.call("GET", f"purchaseInvoices?{whole}&$filter=id eq {rich['id']} or id eq {paid['id']}")
    await central.call("GET", f"{path}?{whole}")
    await central.call("GET", f"{path}/purchaseInvoiceLines")
    await central.call("GET", f"{path}/purchaseInvoiceLines?$expand=dimensionSetLines")
    await central.call("GET", "purchaseInvoices?$orderby=lastModifiedDateTime")
    for kind in ("attachments", "documentAttachments"):
        for one in (await central.call("GET", f"{path}/{kind}"))["value"]:
            await central.call("GET", f"{path}/{kind}({one['id']})/attachmentContent", Accept="*/*")
    await central.call("GET", f"{path}/documentAttachments({NOBODY})/attachmentContent", Accept="*/*")
    await central.call("GET", f"purchaseInvoices({NOBODY})")
    number = rich["number"]
    await central.call("GET", f"generalLedgerEntries?$filter=documentNumber eq '{number}'&$expand=dimensionSetLines")
    wanted = "$orderby=entryNumber&$select=entryNumber,debitAmount,creditAmount"
    await central.call("GET", f"generalLedgerEntries?{wanted}")
    await central.call("GET", "generalLedgerEntries?$top=3&$orderby=entryNumber", Prefer="odata.maxpagesize=2")


async def ledger(central: Central) -> None:
    """The vendor ledger page through partial payment, hold, reversal and credit."""
    partly, held, reversed_, whole = [await central.invoice(f"L-{n}") for n in range(4)]
    await central.person("post_payment", document="L-P1", account="1110", invoice=partly["number"], amount="100")
    await central.person("set_on_hold", invoice=held["number"], on_hold="LEG")
    await central.person("post_payment", document="L-P2", bank="CHECKING", invoice=reversed_["number"])
    await central.person("reverse", document="L-P2")
    await central.person("post_payment", document="L-P3", account="1110", invoice=whole["number"])
    lines = [{"number": "6150", "unit_cost": "40"}]
    await central.person("post_credit_memo", vendor="20000", vendor_invoice_number="L-C", lines=lines)
    page = await central.ledger("$orderby=Entry_No", Prefer="odata.maxpagesize=5")
    await central.call("GET", page["@odata.nextLink"], Prefer="odata.maxpagesize=5")
    await central.ledger("$filter=Entry_No gt 0 and Open eq true&$orderby=Entry_No")
    await central.ledger(f"$filter=Document_No eq '{partly['number']}'")
    await central.ledger("$filter=Vendor_No eq '20000' and Posting_Date ge 2020-01-01 and Posting_Date le 2099-12-31")
    await central.ledger("$filter=Nothing eq 1")
    await central.operator.switch(ledger_page_published=False)
    await central.ledger("$top=1")


async def payment(central: Central) -> None:
    """A payment from its batch to the ledger, and what is refused on the way."""
    owed = await central.invoice("P-1")
    clearing = await central.one("accounts?$filter=number eq '2950'")
    await central.call("GET", "vendorPaymentJournals")
    body = {"code": "BILL", "displayName": "BILL payments", "balancingAccountId": clearing["id"]}
    batch = await central.call("POST", "vendorPaymentJournals", body)
    await central.call("POST", "vendorPaymentJournals", body)
    path = f"vendorPaymentJournals({batch['id']})"
    renamed = {"displayName": "BILL clearing"}
    await central.call("PATCH", path, renamed)
    await central.call("PATCH", path, renamed, If_Match=batch["@odata.etag"])
    await central.call("PATCH", path, renamed, If_Match=batch["@odata.etag"])
    await central.call("GET", "vendorPaymentJournals?$filter=startswith(displayName,'BILL')")
    line = {
        "vendorNumber": "20000", "postingDate": owed["postingDate"], "documentNumber": "TPAY1",
        "externalDocumentNumber": "stp01A", "amount": 100.25, "appliesToInvoiceId": owed["id"], "comment": "BILL",
    }  # fmt: skip
    made = await central.call("POST", f"{path}/vendorPayments", line)
    other = await central.call("POST", f"{path}/vendorPayments", {**line, "documentNumber": "TPAY2", "amount": 1})
    for wrong in ({"vendorNumber": "NOBODY"}, {"appliesToInvoiceId": NOBODY}, {"nothing": 1}, {"amount": "many"}):
        await central.call("POST", f"{path}/vendorPayments", {**line, **wrong})
    await _dimensions(central, f"vendorPayments({made['id']})")
    await central.call("GET", f"{path}/vendorPayments?$expand=dimensionSetLines")
    await central.call("GET", f"{path}/vendorPayments")
    await central.call(
        "DELETE", f"vendorPayments({other['id']})", If_Match='W/"JzE4Ozg5MDM2MzYwNDgyMzQ1NjE0MjE7MDA7Jw=="'
    )
    await central.call("DELETE", f"vendorPayments({other['id']})", If_Match="*")
    await central.call("DELETE", f"vendorPayments({other['id']})", If_Match="*")
    await central.call("POST", f"journals({batch['id']})/Microsoft.NAV.post")
    await central.call("POST", f"journals({batch['id']})/Microsoft.NAV.post")
    await central.call("GET", f"{path}/vendorPayments")
    await central.ledger("$filter=Document_No eq 'TPAY1'")
    await central.call("GET", "generalLedgerEntries?$filter=documentNumber eq 'TPAY1'")
    await central.call("POST", f"{path}/vendorPayments", line)
    await central.call("POST", f"journals({batch['id']})/Microsoft.NAV.post")


async def transfer(central: Central) -> None:
    """Money from the clearing account to a bank by a general journal."""
    clearing = await central.one("accounts?$filter=number eq '2950'")
    await central.call("GET", "journals")
    body = {"code": "TRANSFER", "displayName": "Transfers", "balancingAccountId": clearing["id"]}
    batch = await central.call("POST", "journals", body)
    path = f"journals({batch['id']})"
    await central.call("PATCH", path, {"displayName": "Funds transfers"}, If_Match="*")
    await central.call("GET", "journals?$filter=code eq 'TRANSFER'")
    line = {
        "documentNumber": "TFT1",
        "externalDocumentNumber": "2026-03-02",
        "amount": -55.5,
        "description": "Transfer",
    }
    bank = {"accountType": "Bank Account", "accountNumber": "CHECKING", **line}
    made = await central.call("POST", f"{path}/journalLines", bank)
    general = {"accountType": "G_x002F_L_x0020_Account", "accountNumber": "6150", **line, "documentNumber": "TFT2"}
    other = await central.call("POST", f"{path}/journalLines", general)
    await central.call("POST", f"{path}/journalLines", {**bank, "accountType": "Piggy Bank"})
    await _dimensions(central, f"journalLines({made['id']})")
    await central.call("GET", f"{path}/journalLines?$expand=dimensionSetLines")
    await central.call("DELETE", f"journalLines({other['id']})", If_Match=other["@odata.etag"])
    await central.call("GET", f"{path}/journalLines")
    await central.call("POST", f"{path}/Microsoft.NAV.post")
    await central.call("GET", "generalLedgerEntries?$filter=documentNumber eq 'TFT1'&$expand=dimensionSetLines")


async def trouble(central: Central) -> None:
    """Forbidden, throttled, stopped: on a read and on a write."""
    batch = await central.one("vendorPaymentJournals")
    await central.operator.switch(denied_tables=["Vendor"])
    await central.call("GET", "vendors")
    await central.operator.switch(denied_tables=[], rate_limit=0)
    await central.call("GET", "vendors")
    await central.call("POST", f"journals({batch['id']})/Microsoft.NAV.post")
    await central.operator.switch(rate_limit=6000, skiptokens_expired=True)
    page = await central.call("GET", "accounts", Prefer="odata.maxpagesize=2")
    await central.call("GET", page["@odata.nextLink"])
    await central.operator.switch(skiptokens_expired=False, concurrent=0, queue_seconds=0)
    await central.call("GET", "vendors")
    await central.operator.switch(concurrent=5)
    company, central.company = central.company, NOBODY
    await central.call("GET", "vendors")
    central.company = company


JOURNEYS: Final[dict[str, Callable[[Central], Awaitable[None]]]] = {
    one.__name__: one for one in (sign_in, masters, invoices, ledger, payment, transfer, trouble)
}


def beside(seen: Exchange) -> Iterator[str]:
    """What is wrong between parts of an exchange: sections 2 (ids, places, pages, ETags), 3 (totals) and 9."""
    document = seen.document or {}
    error = document.get("error") if isinstance(document, dict) else None
    told = re.search(r"CorrelationId:  ([0-9a-f-]+)\.$", error["message"]) if isinstance(error, dict) else None
    if told and told[1] != seen.headers["request-id"]:
        yield "the correlation id is not the request's"
    if seen.status == 201 and not seen.headers["location"].endswith(f"({document['id']})"):
        yield f"{seen.headers['location']} is not the place of {document['id']}"
    if seen.method == "PATCH" and seen.status == 200 and document["@odata.etag"] == seen.sent["if-match"]:
        yield "the ETag did not change"
    size = re.fullmatch(r"odata\.maxpagesize=(\d+)", seen.sent.get("prefer", ""))
    if size and len(document["value"]) > int(size[1]):
        yield "the page is larger than was asked for"
    for row in document.get("value", []):
        if "totalTaxAmount" in row and "netAmount" not in row and _untaxed(row) != row["totalAmountExcludingTax"]:
            yield f"{row['number']}: the totals do not add up"


def _untaxed(invoice: Any) -> Any:
    return invoice["totalAmountIncludingTax"] - invoice["totalTaxAmount"]


async def _dimensions(central: Central, line: str) -> None:
    """A dimension on a line, changed, and twice."""
    path = f"{line}/dimensionSetLines"
    await central.call("POST", path, {"code": "DEPARTMENT", "valueCode": "SALES"})
    row = await central.one(path)
    await central.call("PATCH", f"{path}({row['id']})", {"valueCode": "ADM"}, If_Match=row.get("@odata.etag", "*"))
    await central.call("POST", path, {"code": "DEPARTMENT", "valueCode": "SALES"})
    await central.call("POST", path, {"code": "DEPARTMENT"})
    await central.call("GET", path)


def _encoded(query: str) -> str:
    return quote(query, safe="=&$,()'")
