"""A poll of Business Central loses no row: not at a page's edge, not at a timestamp's, not to a long transaction."""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.domain.records import Kind
from tieout_connectors.business_central.client import TokenLapsed
from tieout_connectors.business_central.delta import Delta, Seen
from tieout_connectors.business_central.polling import Poll
from tieout_connectors.business_central.settings import BusinessCentralSettings
from tieout_connectors.spi.erp import EDGE_LIMIT, Page, RawRow, Watermark

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
SETTINGS = BusinessCentralSettings(tenant="t", environment="production", company="CRONUS")
OVERLAP = timedelta(seconds=SETTINGS.overlap_seconds)


class Table:
    """A server's table of vendors, with the paging of the real one: a continuation names the row before it."""

    def __init__(self, page: int = 3) -> None:
        self.settings = SETTINGS
        self.page = page
        self.rows: dict[str, tuple[datetime | None, int]] = {}
        self.between: Callable[[int], None] = lambda _asked: None
        self.asked = 0
        self.ordered = True
        self.lapse_at: set[int] = set()

    def put(self, key: str, stamp: datetime | None, version: int = 1) -> None:
        """Write a row; visible at once."""
        self.rows[key] = (stamp, version)

    async def api(self, path: str) -> str:
        """The address of a set."""
        return path

    async def pages(
        self, _url: str, _call: str, question: Mapping[str, str], *, page_rows: int | None = None
    ) -> AsyncGenerator[Any]:
        """The pages of a question."""
        assert page_rows is None or page_rows > 0
        last: str | None = None
        while True:
            self.asked += 1
            if self.asked in self.lapse_at:
                raise TokenLapsed("gone", code="SkipTokenIsNoLongerValid")
            keys = self._matching(question)
            start = 0
            if last is not None:
                start = sum(1 for key in self._sorted() if self._place(key) <= self._place(last) and key in keys)
            found = keys[start : start + self.page]
            answer: dict[str, Any] = {"value": [self._row(key) for key in found]}
            if start + self.page < len(keys):
                last = found[-1]
                answer["@odata.nextLink"] = f"next-{last}"
            yield answer
            if "@odata.nextLink" not in answer:
                return
            self.between(self.asked)

    def _place(self, key: str) -> tuple[str, str]:
        stamp, _ = self.rows[key]
        return (stamp.isoformat() if stamp and self.ordered else "", key)

    def _sorted(self) -> list[str]:
        return sorted(self.rows, key=self._place)

    def _matching(self, question: Mapping[str, str]) -> list[str]:
        assert question["$orderby"] == "lastModifiedDateTime"
        found = re.fullmatch(r"lastModifiedDateTime ge (\S+)Z", question.get("$filter", "")) if question else None
        since = datetime.fromisoformat(found[1] + "+00:00") if found else None
        floor = datetime.min.replace(tzinfo=UTC)
        return [key for key in self._sorted() if since is None or (self.rows[key][0] or floor) >= since]

    def _row(self, key: str) -> dict[str, Any]:
        stamp, version = self.rows[key]
        # The server prints milliseconds with trailing zeros cut, and stores finer.
        text = (
            stamp.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3].rstrip("0").rstrip(".") + "Z"
            if stamp
            else "0001-01-01T00:00:00Z"
        )
        return {"@odata.etag": f'W/"{version}"', "id": key, "lastModifiedDateTime": text}


async def compose(rows: list[Mapping[str, Any]]) -> tuple[RawRow, ...]:
    """Rows as they are."""
    return tuple(RawRow(Kind.VENDOR, row["id"], row["@odata.etag"], row) for row in rows)


async def poll(table: Table, since: Watermark, began: datetime = NOON) -> tuple[list[str], Watermark, list[Page]]:
    """One poll: keys that came, where to go on, and the pages."""
    pages = [page async for page in Poll(table, Kind.VENDOR, since, began, compose).pages()]  # type: ignore[arg-type]
    return [row.key for page in pages for row in page.rows], pages[-1].next, pages


def at(seconds: float) -> datetime:
    """A time so many seconds before noon."""
    return NOON - timedelta(seconds=seconds)


async def test_everything_comes_once() -> None:
    """A first poll shows every row of every page once, and says that it was whole."""
    table = Table(page=3)
    for number in range(10):
        table.put(f"v{number}", at(5000 - number))
    keys, following, pages = await poll(table, Watermark())
    assert sorted(keys) == sorted(table.rows)
    assert [page.whole for page in pages] == [False] * (len(pages) - 1) + [True]
    assert following.position == at(4991).isoformat()


async def test_an_idle_company_shows_nothing() -> None:
    """Rows that are read again because of the overlap are left out."""
    table = Table(page=3)
    for number in range(10):
        table.put(f"v{number}", at(number))
    _, following, _ = await poll(table, Watermark())
    keys, again, pages = await poll(table, following)
    assert keys == []
    assert again == following
    assert not pages[-1].whole


async def test_a_row_committed_late_is_seen() -> None:
    """A posting of eight minutes appears with an older stamp than rows already read."""
    table = Table()
    table.put("early", at(1000))
    table.put("late-read", at(10))
    _, following, _ = await poll(table, Watermark())
    table.put("long-posting", at(10 + 480))
    keys, _, _ = await poll(table, following)
    assert keys == ["long-posting"]


async def test_a_timestamp_shared_by_many_rows_loses_none() -> None:
    """A bulk tool stamps more rows alike than fit a page."""
    table = Table(page=4)
    for number in range(23):
        table.put(f"v{number:02}", at(100))
    table.put("after", at(50))
    keys, following, _ = await poll(table, Watermark())
    assert sorted(keys) == sorted(table.rows)
    table.put("v-straggler", at(100))
    keys, _, _ = await poll(table, following)
    assert keys == ["v-straggler"]


async def test_rows_older_than_the_servers_stamps_come_too() -> None:
    """Vendors imported before an upgrade have the empty time; they are many and share it."""
    table = Table(page=3)
    for number in range(8):
        table.put(f"old{number}", None)
    table.put("new", at(100))
    keys, _, _ = await poll(table, Watermark())
    assert sorted(keys) == sorted(table.rows)


async def test_only_rows_without_stamps_are_remembered_as_well() -> None:
    """A company without any stamp is not read anew each time."""
    table = Table(page=3)
    for number in range(5):
        table.put(f"old{number}", None)
    keys, following, _ = await poll(table, Watermark())
    assert len(keys) == 5
    keys, _, _ = await poll(table, following)
    assert keys == []


async def test_the_row_at_a_pages_edge_is_written_meanwhile() -> None:
    """The server's continuation would jump to the row's new place and pass over all between."""
    table = Table(page=3)
    for number in range(9):
        table.put(f"v{number}", at(5000 - number))

    def touch(asked: int) -> None:
        if asked == 1:
            table.put("v2", at(-1), version=2)

    table.between = touch
    keys, following, _ = await poll(table, Watermark())
    rest, _, _ = await poll(table, following)
    assert set(keys) | set(rest) == set(table.rows)
    assert {f"v{number}" for number in range(9)} <= set(keys)


async def test_a_deleted_row_shifts_nothing() -> None:
    """Pages that are counted would lose the row that moves up."""
    table = Table(page=3)
    for number in range(9):
        table.put(f"v{number}", at(5000 - number))
    table.between = lambda asked: table.rows.pop("v0", None) and None if asked == 1 else None
    keys, _, _ = await poll(table, Watermark())
    assert {f"v{number}" for number in range(1, 9)} <= set(keys)


async def test_the_watermark_never_passes_the_beginning_of_the_poll() -> None:
    """What is written while a poll runs is read again by the next one."""
    table = Table()
    table.put("before", at(10))
    table.put("meanwhile", NOON + timedelta(seconds=30))
    _, following, _ = await poll(table, Watermark())
    assert following.position == NOON.isoformat()
    assert "meanwhile" in following.edge


async def test_the_watermark_comes_from_rows_and_not_from_a_clock() -> None:
    """Without new rows it stays, however late it is: a server's clock may be behind ours."""
    table = Table()
    table.put("only", at(9000))
    _, following, _ = await poll(table, Watermark())
    _, later, _ = await poll(table, following, NOON + timedelta(days=3))
    assert later.position == at(9000).isoformat()
    table.rows.clear()
    _, empty, _ = await poll(table, later, NOON + timedelta(days=4))
    assert empty.position == at(9000).isoformat()


async def test_a_change_within_one_stamp_is_seen_by_its_version() -> None:
    """A PATCH may leave the time of change as it is; the ETag tells."""
    table = Table()
    table.put("v", at(10), version=1)
    _, following, _ = await poll(table, Watermark())
    table.put("v", at(10), version=2)
    keys, _, _ = await poll(table, following)
    assert keys == ["v"]


async def test_a_lapsed_continuation_begins_again() -> None:
    """The server forgets where a list was; nothing is lost and nothing comes twice."""
    table = Table(page=2)
    for number in range(8):
        table.put(f"v{number}", at(100))
    table.lapse_at = {3}
    keys, _, _ = await poll(table, Watermark())
    assert sorted(keys) == sorted(table.rows)


async def test_a_continuation_that_always_lapses_ends_the_poll() -> None:
    """A poll does not go on for ever."""
    table = Table(page=2)
    for number in range(8):
        table.put(f"v{number}", at(100))
    table.lapse_at = set(range(2, 100))
    with pytest.raises(TokenLapsed):
        await poll(table, Watermark())
    assert table.asked < 20


async def test_a_server_that_ignores_the_order_is_followed_to_the_end() -> None:
    """Without the order of change no page may move the watermark but the last."""
    table = Table(page=4)
    table.ordered = False
    for number in range(7):
        table.put(f"v{number}", at(5000 - 100 * ((number * 3) % 7)))
    keys, following, pages = await poll(table, Watermark())
    assert sorted(keys) == sorted(table.rows)
    assert pages[0].next == Watermark()
    assert following.position == at(5000 - 600).isoformat()


async def test_an_interrupted_poll_goes_on_from_its_last_stored_page() -> None:
    """Nothing is lost, and what was stored with the page does not come again."""
    table = Table(page=3)
    for number in range(9):
        table.put(f"v{number}", at(500 - number))
    _, _, pages = await poll(table, Watermark())
    stored = {row.key for row in pages[0].rows}
    keys, _, _ = await poll(table, pages[0].next)
    assert stored | set(keys) == set(table.rows)
    assert not stored & set(keys)


async def test_an_interrupted_second_poll_repeats_nothing_it_has_not_come_to() -> None:
    """The old edge counts until the poll has ended."""
    table = Table(page=2)
    for number in range(8):
        table.put(f"v{number}", at(100 - number))
    _, following, _ = await poll(table, Watermark())
    _, _, pages = await poll(table, following)
    keys, _, _ = await poll(table, pages[0].next)
    assert keys == []


def test_the_edge_is_bounded() -> None:
    """Ten thousand vendors stamped in one second do not make a cursor that Kafka refuses."""
    delta = Delta(Watermark(), OVERLAP, NOON)
    for number in range(10_000):
        assert delta.take(Seen(f"v{number}", "1", at(1)))
    assert len(delta.watermark(ended=True).edge) == EDGE_LIMIT


def test_a_foreign_position_is_refused() -> None:
    """A watermark of another connector or without an offset is a mistake, not the beginning of time."""
    with pytest.raises(ValueError, match="2026"):
        Delta(Watermark("2026-01-01T00:00:00"), OVERLAP, NOON)


@settings(max_examples=60, deadline=None)
@given(
    writes=st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 500), st.integers(0, 479), st.booleans()), min_size=1, max_size=40
    ),
    page=st.integers(1, 5),
)
async def test_any_history_arrives_completely(writes: list[tuple[int, int, int, bool]], page: int) -> None:
    """Whatever is written when, with transactions of up to eight minutes, every last version is seen."""
    table = Table(page)
    seen: dict[str, str] = {}
    following = Watermark()
    now = NOON
    pending: list[tuple[datetime, str, datetime, int]] = []
    for version, (vendor, gap, length, now_poll) in enumerate(writes):
        now += timedelta(seconds=gap)
        pending.append((now + timedelta(seconds=length), f"v{vendor}", now, version))
        visible = [one for one in pending if one[0] <= now]
        pending = [one for one in pending if one[0] > now]
        for _, key, stamp, number in visible:
            table.put(key, stamp, number)
        if now_poll:
            _, following, pages = await poll(table, following, now)
            seen.update({row.key: row.version for one in pages for row in one.rows})
    for _, key, stamp, number in pending:
        table.put(key, stamp, number)
    _, _, pages = await poll(table, following, now + timedelta(minutes=10))
    seen.update({row.key: row.version for one in pages for row in one.rows})
    assert seen == {key: f'W/"{version}"' for key, (_, version) in table.rows.items()}
