"""What a writer's answer does to a link. An answer for anything but the outstanding command is ignored."""

from collections.abc import Callable
from typing import Final

from tieout.decide import lifecycle, rows
from tieout.decide.lifecycle import Build
from tieout.decide.rows import HoldRow, IndexRow, LinkRow, Phase, SettingsRow
from tieout.decide.state import Draft
from tieout.events.facts import Candidate, HoldReleased, OutcomeFact, Result

Fits = Callable[[LinkRow, Candidate], bool]
# Results that show that the side works: a closed window opens again.
ANSWERS: Final = frozenset({Result.APPLIED, Result.FOUND, Result.REJECTED, Result.ABSENT})

Accepted = Callable[[Draft, LinkRow], None]


def answered(draft: Draft, fact: OutcomeFact, build: Build, fits: Fits, accepted: Accepted | None) -> None:
    """Apply an outcome to its link; ``accepted`` is told of the first time that it is linked."""
    link = fact.link
    row = draft.read(rows.link_row(link), LinkRow)
    if row is None or row.command != fact.command:
        return
    _apply(draft, link, row, fact, build, fits)
    after = draft.read(rows.link_row(link), LinkRow)
    if accepted is not None and not row.target and after is not None and after.target:
        accepted(draft, after)
    if fact.result in ANSWERS:
        lifecycle.reopen(draft, f"{fact.link} was answered")


def _apply(draft: Draft, link: str, row: LinkRow, fact: OutcomeFact, build: Build, fits: Fits) -> None:
    row = lifecycle.free_slot(draft, row)
    if fact.result is Result.IN_DOUBT:
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


def released(draft: Draft, fact: HoldReleased, build: Build) -> None:
    """A person releases a hold: link a candidate, create in spite of them, or just try again."""
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
        _take(draft, link, row, chosen.id, chosen.content, build)
        return
    if fact.choice == "create":
        excluded = tuple(sorted({*row.excluded, *(c.id for c in held.candidates)}))
        row = row.model_copy(update={"excluded": excluded})
    lifecycle.request(draft, link, row, build)


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
    mine = [candidate for candidate in fact.candidates if fits(row, candidate)]
    if len(mine) != 1:
        params = {"number": row.number, "count": str(len(mine or fact.candidates))}
        _wait(draft, link, row, "match.ambiguous", params, tuple(mine) or fact.candidates)
    elif mine[0].archived:
        params = {"number": row.number, "target": mine[0].id}
        _wait(draft, link, row, "match.archived", params, (mine[0],))
    else:
        _take(draft, link, row, mine[0].id, mine[0].content, build)


def _refused(draft: Draft, link: str, row: LinkRow, fact: OutcomeFact, build: Build) -> None:
    if row.wanted != row.asked:
        # The refused content is no longer what is wanted: try the newer one.
        lifecycle.again(draft, link, row, fact, build)
        return
    params = {"number": row.number, "code": fact.code, "message": fact.message, "cure": fact.cure}
    _wait(draft, link, row, "refused", params)


def _wait(
    draft: Draft, link: str, row: LinkRow, reason: str, params: dict[str, str], candidates: tuple[Candidate, ...] = ()
) -> None:
    origin = draft.origin
    held = HoldRow(reason=reason, params=params, since=origin.time, fact=origin.fact, candidates=candidates)
    row = row.model_copy(update={"command": "", "attempt": row.attempt + 1})
    lifecycle.hold(draft, link, row, held)
