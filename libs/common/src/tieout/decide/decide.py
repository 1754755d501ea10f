"""``decide``: one fact and the state of its connection in, a decision out. No clock, no randomness, no I/O."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tieout.decide import (
    bill_side,
    bills,
    discounts,
    documents,
    entries,
    lifecycle,
    masters,
    names,
    outcomes,
    paid_outside,
    payments,
    reversals,
    rows,
    transfers,
    vendors,
    waiting,
)
from tieout.decide.lifecycle import Build
from tieout.decide.rows import HoldRow, LinkRow, RunRow, SettingsRow
from tieout.decide.state import Decision, Draft, Origin, View
from tieout.events import catalogue
from tieout.events.envelope import Payload, UnknownType
from tieout.events.facts import (
    AccountObserved,
    BillObserved,
    BillPaymentObserved,
    BillVendorObserved,
    DimensionValueObserved,
    DocumentFetched,
    HoldReleased,
    InvoiceObserved,
    LedgerEntryObserved,
    OutcomeFact,
    RunFact,
    RunPhase,
    SettingsFact,
    SideFact,
    TickFact,
    UnreadableFact,
    VendorObserved,
)
from tieout.events.identity import canonical

FACT: Final = "fact/"
FAULT: Final = "fault"
FAULT_NOT_KEPT: Final = "fault.not_kept"
# The largest fact, in bytes of JSON, that its hold keeps: a row and an entry of the journal take 256 KiB, and a fact
# may have 1 MiB. A larger one is read again instead.
KEPT: Final = 128 * 1024


@dataclass(frozen=True)
class KindOfLink:
    """What a kind adds to the life-cycle: its command, which candidate is it, what an answer or a change leads to."""

    build: Build
    fits: outcomes.Fits
    answered: outcomes.After | None = None
    reconsider: outcomes.Reconsider | None = None
    linked: outcomes.Linked | None = None


KINDS: Final[dict[str, KindOfLink]] = {
    vendors.KIND: KindOfLink(vendors.build, vendors.fits),
    masters.ACCOUNT: KindOfLink(masters.build, masters.fits),
    masters.DIMENSION: KindOfLink(masters.build, masters.fits),
    bills.KIND: KindOfLink(bills.build, bills.fits, bills.answered, bills.reconsider),
    paid_outside.KIND: KindOfLink(paid_outside.build, paid_outside.fits, discounts.answered, discounts.reconsider),
    documents.KIND: KindOfLink(documents.build, documents.fits, documents.answered),
    payments.KIND: KindOfLink(payments.build, payments.fits, payments.answered, payments.reconsider, payments.linked),
    transfers.KIND: KindOfLink(
        transfers.build, transfers.fits, transfers.answered, transfers.reconsider, transfers.linked
    ),
    reversals.KIND: KindOfLink(reversals.build, reversals.fits),
}


def decide(view: View, origin: Origin, fact: Payload) -> Decision:
    """Decide one fact.

    Raises:
        KeyError: a payload that is no fact.
        Exception: a defect; ``fault`` turns it into a hold.
    """
    draft = Draft(view, origin)
    HANDLERS[type(fact)](draft, fact)
    if type(fact) in FREEING:
        payments.refresh(draft)
    lifecycle.work(draft, _build_for, _reconsider, freed=type(fact) in FREEING)
    return draft.decision()


def fault(view: View, origin: Origin, error: Exception, fact: Payload) -> Decision:
    """A defect in deciding a fact becomes a hold that keeps the fact, and the connection goes on.

    A fact that fails again at its release stays held as it was.
    """
    draft = Draft(view, origin)
    kind = type(error).__name__
    if isinstance(fact, HoldReleased) and fact.link.startswith(FACT):
        before = draft.read(rows.hold_row(fact.link), HoldRow)
        if before is not None:
            changes = {"params": {**before.params, "error": kind}, "since": origin.time, "fact": origin.fact}
            draft.write(rows.hold_row(fact.link), before.model_copy(update=changes), "held", "it failed again")
        return draft.decision()
    params = {"fact": origin.fact, "offset": str(origin.offset), "error": kind}
    held = HoldRow(reason=FAULT, params=params, since=origin.time, fact=origin.fact)
    payload = fact.model_dump_json()
    if len(payload.encode()) <= KEPT:
        kept = {"type": catalogue.name_of(fact), "payload": json.loads(payload)}
        held = held.model_copy(update=kept)
    else:
        held = held.model_copy(update={"reason": FAULT_NOT_KEPT})
    draft.write(rows.hold_row(f"{FACT}{origin.fact}"), held, "held")
    return draft.decision()


def _settings(draft: Draft, fact: SettingsFact) -> None:
    current = draft.read(rows.SETTINGS, SettingsRow)
    if current is not None and current.generation >= fact.generation:
        return
    draft.write(rows.SETTINGS, SettingsRow(generation=fact.generation, settings=fact.settings), "settings")
    waiting.arrived(draft, names.SETTINGS)


def _tick(draft: Draft, _fact: TickFact) -> None:
    payments.refresh(draft)
    lifecycle.probe(draft, _build_for)
    transfers.tick(draft)


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
    of_link = KINDS[kind]
    outcomes.answered(draft, fact, of_link.build, of_link.fits, of_link.answered)


def _side(draft: Draft, fact: SideFact) -> None:
    if fact.side in rows.SIDES and fact.healed:
        lifecycle.reopen(draft, fact.side, fact.reason)


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


def _fault_released(draft: Draft, fact: HoldReleased) -> None:
    """The fact is decided again, as of now; one that was too large to keep has to be seen again."""
    held = draft.read(rows.hold_row(fact.link), HoldRow)
    if held is None or held.reason != fact.reason:
        return
    draft.remove(rows.hold_row(fact.link), "hold.released", f"{fact.person}: {fact.text}")
    if not held.type:
        return
    model = catalogue.model_of(held.type)
    if model is None:
        raise UnknownType(held.type)
    again = model.model_validate_json(canonical(held.payload), extra="ignore")
    HANDLERS[model](draft, again)


def _released(draft: Draft, fact: HoldReleased) -> None:
    if fact.link.startswith(FACT):
        _fault_released(draft, fact)
        return
    kind = fact.link.split("/", 1)[0]
    if kind in KINDS:
        of_link = KINDS[kind]
        outcomes.released(draft, fact, of_link.build, of_link.reconsider, of_link.linked)


def _reconsider(draft: Draft, _link: str, row: LinkRow) -> None:
    again = KINDS[row.kind].reconsider
    if again is not None:
        again(draft, row)


def _build_for(kind: str) -> Build:
    return KINDS[kind].build


# Facts after which a place in a window may be free. What is merely seen asks for its place itself.
FREEING: Final = frozenset({SettingsFact, TickFact, OutcomeFact, SideFact, HoldReleased})

HANDLERS: Final[dict[type[Payload], Callable[[Draft, Any], None]]] = {
    SettingsFact: _settings,
    TickFact: _tick,
    RunFact: _run,
    VendorObserved: vendors.observed,
    AccountObserved: masters.account_observed,
    DimensionValueObserved: masters.dimension_value_observed,
    InvoiceObserved: bills.observed,
    LedgerEntryObserved: entries.observed,
    DocumentFetched: documents.fetched,
    BillPaymentObserved: payments.observed,
    BillObserved: bill_side.shown,
    BillVendorObserved: vendors.shown,
    OutcomeFact: _outcome,
    SideFact: _side,
    UnreadableFact: _unreadable,
    HoldReleased: _released,
}
