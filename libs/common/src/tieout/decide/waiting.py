"""Waiting: a link whose needs are not in BILL yet, and the waking of it once they are.

A link waits for one name at a time, the first that is missing; woken, it looks at all of them again. Waking goes on a
few links with each fact, from rows that stand in the state, so that a vendor with thousands of bills makes no decision
large.
"""

from typing import Final

from tieout.decide import rows
from tieout.decide.rows import LinkRow, NameRow, Phase, TodoRow, WaitRow
from tieout.decide.state import Draft

# Links woken by one decision; each writes at most five entries, so a decision stays well below 200.
WOKEN: Final = 12


def target_of(draft: Draft, name: str) -> str:
    """BILL's id of what a name stands for, ``""`` while it is not there."""
    row = named(draft, name)
    return "" if row is None else row.target


def named(draft: Draft, name: str) -> LinkRow | None:
    """The link that a name stands for, None if nothing of that name was seen."""
    found = draft.read(rows.name_row(name), NameRow)
    return None if found is None else draft.read(rows.link_row(found.link), LinkRow)


def claim_name(draft: Draft, link: str, name: str) -> None:
    """From now on the name stands for this link."""
    found = draft.read(rows.name_row(name), NameRow)
    if found is None or found.link != link:
        draft.write(rows.name_row(name), NameRow(link=link), "named")


def missing(draft: Draft, needs: tuple[str, ...]) -> str:
    """The first name that is not in BILL yet, ``""`` if all are."""
    return next((name for name in needs if not target_of(draft, name)), "")


def wait(draft: Draft, link: str, row: LinkRow, name: str) -> None:
    """Let the link wait for a name."""
    if row.waits != name:
        row = no_longer(draft, link, row)
    if row.ready:
        draft.remove(row.ready, "dequeued")
    if row.waits == name and row.phase is Phase.WAITING:
        watch(draft, link, name)
        draft.write(rows.link_row(link), row, "waiting", name)
        return
    draft.write(rows.wait_row(name, link), WaitRow(link=link, since=draft.origin.time), "waits")
    row = row.model_copy(update={"phase": Phase.WAITING, "waits": name, "ready": ""})
    draft.write(rows.link_row(link), row, "waiting", name)


def no_longer(draft: Draft, link: str, row: LinkRow) -> LinkRow:
    """The link stops waiting; its row without the name it waited for."""
    if not row.waits:
        return row
    draft.remove(rows.wait_row(row.waits, link), "waited")
    return row.model_copy(update={"waits": ""})


def watch(draft: Draft, link: str, name: str) -> None:
    """Wake a held link when what the name stands for changes, if there is a name. Waking it once ends the watch."""
    key = rows.wait_row(name, link)
    if name and draft.read(key, WaitRow) is None:
        draft.write(key, WaitRow(link=link, since=draft.origin.time), "waits")


def arrived(draft: Draft, name: str) -> None:
    """What a name stands for is in BILL, or may be used again: wake those who wait for it."""
    if name and draft.keys(rows.wait_prefix(name), 1):
        draft.write(rows.todo_row(name), TodoRow(since=draft.origin.time), "waking")


def woken(draft: Draft) -> list[str]:
    """The next links to look at again; they no longer wait.

    The waking goes through them in order and once: one that waits for the same again is not in its way.
    """
    links: list[str] = []
    for todo in draft.keys("todo/", 2):
        name, row = todo.removeprefix("todo/"), draft.read(todo, TodoRow)
        after = "" if row is None else row.after
        keys = draft.keys(rows.wait_prefix(name), WOKEN - len(links), after)
        for key in keys:
            waiting = draft.read(key, WaitRow)
            if waiting is not None:
                links.append(waiting.link)
            draft.remove(key, "woken")
        last = keys[-1] if keys else after
        if row is None or not draft.keys(rows.wait_prefix(name), 1, last):
            draft.remove(todo, "woken")
        elif keys:
            draft.write(todo, row.model_copy(update={"after": last}), "waking")
        if len(links) >= WOKEN:
            break
    return links
