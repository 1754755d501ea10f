"""The life-cycle of a link, the same for every kind.

    wanted ─► waiting ─► ready ─► requested ─► linked ─► (a newer content) waiting …
                                   │  └────► doubtful ─► linked | ready | held
                                   └───────► held ─► ready, by a mended record or a person

At most one command is in flight per link; a newer content waits as a row with only its latest value. A link whose
needs are not in BILL waits for them; one whose side is full, closed or paused waits in that side's queue.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from tieout.decide import names, rows, waiting
from tieout.decide.mapping import Unmappable
from tieout.decide.rows import HoldRow, IndexRow, LinkRow, Phase, ReadyRow, SettingsRow, WantRow, WindowRow
from tieout.decide.state import Command, Draft
from tieout.domain.settings import State
from tieout.events.commands import CommandFrame, Priority
from tieout.events.facts import OutcomeFact, Result
from tieout.events.identity import command_id

# Unanswered commands per connection and side. Protects the writer's memory and bounds what a restart has to look up;
# a full window at BILL's 5.5 calls a second is under a minute of work, so it never idles a writer.
WINDOW: Final = 300
# Kept free for payments and for what a payment waits for, so that a backfill never stands in front of them.
RESERVED: Final = 30
# Links taken from the queue by one decision: bounds a decision's entries well below 200 while a freed side still
# fills up within a few facts.
PULLED: Final = 8
# A closed side is probed with one command so long after it closed, and again after each refused probe. The writer
# reports a healed side sooner; this covers a report that was lost with its process.
PROBE: Final = timedelta(minutes=5)

Build = Callable[[Draft, str, LinkRow, WantRow, SettingsRow], CommandFrame | Unmappable]
"""Makes the command, or says why what was wanted must not be asked for as things stand now."""


def want(draft: Draft, link: str, row: LinkRow, content: WantRow, content_hash: str, build: Build) -> None:
    """A record asks for a content outside. Nothing happens if it is accepted or already wanted."""
    if row.phase is Phase.HELD:
        held = draft.read(rows.hold_row(link), HoldRow)
        if held is not None and not held.mapping and row.wanted == content_hash:
            return
        draft.remove(rows.hold_row(link), "hold.gone", "the record was mended")
    elif content_hash == (row.wanted or row.accepted):
        return
    if content_hash == row.accepted and not row.command:
        draft.remove(rows.want_row(link), "want.gone")
        settle(draft, link, row.model_copy(update={"wanted": ""}))
        return
    row = row.model_copy(update={"wanted": content_hash})
    draft.write(rows.want_row(link), content, "wanted")
    if row.command:
        phase = Phase.REQUESTED if row.slot else Phase.DOUBTFUL
        draft.write(rows.link_row(link), row.model_copy(update={"phase": phase}), "wanted", "a command is in flight")
        return
    request(draft, link, row, build)


def request(draft: Draft, link: str, row: LinkRow, build: Build, *, probe: bool = False) -> None:
    """Ask for the wanted content now, or wait for what it needs, or queue for a place in the window."""
    content = draft.read(rows.want_row(link), WantRow)
    if content is None:
        settle(draft, link, row)
        return
    absent = waiting.missing(draft, content.needs)
    if absent:
        waiting.wait(draft, link, row, absent)
        return
    row = waiting.no_longer(draft, link, row)
    side = rows.side_of(row.kind)
    settings = draft.read(rows.SETTINGS, SettingsRow)
    window = draft.read(rows.window_row(side), WindowRow) or WindowRow()
    open_for_it = (not window.closed or probe) and window.unanswered < _limit(row.priority)
    if settings is None or settings.settings.state is not State.ACTIVE or not open_for_it:
        key = row.ready or rows.ready_row(side, row.priority, draft.origin.offset, link)
        draft.write(key, ReadyRow(link=link), "queued")
        row = row.model_copy(update={"phase": Phase.READY, "ready": key})
        draft.write(rows.link_row(link), row, "ready")
        return
    frame = build(draft, link, row, content, settings)
    if isinstance(frame, Unmappable):
        hold_mapping(draft, link, row, frame, keep=row.begun)
        return
    if row.ready:
        draft.remove(row.ready, "dequeued")
    row = row.model_copy(update={"ready": ""})
    identity = command_id(
        f"{frame.connection}/{link}", frame.intent, f"{row.revision}/{frame.content_hash}", row.attempt
    )
    row = row.model_copy(
        update={
            "phase": Phase.REQUESTED,
            "command": identity,
            "slot": True,
            "intent": frame.intent,
            "asked": row.wanted,
            "sent": frame.content_hash,
        }
    )
    key = settings.settings.bill.budget if side == rows.BILL else draft.origin.connection
    draft.commands.append(Command(identity, frame, key))
    draft.write(rows.window_row(side), window.model_copy(update={"unanswered": window.unanswered + 1}), "window")
    draft.write(rows.link_row(link), row, "requested")


def work(
    draft: Draft,
    build_for: Callable[[str], Build],
    reconsider: Callable[[Draft, str, LinkRow], None],
    *,
    freed: bool,
) -> None:
    """Go on with what earlier decisions left to do: links to wake, and queued links if places may have become free."""
    for link in waiting.woken(draft):
        row = draft.read(rows.link_row(link), LinkRow)
        if row is not None and row.phase is Phase.WAITING:
            request(draft, link, row, build_for(row.kind))
        elif row is not None and row.phase is Phase.HELD:
            reconsider(draft, link, row)
    if not freed:
        return
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is None or settings.settings.state is not State.ACTIVE:
        return
    for side in rows.SIDES:
        window = draft.read(rows.window_row(side), WindowRow)
        if window is None or not window.closed:
            _pull(draft, side, build_for, PULLED)


def probe(draft: Draft, build_for: Callable[[str], Build]) -> None:
    """A closed side whose time to be probed has come gets one command, whatever it answers then decides."""
    for side in rows.SIDES:
        window = draft.read(rows.window_row(side), WindowRow)
        if window is None or not window.closed or window.probe is None or draft.origin.time < window.probe:
            continue
        window = window.model_copy(update={"probe": draft.origin.time + PROBE})
        draft.write(rows.window_row(side), window, "window.probed")
        _pull(draft, side, build_for, 1, probe=True)


def _pull(draft: Draft, side: str, build_for: Callable[[str], Build], count: int, *, probe: bool = False) -> None:
    for key in draft.keys(rows.ready_prefix(side), count):
        place = draft.read(key, ReadyRow)
        row = draft.read(rows.link_row(place.link), LinkRow) if place else None
        if place is None or row is None or row.ready != key:
            draft.remove(key, "dequeued")
            continue
        window = draft.read(rows.window_row(side), WindowRow) or WindowRow()
        if window.unanswered >= _limit(row.priority):
            return
        request(draft, place.link, row, build_for(row.kind), probe=probe)


def _limit(priority: Priority) -> int:
    return WINDOW if priority <= Priority.BEFORE_PAYMENT else WINDOW - RESERVED


def hold(draft: Draft, link: str, row: LinkRow, held: HoldRow, why: str = "") -> None:
    """Let a link wait for a person. A command in flight goes on; its outcome finds the link held."""
    if row.ready:
        draft.remove(row.ready, "dequeued")
    row = waiting.no_longer(draft, link, row)
    draft.write(rows.hold_row(link), held, "held", why or held.reason)
    row = row.model_copy(update={"phase": Phase.HELD, "ready": ""})
    draft.write(rows.link_row(link), row, "held", why)


def hold_mapping(draft: Draft, link: str, row: LinkRow, why: Unmappable, *, keep: bool = False) -> None:
    """Hold a link for what its own record says; mending the record releases it, or a person where ``why`` lets one.

    The same hold again changes nothing.

    Where the cause is another record, ``why.until`` names it, and a change there has this one read again. What was
    wanted is forgotten, except with ``keep``: parts of it may stand outside, so that nothing else may be wanted.
    """
    reason, params = why.reason, why.params
    held = draft.read(rows.hold_row(link), HoldRow)
    if held is not None and row.phase is Phase.HELD and (held.reason, held.params) == (reason, params):
        waiting.watch(draft, link, why.until)
        return
    if not keep:
        draft.remove(rows.want_row(link), "want.gone")
        row = row.model_copy(update={"wanted": ""})
    origin = draft.origin
    new = HoldRow(reason=reason, params=params, since=origin.time, fact=origin.fact, mapping=not why.release)
    hold(draft, link, row, new)
    waiting.watch(draft, link, why.until)


def accept(draft: Draft, link: str, row: LinkRow, target: str, content_hash: str, build: Build) -> None:
    """BILL now has in ``target`` what hashes to ``content_hash``; anything newer that is wanted is asked for next."""
    if row.target != target:
        draft.write(rows.index_row(row.kind, target), IndexRow(link=link), "indexed")
    # What was found there but not asked for is another content: the wanted one is asked for as a change of it.
    accepted = row.asked if content_hash == row.sent else f"there:{content_hash}"
    ended = {"revision": row.revision + 1, "attempt": 1, "command": "", "begun": False}
    row = row.model_copy(update={"target": target, "accepted": accepted, **ended})
    waiting.arrived(draft, row.name)
    waiting.arrived(draft, names.target(row.kind, target))
    if row.wanted == accepted:
        draft.remove(rows.want_row(link), "want.gone")
        settle(draft, link, row.model_copy(update={"wanted": "", "intent": None}))
        return
    request(draft, link, row, build)


def free_slot(draft: Draft, row: LinkRow) -> LinkRow:
    """Give the place in the window back, once."""
    if not row.slot:
        return row
    key = rows.window_row(rows.side_of(row.kind))
    window = draft.read(key, WindowRow) or WindowRow()
    draft.write(key, window.model_copy(update={"unanswered": window.unanswered - 1}), "window")
    return row.model_copy(update={"slot": False})


def again(draft: Draft, link: str, row: LinkRow, outcome: OutcomeFact, build: Build) -> None:
    """The command ended without effect and without fault of the record: decide it again as the next attempt."""
    if outcome.result is Result.PARKED:
        close(draft, rows.side_of(row.kind), outcome.message)
    request(draft, link, row.model_copy(update={"command": "", "attempt": row.attempt + 1}), build)


def close(draft: Draft, side: str, reason: str) -> None:
    """Nothing more is asked of the side until it answers again."""
    window = draft.read(rows.window_row(side), WindowRow) or WindowRow()
    if not window.closed:
        closed = window.model_copy(update={"closed": True, "probe": draft.origin.time + PROBE})
        draft.write(rows.window_row(side), closed, "window.closed", reason)


def reopen(draft: Draft, side: str, reason: str) -> None:
    """The side answers again."""
    window = draft.read(rows.window_row(side), WindowRow)
    if window is not None and window.closed:
        opened = window.model_copy(update={"closed": False, "probe": None})
        draft.write(rows.window_row(side), opened, "window.opened", reason)


def settle(draft: Draft, link: str, row: LinkRow) -> None:
    """Nothing more is wanted outside: the link rests, held if something about its record is wrong."""
    if row.ready:
        draft.remove(row.ready, "dequeued")
    row = waiting.no_longer(draft, link, row)
    held = draft.read(rows.hold_row(link), HoldRow) is not None
    phase = Phase.HELD if held else Phase.LINKED if row.target else Phase.IGNORED
    draft.write(rows.link_row(link), row.model_copy(update={"phase": phase, "ready": ""}), phase.value)
