"""erp-poller: of what an ERP shows whole at every poll, only what changed is news."""

from typing import Any

from tieout.domain.records import Kind
from tieout_connectors.spi.erp import RawRow
from tieout_erp_poller.shown import Shown


def row(key: str, version: str = "", **document: Any) -> RawRow:
    """A ledger entry."""
    return RawRow(Kind.LEDGER_ENTRY, key, version, document)


def test_only_changes_of_what_is_shown_whole_are_news() -> None:
    """A hundred open entries that stand as they stood leave no trace; one whose hold changed does, back again too."""
    shown = Shown()
    first = [row("1", "a"), row("2", hold="", amount=1)]
    assert shown.news(first) == tuple(first)
    shown.stored(first)
    assert shown.news(first) == ()
    for hold in ("HLD", ""):
        changed = [row("1", "a"), row("2", hold=hold, amount=1)]
        assert shown.news(changed) == (changed[1],)
        shown.stored(changed)
        shown.ended()


def test_what_was_not_stored_is_news_again() -> None:
    """A crash between reading and storing loses no change."""
    shown = Shown()
    assert shown.news([row("1", "a")]) == shown.news([row("1", "a")]) != ()


def test_what_is_no_longer_shown_is_forgotten_after_a_whole_poll() -> None:
    """An entry that closed and opens again is news, however it looks; the memory does not grow with history."""
    shown = Shown()
    shown.stored([row("1", "a"), row("2", "a")])
    shown.ended()
    shown.stored([row("2", "a")])
    shown.ended()
    assert [one.key for one in shown.news([row("1", "a"), row("2", "a")])] == ["1"]


def test_what_is_beyond_the_memory_is_published_again_and_never_lost() -> None:
    """Changed and changed back within one poll: with a full memory both changes are told."""
    shown = Shown(limit=1)
    shown.stored([row("1", "a"), row("2", "a")])
    assert [one.key for one in shown.news([row("1", "a"), row("2", "a")])] == ["2"]
    shown.ended()
    shown.stored([row("3", "a")])
    shown.stored([row("1", "b")])
    assert [one.key for one in shown.news([row("1", "a")])] == ["1"]


def test_other_settings_make_everything_news() -> None:
    """What is mapped otherwise has to be seen again."""
    shown = Shown()
    shown.stored([row("1", "a")])
    shown.forget()
    assert len(shown.news([row("1", "a")])) == 1
