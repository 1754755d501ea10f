"""A simulated company of Business Central under the reading suite: what people change, and a small page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import Any, Final

from support.business_central_site import WIRE, Site, opened
from tieout.domain.erp import Account, DimensionValue, Vendor
from tieout.domain.records import Kind
from tieout_devstack.certificates import Authority

PAGE: Final = 4
# Which people's order changes a record of a kind, and how the tables are called that a bulk tool rewrites.
CHANGES: Final = {
    Kind.VENDOR: "change_vendor",
    Kind.ACCOUNT: "change_account",
    Kind.DIMENSION_VALUE: "change_dimension_value",
}
TABLES: Final = {Kind.VENDOR: "Vendor", Kind.ACCOUNT: "G/L Account", Kind.DIMENSION_VALUE: "Dimension Value"}
SETS: Final = {Kind.VENDOR: "vendors", Kind.ACCOUNT: "accounts", Kind.DIMENSION_VALUE: "dimensionValues"}


class ReadBusinessCentral:
    """Vendors, accounts and dimension values, told apart by their names."""

    wire = WIRE
    page_rows = PAGE

    def __init__(self, site: Site) -> None:
        self.site = site
        self.source = site.reader
        self._numbers = count(1)

    def kinds(self) -> Sequence[Kind]:
        """Those with stamps whose names people change."""
        return tuple(CHANGES)

    def shown(self, record: object) -> str:
        """The name."""
        return record.name if isinstance(record, Vendor | Account | DimensionValue) else ""

    async def change(self, kind: Kind, count: int) -> Mapping[str, str]:
        """So many get another name, then a bulk tool rewrites the table in one moment."""
        rows = await self._rows(kind)
        while len(rows) < count:
            await self._add(kind)
            rows = await self._rows(kind)
        named = {str(row["id"]): await self._rename(kind, row) for row in rows[:count]}
        await self.site.people("bulk_touch", table=TABLES[kind])
        return named

    async def touch(self, kind: Kind, key: str) -> str:
        """Another name once more."""
        return await self._rename(kind, next(row for row in await self._rows(kind) if row["id"] == key))

    async def change_late(self, kind: Kind) -> tuple[str, str] | None:
        """A name given in a transaction of a minute."""
        row = (await self._rows(kind))[0]
        return str(row["id"]), await self._rename(kind, row, commit_after=60)

    async def commit_late(self) -> None:
        """The minute is over."""
        await self.site.operator.advance(61)

    async def pay_in_part(self) -> tuple[str, Decimal]:
        """100 of the 600 that are open of 108005."""
        await self.site.pay("108005", "20000", "100", "PART")
        books = (await self.site.operator.ledger())["companies"][0]
        entry = next(one for one in books["vendor_entries"] if one["document_number"] == "108005")
        return str(entry["number"]), -Decimal(entry["remaining"])

    async def spoil_open_item(self) -> str | None:
        """An invoice in a currency that is none of ISO 4217."""
        await self.site.people("create_currency", values={"code": "POINTS", "rates": [["2020-01-01", "1"]]})
        lines = [{"number": "6150", "unit_cost": "5"}]
        made = await self.site.people(
            "post_invoice", vendor="20000", vendor_invoice_number="P-1", currency="POINTS", lines=lines
        )
        books = (await self.site.operator.ledger())["companies"][0]
        return next(str(one["number"]) for one in books["vendor_entries"] if one["document_number"] == made["number"])

    async def _rows(self, kind: Kind) -> list[dict[str, Any]]:
        client = self.site.client
        found = await client.rows(await client.api(SETS[kind]), f"GET {SETS[kind]}", {})
        return [dict(row) for row in found]

    async def _rename(self, kind: Kind, row: Mapping[str, Any], **order: Any) -> str:
        name = f"Name {next(self._numbers)}"
        if kind is Kind.VENDOR:
            order |= {"number": row["number"], "values": {"display_name": name}}
        elif kind is Kind.ACCOUNT:
            order |= {"key": row["number"], "values": {"display_name": name}}
        else:
            order |= {"key": [await self._dimension(row), row["code"]], "values": {"display_name": name}}
        await self.site.people(CHANGES[kind], **order)
        return name

    async def _dimension(self, row: Mapping[str, Any]) -> str:
        client = self.site.client
        found = await client.rows(await client.api("dimensions"), "GET dimensions", {})
        return next(str(one["code"]) for one in found if one["id"] == row["dimensionId"])

    async def _add(self, kind: Kind) -> None:
        if kind is not Kind.DIMENSION_VALUE:
            raise AssertionError(f"there are too few of {kind}")
        values = {"dimension": "AREA", "code": f"A{next(self._numbers)}", "display_name": "?"}
        await self.site.people("create_dimension_value", values=values)


@asynccontextmanager
async def read_company_of(trusted: Authority) -> AsyncIterator[ReadBusinessCentral]:
    """A company of the default world, read in small pages."""
    async with opened(trusted, page_rows=PAGE) as site:
        yield ReadBusinessCentral(site)
