"""An invoice's row holds everything a bill needs, read for many invoices at a time."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

from tieout.domain.erp import PurchaseInvoice
from tieout.domain.records import Kind, ReadContext
from tieout_connectors.business_central import invoices
from tieout_connectors.business_central.client import Company
from tieout_connectors.business_central.settings import BusinessCentralSettings
from tieout_connectors.business_central.wire import BusinessCentralWire
from tieout_connectors.spi.erp import RawRow

FIXTURES = Path(__file__).parents[1] / "fixtures" / "business-central"
WHOLE = json.loads((FIXTURES / "purchase_invoice.json").read_text(), parse_float=Decimal)
CONTEXT = ReadContext(company="c", local_currency="USD")


class Service:
    """A company with some invoices, asked as the connector asks it."""

    def __init__(self, *numbers: int, ledger_page: str = "VendorLedgerEntries") -> None:
        self.settings = BusinessCentralSettings(tenant="t", environment="e", company="C", ledger_page=ledger_page)
        self.invoices = {f"{number:08d}-44e3-ea11-bb43-000d3a2feca1": self._invoice(number) for number in numbers}
        self.asked: list[str] = []
        self.cut = ""

    def _invoice(self, number: int) -> dict[str, Any]:
        row = deepcopy(WHOLE["invoice"])
        row.update(id=f"{number:08d}-44e3-ea11-bb43-000d3a2feca1", number=f"N{number}")
        return dict(row)

    def headers(self) -> list[Mapping[str, Any]]:
        """The rows of a list without expanded parts."""
        left_out = {"purchaseInvoiceLines", "dimensionSetLines"}
        return [{k: v for k, v in row.items() if k not in left_out} for row in self.invoices.values()]

    async def company(self, *, again: bool = False) -> Company:
        """The company."""
        assert again in {True, False}
        return Company("1", "C")

    async def api(self, path: str) -> str:
        """An address."""
        return path

    async def ledger(self) -> str:
        """The ledger page's address."""
        return "ledger"

    async def rows(self, url: str, _call: str, question: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """A whole list."""
        self.asked.append(url)
        condition = question.get("$filter", "")
        if url == "purchaseInvoices":
            ids = re.findall(r"id eq (\S+)", condition)
            return [self._shown(self.invoices[one]) for one in ids if one in self.invoices]
        if url.endswith("/purchaseInvoiceLines"):
            return list(self.invoices[re.split(r"[()]", url)[1]]["purchaseInvoiceLines"])
        numbers = re.findall(r"'([^']*)'", condition)
        name, rows = ("Document_No", WHOLE["ledger"]) if url == "ledger" else ("documentNumber", WHOLE["postings"])
        return [{**row, name: number} for number in numbers for row in rows]

    def _shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if row["number"] != self.cut:
            return dict(row)
        return {
            **row,
            "purchaseInvoiceLines": row["purchaseInvoiceLines"][:1],
            "purchaseInvoiceLines@odata.nextLink": "x",
        }


def record(row: RawRow) -> PurchaseInvoice:
    """The record in a row."""
    (one,) = BusinessCentralWire().read(Kind.PURCHASE_INVOICE, row.document, CONTEXT)
    assert isinstance(one, PurchaseInvoice)
    return one


async def made(service: Service) -> tuple[RawRow, ...]:
    """The rows of all of a service's invoices."""
    return await invoices.composed(service, service.headers())  # type: ignore[arg-type]


async def test_each_invoice_gets_its_own_lines_postings_and_entry() -> None:
    """Read together, they are not mixed up."""
    rows = await made(Service(1, 2, 3))
    for row, number in zip(rows, ("N1", "N2", "N3"), strict=True):
        invoice = record(row)
        assert invoice.number == number
        assert invoice.open == Decimal(607)
        assert {one.document_number for one in invoice.postings or ()} == {number}
        assert len(invoice.lines) == 4
        assert row.version == invoice.version
        assert {one["documentNumber"] for one in row.document["postings"]} == {number}
        assert {one["Document_No"] for one in row.document["ledger"]} == {number}


async def test_many_invoices_cost_few_calls() -> None:
    """Fifty invoices are read by three calls for each of three groups."""
    service = Service(*range(1, 51))
    assert len(await made(service)) == 50
    assert sorted(set(service.asked)) == ["generalLedgerEntries", "ledger", "purchaseInvoices"]
    assert len(service.asked) == 9


async def test_drafts_cost_nothing() -> None:
    """A draft is neither read further nor shown."""
    service = Service(1, 2)
    for row in service.invoices.values():
        row["status"] = "In_x0020_Review"
    assert await made(service) == ()
    assert service.asked == []


async def test_an_invoice_that_is_gone_meanwhile_is_left_out() -> None:
    """Between the list and the rest it may be deleted."""
    service = Service(1, 2)
    headers = service.headers()
    del service.invoices[next(iter(service.invoices))]
    rows = await invoices.composed(service, headers)  # type: ignore[arg-type]
    assert [record(row).number for row in rows] == ["N2"]


async def test_lines_that_the_server_cut_are_read_apart() -> None:
    """An invoice with more lines than fit an answer is whole."""
    service = Service(1, 2)
    service.cut = "N2"
    rows = await made(service)
    assert [len(record(row).lines) for row in rows] == [4, 4]
    assert [url for url in service.asked if url.endswith("Lines")] == [
        f"purchaseInvoices({rows[1].key})/purchaseInvoiceLines"
    ]


async def test_without_the_ledger_page_the_open_amount_is_unknown() -> None:
    """Everything else of the invoice is read all the same."""
    (row,) = await made(Service(1, ledger_page=""))
    assert row.document["ledger"] is None
    assert record(row).open is None


async def test_invoices_are_read_again_by_id() -> None:
    """After a hint, as they are now; an unknown id is nothing."""
    service = Service(1)
    known = next(iter(service.invoices))
    rows = await invoices.by_ids(service, [known, "nobody", known])  # type: ignore[arg-type]
    assert [row.key for row in rows] == [known]
