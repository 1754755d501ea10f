"""``decide``: one fact and the state of its connection in, a decision out. No clock, no randomness, no I/O."""

from collections.abc import Callable
from typing import Any, Final

from tieout.decide import lifecycle, outcomes, rows, vendors
from tieout.decide.lifecycle import Build
from tieout.decide.rows import HoldRow, RunRow, SettingsRow, WindowRow
from tieout.decide.state import Decision, Draft, Origin, View
from tieout.events.envelope import Payload
from tieout.events.facts import (
    HoldReleased,
    OutcomeFact,
    RunFact,
    RunPhase,
    SettingsFact,
    SideFact,
    TickFact,
    UnreadableFact,
    VendorObserved,
)

BUILDS: Final[dict[str, Build]] = {vendors.KIND: vendors.build}
FITS: Final[dict[str, outcomes.Fits]] = {vendors.KIND: vendors.fits}


def decide(view: View, origin: Origin, fact: Payload) -> Decision:
    """Decide one fact.

    Raises:
        KeyError: a payload that is no fact.
        Exception: a defect; ``fault`` turns it into a hold.
    """
    draft = Draft(view, origin)
    HANDLERS[type(fact)](draft, fact)
    return draft.decision()


def fault(view: View, origin: Origin, error: Exception) -> Decision:
    """A defect in deciding a fact becomes a hold that names the fact, and the connection goes on."""
    draft = Draft(view, origin)
    params = {"fact": origin.fact, "offset": str(origin.offset), "error": type(error).__name__}
    held = HoldRow(reason="fault", params=params, since=origin.time, fact=origin.fact)
    draft.write(rows.hold_row(f"fact/{origin.fact}"), held, "held")
    return draft.decision()


def _settings(draft: Draft, fact: SettingsFact) -> None:
    current = draft.read(rows.SETTINGS, SettingsRow)
    if current is not None and current.generation >= fact.generation:
        return
    draft.write(rows.SETTINGS, SettingsRow(generation=fact.generation, settings=fact.settings), "settings")
    _pull(draft)


def _tick(draft: Draft, _fact: TickFact) -> None:
    _pull(draft)


def _run(draft: Draft, fact: RunFact) -> None:
    current = draft.read(rows.run_row(fact.kind), RunRow)
    if current is not None and (fact.number < current.number or (fact.number == current.number and current.ended)):
        return
    ended = fact.phase is RunPhase.ENDED
    if current is not None and fact.number == current.number and not ended:
        return
    draft.write(rows.run_row(fact.kind), RunRow(number=fact.number, ended=ended, rows=fact.rows), f"run.{fact.phase}")


def _outcome(draft: Draft, fact: OutcomeFact) -> None:
    kind = fact.link.split("/", 1)[0]
    outcomes.answered(draft, fact, BUILDS[kind], FITS[kind])
    _pull(draft)


def _side(draft: Draft, fact: SideFact) -> None:
    key = rows.window_row(fact.side)
    window = draft.read(key, WindowRow) or WindowRow()
    if fact.healed and window.closed:
        draft.write(key, window.model_copy(update={"closed": False}), "window.opened", fact.reason)
    _pull(draft)


def _unreadable(draft: Draft, fact: UnreadableFact) -> None:
    key = rows.hold_row(f"unreadable/{fact.kind}/{fact.key}")
    held = draft.read(key, HoldRow)
    if held is not None and held.params.get("reason") == fact.reason:
        return
    params = {
        "kind": fact.kind,
        "key": fact.key,
        "reason": fact.reason,
        "place": f"{fact.topic}/{fact.partition}/{fact.offset}",
    }
    origin = draft.origin
    held = HoldRow(reason="unreadable", params=params, since=origin.time, fact=origin.fact, mapping=True)
    draft.write(key, held, "held")


def _released(draft: Draft, fact: HoldReleased) -> None:
    kind = fact.link.split("/", 1)[0]
    if kind in BUILDS:
        outcomes.released(draft, fact, BUILDS[kind])


def _pull(draft: Draft) -> None:
    lifecycle.pull(draft, BUILDS.__getitem__)


HANDLERS: Final[dict[type[Payload], Callable[[Draft, Any], None]]] = {
    SettingsFact: _settings,
    TickFact: _tick,
    RunFact: _run,
    VendorObserved: vendors.observed,
    OutcomeFact: _outcome,
    SideFact: _side,
    UnreadableFact: _unreadable,
    HoldReleased: _released,
}
