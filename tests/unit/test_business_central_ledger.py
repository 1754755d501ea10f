"""Partial payments, holds and reversals are seen in the vendor ledger, although they leave no stamp."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tieout.domain.errors import Fatal, RecoveryError, Reject
from tieout_connectors.business_central import ledger
from tieout_connectors.business_central.client import Company
from tieout_connectors.business_central.settings import BusinessCentralSettings
from tieout_connectors.spi.erp import EDGE_LIMIT, Page, Watermark

FIXTURES = Path(__file__).parents[1] / "fixtures" / "business-central"
ENTRY = json.loads((FIXTURES / "ledger_entry.json").read_text(), parse_float=Decimal)


class Books:
    """The published page of a company, asked as the connector asks it."""

    def __init__(self, page: int = 3, ledger_page: str = "VendorLedgerEntries") -> None:
        self.settings = BusinessCentralSettings(tenant="t", environment="e", company="C", ledger_page=ledger_page)
        self.size = page
        self.entries: dict[int, dict[str, Any]] = {}
        self.names = ["CRONUS"]
        self.published = True
        self.refusal: RecoveryError | None = None
        self.asked: list[str] = []

    def post(self, number: int, remaining: str = "-100", **fields: Any) -> None:
        """Post or change an entry."""
        left = Decimal(remaining)
        row = {"Entry_No": number, "Document_No": f"D{number}", "Remaining_Amount": left, "Open": bool(left), **fields}
        self.entries[number] = {**ENTRY, **row}

    async def company(self, *, again: bool = False) -> Company:
        """The company, under its newest name if it is looked up again."""
        if again and len(self.names) > 1:
            self.names.pop(0)
        return Company("1", self.names[0])

    async def ledger(self) -> str:
        """The page's address."""
        return f"ODataV4/Company('{self.names[0]}')/{self.settings.ledger_page}"

    async def page(self, url: str, call: str, question: Mapping[str, str]) -> Any:
        """The first page of a list."""
        found = await self.rows(url, call, question)
        cut = found[: self.size]
        return {"value": cut, **({"@odata.nextLink": "more"} if len(found) > len(cut) else {})}

    async def rows(self, url: str, _call: str, question: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """A whole list."""
        self.asked.append(f"{url}?{question['$filter']}")
        if self.refusal is not None:
            raise self.refusal
        if not self.published or len(self.names) > 1:
            raise Fatal("no such path", code="BadRequest_NotFound", status=404)
        condition = question["$filter"]
        above = re.match(r"Entry_No gt (\d+)", condition)
        low = int(above[1]) if above else 0
        numbers = {int(one) for one in re.findall(r"Entry_No eq (\d+)", condition)}
        documents = set(re.findall(r"Document_No eq '([^']*)'", condition))
        return [
            row
            for number, row in sorted(self.entries.items())
            if number > low
            and (row["Open"] or "Open eq true" not in condition)
            and (not numbers or number in numbers)
            and (not documents or row["Document_No"] in documents)
        ]


async def poll(books: Books, since: Watermark) -> tuple[list[str], Watermark, list[Page]]:
    """One poll: numbers that came, where to go on, the pages."""
    pages = [page async for page in ledger.changes(books, since)]  # type: ignore[arg-type]
    return [row.key for page in pages for row in page.rows], pages[-1].next, pages


async def test_a_first_poll_shows_every_entry_once() -> None:
    """Closed ones too; the last page says that every open one was shown."""
    books = Books()
    for number in range(1, 9):
        books.post(number, "0" if number % 2 else "-50")
    keys, following, pages = await poll(books, Watermark())
    assert keys == [str(number) for number in range(1, 9)]
    assert following.position == "8"
    assert [page.whole for page in pages] == [False] * (len(pages) - 1) + [True]


async def test_a_part_payment_is_seen_without_a_stamp() -> None:
    """The invoice's entry comes again with another version, beside the new payment."""
    books = Books()
    books.post(1)
    _, following, first = await poll(books, Watermark())
    books.post(1, "-60")
    books.post(2, "0", Document_Type="Payment")
    keys, following, again = await poll(books, following)
    assert sorted(keys) == ["1", "2"]
    versions = {row.key: row.version for page in first for row in page.rows}
    assert {row.key: row.version for page in again for row in page.rows}["1"] != versions["1"]
    assert following.position == "2"


async def test_a_closed_entry_that_is_known_does_not_come_again() -> None:
    """An idle company shows its open entries and nothing else."""
    books = Books()
    books.post(1, "0")
    books.post(2, "-10")
    _, following, _ = await poll(books, Watermark())
    keys, _, pages = await poll(books, following)
    assert keys == ["2"]
    assert pages[-1].whole


async def test_an_entry_numbered_before_and_committed_later_is_seen() -> None:
    """Numbers taken from a sequence are committed out of order, and such an entry may be closed at once."""
    books = Books()
    for number in (1, 2, 5):
        books.post(number, "0")
    _, following, _ = await poll(books, Watermark())
    books.post(4, "0")
    keys, _, _ = await poll(books, following)
    assert keys == ["4"]


async def test_what_is_remembered_is_bounded() -> None:
    """A cursor never grows with the history of a company."""
    books = Books(page=1000)
    for number in range(1, 3001):
        books.post(number, "0")
    _, following, _ = await poll(books, Watermark())
    assert len(following.edge) <= ledger.BEHIND <= EDGE_LIMIT
    assert "3000" in following.edge


async def test_rows_that_close_meanwhile_shift_no_page() -> None:
    """Pages are asked for by number: the entry that moves up is not passed over."""
    books = Books(page=2)
    for number in range(1, 8):
        books.post(number)
    seen: list[str] = []
    pages = 0
    async for rows in ledger.open_rows(books):  # type: ignore[arg-type]
        seen += [row.key for row in rows]
        pages += 1
        if pages == 1:
            books.post(1, "0")
    assert seen == [str(number) for number in range(1, 8)]


async def test_an_empty_ledger_is_a_whole_one() -> None:
    """A new company's poll ends with one page and an empty watermark."""
    keys, following, pages = await poll(Books(), Watermark())
    assert (keys, following, len(pages), pages[0].whole) == ([], Watermark(), 1, True)


async def test_a_ledger_that_went_back_stops_the_connection() -> None:
    """After a restore from a backup numbers are given again: nothing is read as if it were new."""
    books = Books()
    for number in range(1, 9):
        books.post(number, "0")
    _, following, _ = await poll(books, Watermark())
    for number in (7, 8):
        del books.entries[number]
    with pytest.raises(Fatal) as caught:
        await poll(books, following)
    assert caught.value.code == "ledger_went_back"
    assert "backup" in caught.value.cure


async def test_a_connection_without_the_page_says_what_to_do() -> None:
    """The ledger cannot be polled, and the cure names the page to publish."""
    with pytest.raises(Reject) as caught:
        await poll(Books(ledger_page=""), Watermark())
    assert caught.value.code == "not_supported"
    assert "29" in caught.value.cure


async def test_entries_are_read_again_by_number() -> None:
    """What left the open items is looked at once more."""
    books = Books()
    books.post(7, "0")
    books.post(8)
    found = await ledger.by_numbers(books, ["7"])  # type: ignore[arg-type]
    assert [row.key for row in found] == ["7"]


async def test_a_page_that_is_not_published_is_told_as_such() -> None:
    """Nobody takes it for a ledger without entries; the cure names the page to publish."""
    books = Books()
    books.published = False
    for attempt in (poll(books, Watermark()), ledger.by_documents(books, ["D1"])):  # type: ignore[arg-type]
        with pytest.raises(Reject) as caught:
            await attempt
        assert caught.value.code == ledger.NOT_PUBLISHED
        assert "29" in caught.value.cure


async def test_a_renamed_company_is_found_under_its_new_name() -> None:
    """That service knows companies by name: a rename must not look like a page that is not published."""
    books = Books()
    books.post(1)
    books.names = ["CRONUS", "CRONUS International"]
    found = await ledger.by_documents(books, ["D1"])  # type: ignore[arg-type]
    assert [row["Entry_No"] for row in found] == [1]
    assert "CRONUS International" in books.asked[-1]


async def test_a_missing_right_is_not_taken_for_a_page_that_is_missing() -> None:
    """A person has to give the right; invoices are not sent as if there were no page."""
    books = Books()
    books.refusal = Fatal("no", code="Authorization_RequestDenied", status=403)
    with pytest.raises(Fatal):
        await ledger.by_documents(books, ["D1"])  # type: ignore[arg-type]
