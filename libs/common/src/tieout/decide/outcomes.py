"""What a writer's answer does to a link. An answer for anything but the outstanding command is ignored."""

from collections.abc import Callable
from typing import Any, Final

from tieout.decide import lifecycle, rows
from tieout.decide.lifecycle import Build
from tieout.decide.rows import HoldRow, IndexRow, LinkRow, Phase, SettingsRow, TaskRow, WantRow
from tieout.decide.state import Draft
from tieout.events.commands import Intent
from tieout.events.facts import Candidate, HoldReleased, OutcomeFact, Result

Fits = Callable[[LinkRow, Candidate, dict[str, Any]], bool]
"""Whether a candidate is what the link stands for, given the content that is wanted."""
# Results that show that the side works: a closed window opens again.
ANSWERS: Final = frozenset({Result.APPLIED, Result.FOUND, Result.REJECTED, Result.ABSENT, Result.WAITING})

# After these, parts of an order may stand in the ERP.
BEGUN: Final = frozenset({Result.IN_DOUBT, Result.WAITING, Result.ESCALATED})

# Holds of an order that a person releases as it was asked, whatever the settings have become.
AS_ASKED: Final = frozenset({"payment.bill_held"})

After = Callable[[Draft, LinkRow, LinkRow, OutcomeFact], None]
"""Told of every answer of a kind's links: the row before it, the row after it."""
Linked = Callable[[Draft, LinkRow, WantRow, Candidate], None]
"""Told that a person chose what was found in the ERP: the row as linked, what was wanted, what was chosen."""
Reconsider = Callable[[Draft, LinkRow], None]


def answered(draft: Draft, fact: OutcomeFact, build: Build, fits: Fits, after: After | None) -> None:
    """Apply an outcome to its link."""
    link = fact.link
    row = draft.read(rows.link_row(link), LinkRow)
    if row is None or row.command != fact.command:
        return
    if fact.result is not Result.WAITING:
        draft.remove(rows.task_row(link), "task.gone")
    _apply(draft, link, row, fact, build, fits)
    now = draft.read(rows.link_row(link), LinkRow)
    if after is not None and now is not None:
        after(draft, row, now, fact)
    if fact.result in ANSWERS:
        lifecycle.reopen(draft, rows.side_of(row.kind), f"{fact.link} was answered")


def _apply(draft: Draft, link: str, row: LinkRow, fact: OutcomeFact, build: Build, fits: Fits) -> None:
    row = lifecycle.free_slot(draft, row)
    if fact.result in BEGUN and rows.side_of(row.kind) == rows.ERP:
        row = row.model_copy(update={"begun": True})
    if fact.result is Result.WAITING:
        _await(draft, link, row, fact)
    elif fact.result is Result.IN_DOUBT:
        phase = row.phase if row.phase is Phase.HELD else Phase.DOUBTFUL
        draft.write(rows.link_row(link), row.model_copy(update={"phase": phase}), "doubtful", fact.message)
    elif fact.result is Result.APPLIED:
        _take(draft, link, row, fact.target, fact.content, build)
    elif fact.result is Result.FOUND:
        _found(draft, link, row, fact, build, fits)
    elif fact.result is Result.REJECTED:
        _refused(draft, link, row, fact, build)
    elif fact.result is Result.ESCALATED:
        params = {"number": row.number, "count": str(len(fact.candidates))}
        _wait(draft, link, row, "doubt.unsettled", params, fact.candidates)
    else:
        lifecycle.again(draft, link, row, fact, build)


def released(
    draft: Draft, fact: HoldReleased, build: Build, reconsider: Reconsider | None, linked: Linked | None
) -> None:
    """A person releases a hold: link a candidate, create in spite of them, or just try again.

    Where nothing was wanted yet, because the hold came before, the record is decided anew without that objection; so
    is an order of which nothing can stand in the ERP, since the settings may have been corrected meanwhile.
    """
    link = fact.link
    row = draft.read(rows.link_row(link), LinkRow)
    held = draft.read(rows.hold_row(link), HoldRow)
    if row is None or held is None or held.reason != fact.reason or row.command or held.mapping:
        return
    if not _enough(draft, link, held, fact):
        return
    draft.remove(rows.hold_row(link), "hold.released", f"{fact.person}: {fact.text}")
    row = row.model_copy(update={"released": tuple(sorted({*row.released, held.reason}))})
    chosen = next((c for c in held.candidates if c.id == fact.choice), None)
    if chosen is not None:
        _choose(draft, link, row, chosen, build, linked)
        return
    if fact.choice == "create":
        excluded = tuple(sorted({*row.excluded, *(c.id for c in held.candidates)}))
        row = row.model_copy(update={"excluded": excluded})
    if reconsider is not None and _is_to_be_planned(draft, link, row, held):
        draft.remove(rows.want_row(link), "want.gone")
        row = row.model_copy(update={"wanted": ""})
        lifecycle.settle(draft, link, row)
        reconsider(draft, row)
        return
    lifecycle.request(draft, link, row, build)


def _is_to_be_planned(draft: Draft, link: str, row: LinkRow, held: HoldRow) -> bool:
    if draft.read(rows.want_row(link), WantRow) is None:
        return True
    if held.reason in AS_ASKED:
        return False
    return rows.side_of(row.kind) == rows.ERP and not row.target and not row.begun


def _choose(draft: Draft, link: str, row: LinkRow, chosen: Candidate, build: Build, linked: Linked | None) -> None:
    """A person says which candidate it is. In the ERP that is the order itself, done: nothing of it is asked again."""
    want = draft.read(rows.want_row(link), WantRow)
    if rows.side_of(row.kind) == rows.ERP:
        row = row.model_copy(update={"asked": row.wanted})
    _take(draft, link, row, chosen.id, _content(row, chosen), build)
    now = draft.read(rows.link_row(link), LinkRow)
    if linked is not None and want is not None and now is not None and now.phase is Phase.LINKED:
        linked(draft, now, want, chosen)


def _content(row: LinkRow, candidate: Candidate) -> str:
    """The hash of what a candidate holds. Postings cannot be changed, so one that is the order has what was sent."""
    return row.sent if rows.side_of(row.kind) == rows.ERP else candidate.content


def _enough(draft: Draft, link: str, held: HoldRow, fact: HoldReleased) -> bool:
    """Whether as many people have released it as the connection's policy asks for; the first one is remembered."""
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is None or held.reason != "bill.duplicate":
        return True
    if settings.settings.policy.release.duplicate == "one-person" or set(held.approvals) - {fact.person}:
        return True
    if fact.person not in held.approvals:
        once = held.model_copy(update={"approvals": (*held.approvals, fact.person)})
        draft.write(
            rows.hold_row(link), once, "hold.approved", f"{fact.person}: {fact.text}; a second person is needed"
        )
    return False


def _take(draft: Draft, link: str, row: LinkRow, target: str, content: str, build: Build) -> None:
    """A BILL object belongs to one link only."""
    owner = draft.read(rows.index_row(row.kind, target), IndexRow)
    if owner is not None and owner.link != link:
        params = {"number": row.number, "target": target, "owner": owner.link}
        _wait(draft, link, row, "match.taken", params)
        return
    lifecycle.accept(draft, link, row, target, content, build)


def _found(draft: Draft, link: str, row: LinkRow, fact: OutcomeFact, build: Build, fits: Fits) -> None:
    want = draft.read(rows.want_row(link), WantRow)
    content = {} if want is None else want.content
    mine = [candidate for candidate in fact.candidates if fits(row, candidate, content)]
    if len(mine) != 1:
        params = {"number": row.number, "count": str(len(mine or fact.candidates))}
        _wait(draft, link, row, "match.ambiguous", params, tuple(mine) or fact.candidates)
    elif mine[0].archived:
        params = {"number": row.number, "target": mine[0].id}
        _wait(draft, link, row, "match.archived", params, (mine[0],))
    else:
        _take(draft, link, row, mine[0].id, _content(row, mine[0]), build)


def _await(draft: Draft, link: str, row: LinkRow, fact: OutcomeFact) -> None:
    """Recorded outside; somebody there has to act. The link stays with its command, its place is free."""
    told = fact.waiting
    work = None if told is None else told.work
    task = TaskRow(
        why="" if told is None else told.why.value,
        since=draft.origin.time,
        detail="" if told is None else told.detail,
        page="" if work is None else work.page,
        action="" if work is None else work.action,
        until="" if work is None else work.until,
    )
    before = draft.read(rows.task_row(link), TaskRow)
    if before is None or before.model_copy(update={"since": task.since}) != task:
        draft.write(rows.task_row(link), task, "task")
    draft.write(rows.link_row(link), row.model_copy(update={"phase": Phase.AWAITED}), "awaited", task.why)


def _refused(draft: Draft, link: str, row: LinkRow, fact: OutcomeFact, build: Build) -> None:
    if row.wanted != row.asked:
        # The refused content is no longer what is wanted: try the newer one.
        lifecycle.again(draft, link, row, fact, build)
        return
    if fact.intent == Intent.BILL_FIND:
        # It was only looked for; not being there is an answer, and nothing is wrong.
        draft.remove(rows.want_row(link), "want.gone")
        lifecycle.settle(draft, link, row.model_copy(update={"command": "", "wanted": "", "looked": True}))
        return
    side = "BILL" if rows.side_of(row.kind) == rows.BILL else "The ERP"
    params = {"number": row.number, "code": fact.code, "message": fact.message, "cure": fact.cure, "side": side}
    _wait(draft, link, row, "refused", params)


def _wait(
    draft: Draft, link: str, row: LinkRow, reason: str, params: dict[str, str], candidates: tuple[Candidate, ...] = ()
) -> None:
    origin = draft.origin
    held = HoldRow(reason=reason, params=params, since=origin.time, fact=origin.fact, candidates=candidates)
    row = row.model_copy(update={"command": "", "attempt": row.attempt + 1})
    lifecycle.hold(draft, link, row, held)
