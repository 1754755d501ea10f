"""A poll loses nothing at the edge of a page or of a stamp, and what cannot be read has a name."""

import copy
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest

from tieout.domain.erp_ledger import VendorLedgerEntry
from tieout.domain.records import Kind, ReadContext
from tieout_conformance.company import ReadCompany
from tieout_connectors.spi.erp import EDGE_LIMIT, Page, RawRow, Watermark
from tieout_connectors.spi.wire import Unreadable

# Values of a row that are spoiled one by one; a row has rarely more, and the first ones are the record's own.
MOST_SPOILED: Final = 300


async def _pages(company: ReadCompany, kind: Kind, since: Watermark) -> list[Page]:
    return [page async for page in company.source.changes(kind, since)]


def _rows(pages: list[Page]) -> list[RawRow]:
    return [row for page in pages for row in page.rows]


async def _shown(company: ReadCompany, rows: list[RawRow]) -> dict[str, str]:
    """What the newest of the rows show, by key."""
    context = await company.source.context()
    found = {}
    for row in rows:
        for record in company.wire.read(row.kind, row.document, context):
            text = company.shown(record)
            if text:
                found[row.key] = text
    return found


class ReadingBehaviours:
    """Inherit and give ``company``: a company of its own for each test, and a reader with small pages."""

    @pytest.fixture
    async def company(self) -> ReadCompany:
        """The simulated company."""
        raise NotImplementedError("give the company as a fixture of this name")

    async def test_more_rows_than_a_page_with_one_stamp_are_all_seen(self, company: ReadCompany) -> None:
        """A bulk tool changes two pages of records in one moment: none is lost, whatever page it falls on."""
        for kind in company.kinds():
            begun = (await _pages(company, kind, Watermark()))[-1].next
            changed = await company.change(kind, 2 * company.page_rows + 1)
            pages = await _pages(company, kind, begun)
            assert (await _shown(company, _rows(pages))).items() >= changed.items()
            assert all(len(page.next.edge) <= EDGE_LIMIT for page in pages)

    async def test_a_poll_that_was_cut_off_goes_on_where_it_was(self, company: ReadCompany) -> None:
        """Only the first page was stored: a poll from its watermark brings all the rest."""
        for kind in company.kinds():
            begun = (await _pages(company, kind, Watermark()))[-1].next
            changed = await company.change(kind, 2 * company.page_rows + 1)
            stream = company.source.changes(kind, begun)
            first = await anext(aiter(stream))
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()
            rest = await _pages(company, kind, first.next)
            seen = await _shown(company, [*first.rows, *_rows(rest)])
            assert seen.items() >= changed.items()

    async def test_a_record_that_changes_while_pages_are_turned_is_not_lost(self, company: ReadCompany) -> None:
        """It moves to the end of the list between two pages: it and its neighbours are seen all the same."""
        for kind in company.kinds():
            begun = (await _pages(company, kind, Watermark()))[-1].next
            changed = dict(await company.change(kind, 2 * company.page_rows + 1))
            rows: list[RawRow] = []
            after = begun
            async for page in company.source.changes(kind, begun):
                if after is begun:
                    key = page.rows[0].key if page.rows else next(iter(changed))
                    changed[key] = await company.touch(kind, key)
                rows += page.rows
                after = page.next
            rows += _rows(await _pages(company, kind, after))
            assert (await _shown(company, rows)).items() >= changed.items()

    async def test_a_late_commit_under_an_older_stamp_is_seen(self, company: ReadCompany) -> None:
        """A long transaction shows its rows after younger ones were read: the next poll has them."""
        for kind in company.kinds():
            begun = (await _pages(company, kind, Watermark()))[-1].next
            late = await company.change_late(kind)
            if late is None:
                continue
            await company.change(kind, 1)
            after = (await _pages(company, kind, begun))[-1].next
            await company.commit_late()
            key, text = late
            assert (await _shown(company, _rows(await _pages(company, kind, after)))).get(key) == text

    async def test_an_idle_company_costs_nothing_downstream(self, company: ReadCompany) -> None:
        """Nothing changed between two polls: the second one brings no row of a kind that has versions or stamps."""
        for kind in company.kinds():
            begun = (await _pages(company, kind, Watermark()))[-1].next
            await company.change(kind, 3)
            after = (await _pages(company, kind, begun))[-1].next
            assert _rows(await _pages(company, kind, after)) == []

    async def test_an_empty_watermark_reads_everything(self, company: ReadCompany) -> None:
        """All records, each at least once; decimals are exact, and keys are not blank."""
        for kind in company.kinds():
            changed = await company.change(kind, company.page_rows + 1)
            rows = _rows(await _pages(company, kind, Watermark()))
            assert (await _shown(company, rows)).items() >= changed.items()
            assert all(row.key and row.kind is kind for row in rows)
            assert not [value for row in rows for value in _values(row.document) if isinstance(value, float)]

    async def test_a_partial_payment_is_seen_in_the_ledger(self, company: ReadCompany) -> None:
        """No invoice was stamped for it: the vendor ledger shows the new remainder, as poll and as snapshot."""
        begun = (await _pages(company, Kind.LEDGER_ENTRY, Watermark()))[-1].next
        entry, left = await company.pay_in_part()
        context = await company.source.context()
        records = [
            record
            for row in _rows(await _pages(company, Kind.LEDGER_ENTRY, begun))
            for record in company.wire.read(row.kind, row.document, context)
        ]
        polled = {one.id: one.open for one in records if isinstance(one, VendorLedgerEntry)}
        assert polled[entry] == left
        snapshot = {one.id: one.open async for part in company.source.open_items() for one in part.entries}
        assert snapshot[entry] == left

    async def test_the_entries_of_a_period_hold_the_open_ones_as_the_snapshot_has_them(
        self, company: ReadCompany
    ) -> None:
        """What a tie-out compares with the control accounts is the whole vendor ledger, not another view of it."""
        await company.pay_in_part()
        entries = {
            one.id: one async for part in company.source.vendor_entries(date(2000, 1, 1)) for one in part.entries
        }
        opened = {one.id: one async for part in company.source.open_items() for one in part.entries}
        assert entries.items() >= opened.items()
        assert len(entries) > len(opened)
        assert [part async for part in company.source.vendor_entries(date(9999, 1, 1))] == []

    async def test_an_open_item_that_cannot_be_read_is_named(self, company: ReadCompany) -> None:
        """The tie-out names it and has all the others; hiding it would make the sum lie."""
        whole = {one.id async for part in company.source.open_items() for one in part.entries}
        key = await company.spoil_open_item()
        if key is None:
            pytest.skip("no entry of this ERP can be spoiled")
        parts = [part async for part in company.source.open_items()]
        unreadable = {name: error for part in parts for name, error in part.unreadable.items()}
        assert list(unreadable) == [key]
        assert unreadable[key].why
        assert {one.id for part in parts for one in part.entries} == whole - {key}

    async def test_any_spoiled_value_of_a_row_is_read_or_named(self, company: ReadCompany) -> None:
        """Whatever is missing or of another type: a record comes, or Unreadable says where; nothing else is raised."""
        context = await company.source.context()
        for kind in company.kinds():
            await company.change(kind, 1)
            row = _rows(await _pages(company, kind, Watermark()))[0]
            for path, spoiled in _spoiled(row.document):
                _read_or_named(company, kind, spoiled, context, path)


def _read_or_named(
    company: ReadCompany, kind: Kind, document: Mapping[str, Any], context: ReadContext, path: str
) -> None:
    try:
        company.wire.read(kind, document, context)
    except Unreadable as error:
        assert error.why, path  # noqa: PT017 - most rows are read all the same
    except Exception as error:  # noqa: BLE001 - the point: nothing else may come out of a reader
        pytest.fail(f"{kind}: {path} spoiled raises {type(error).__name__}: {error}")


def _values(document: Any) -> Iterator[Any]:
    if isinstance(document, Mapping):
        for value in document.values():
            yield from _values(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from _values(value)
    else:
        yield document


def _spoiled(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Copies of a row with one value missing, or of another type."""
    for place in list(_places(document, ()))[:MOST_SPOILED]:
        for what, value in (("missing", None), ("a number", Decimal("-7.5")), ("a text", "?"), ("a list", [])):
            copied = copy.deepcopy(dict(document))
            inside: Any = copied
            for key in place[:-1]:
                inside = inside[key]
            if what == "missing" and isinstance(inside, dict):
                del inside[place[-1]]
            else:
                inside[place[-1]] = value
            yield f"{'.'.join(str(key) for key in place)} {what}", copied


def _places(document: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield (*path, key)
            yield from _places(value, (*path, key))
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield (*path, place)
            yield from _places(value, (*path, place))
