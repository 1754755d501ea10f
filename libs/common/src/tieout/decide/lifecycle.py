"""The life-cycle of a link, the same for every kind.

    wanted ─► ready ─► requested ─► linked ─► (a newer content) ready …
                          │  └────► doubtful ─► linked | ready | held
                          └───────► held ─► ready, by a mended record or a person

At most one command is in flight per link; a newer content waits as a row with only its latest value. A link whose
side is full, closed or paused waits in that side's queue.
"""

from collections.abc import Callable
from typing import Final

from tieout.decide import rows
from tieout.decide.rows import BILL, HoldRow, IndexRow, LinkRow, Phase, ReadyRow, SettingsRow, WantRow, WindowRow
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

Build = Callable[[Draft, str, LinkRow, WantRow, SettingsRow], CommandFrame]


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
        _settle(draft, link, row.model_copy(update={"wanted": ""}))
        return
    row = row.model_copy(update={"wanted": content_hash})
    draft.write(rows.want_row(link), content, "wanted")
    if row.command:
        phase = Phase.REQUESTED if row.slot else Phase.DOUBTFUL
        draft.write(rows.link_row(link), row.model_copy(update={"phase": phase}), "wanted", "a command is in flight")
        return
    request(draft, link, row, build)


def request(draft: Draft, link: str, row: LinkRow, build: Build) -> None:
    """Ask for the wanted content now, or queue for a place in the window."""
    settings = draft.read(rows.SETTINGS, SettingsRow)
    window = draft.read(rows.window_row(BILL), WindowRow) or WindowRow()
    content = draft.read(rows.want_row(link), WantRow)
    if content is None:
        _settle(draft, link, row)
        return
    limit = WINDOW if row.priority <= Priority.BEFORE_PAYMENT else WINDOW - RESERVED
    active = settings is not None and settings.settings.state is State.ACTIVE
    if settings is None or not active or window.closed or window.unanswered >= limit:
        key = row.ready or rows.ready_row(BILL, row.priority, draft.origin.offset, link)
        draft.write(key, ReadyRow(link=link), "queued")
        draft.write(rows.link_row(link), row.model_copy(update={"phase": Phase.READY, "ready": key}), "ready")
        return
    if row.ready:
        draft.remove(row.ready, "dequeued")
    row = row.model_copy(update={"ready": ""})
    frame = build(draft, link, row, content, settings)
    identity = command_id(
        f"{frame.connection}/{link}", frame.intent, f"{row.revision}/{frame.content_hash}", row.attempt
    )
    row = row.model_copy(update={"phase": Phase.REQUESTED, "command": identity, "slot": True, "intent": frame.intent})
    draft.commands.append(Command(identity, frame, settings.settings.bill.budget))
    draft.write(rows.window_row(BILL), window.model_copy(update={"unanswered": window.unanswered + 1}), "window")
    draft.write(rows.link_row(link), row, "requested")


def pull(draft: Draft, build_for: Callable[[str], Build]) -> None:
    """Let queued links take the places that are free, in their order."""
    window = draft.read(rows.window_row(BILL), WindowRow) or WindowRow()
    if window.closed:
        return
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is None or settings.settings.state is not State.ACTIVE:
        return
    for key in draft.keys(rows.ready_prefix(BILL), PULLED):
        place = draft.read(key, ReadyRow)
        row = draft.read(rows.link_row(place.link), LinkRow) if place else None
        if place is None or row is None or row.ready != key:
            draft.remove(key, "dequeued")
            continue
        request(draft, place.link, row, build_for(row.kind))


def hold(draft: Draft, link: str, row: LinkRow, held: HoldRow, why: str = "") -> None:
    """Let a link wait for a person. A command in flight goes on; its outcome finds the link held."""
    if row.ready:
        draft.remove(row.ready, "dequeued")
    draft.write(rows.hold_row(link), held, "held", why)
    draft.write(rows.link_row(link), row.model_copy(update={"phase": Phase.HELD, "ready": ""}), "held", why)


def accept(draft: Draft, link: str, row: LinkRow, target: str, content_hash: str, build: Build) -> None:
    """The outside now has ``content_hash`` in ``target``; anything newer that is wanted is asked for next."""
    draft.write(rows.index_row(row.kind, target), IndexRow(link=link), "indexed")
    row = row.model_copy(
        update={"target": target, "accepted": content_hash, "revision": row.revision + 1, "attempt": 1, "command": ""}
    )
    if row.wanted == content_hash:
        draft.remove(rows.want_row(link), "want.gone")
        _settle(draft, link, row.model_copy(update={"wanted": "", "intent": None}))
        return
    request(draft, link, row, build)


def free_slot(draft: Draft, row: LinkRow) -> LinkRow:
    """Give the place in the window back, once."""
    if not row.slot:
        return row
    window = draft.read(rows.window_row(BILL), WindowRow) or WindowRow()
    draft.write(rows.window_row(BILL), window.model_copy(update={"unanswered": window.unanswered - 1}), "window")
    return row.model_copy(update={"slot": False})


def again(draft: Draft, link: str, row: LinkRow, outcome: OutcomeFact, build: Build) -> None:
    """The command ended without effect and without fault of the record: decide it again as the next attempt."""
    if outcome.result is Result.PARKED:
        window = draft.read(rows.window_row(BILL), WindowRow) or WindowRow()
        if not window.closed:
            draft.write(
                rows.window_row(BILL), window.model_copy(update={"closed": True}), "window.closed", outcome.message
            )
    row = row.model_copy(update={"command": "", "attempt": row.attempt + 1})
    request(draft, link, row, build)


def _settle(draft: Draft, link: str, row: LinkRow) -> None:
    """Nothing more is wanted outside: the link rests, held if something about its record is wrong."""
    if row.ready:
        draft.remove(row.ready, "dequeued")
    held = draft.read(rows.hold_row(link), HoldRow) is not None
    phase = Phase.HELD if held else Phase.LINKED if row.target else Phase.IGNORED
    draft.write(rows.link_row(link), row.model_copy(update={"phase": phase, "ready": ""}), phase.value)
