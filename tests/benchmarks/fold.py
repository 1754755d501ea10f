"""The fold of the journal, beside pydantic alone on the same bytes.

Both are one thread that waits for nothing, so the processor time of that thread is taken: on a machine that does other
things too it says the same.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.company import Company, mix
from benchmarks.measuring import Goal, Pair
from tieout.decide.decide import decide
from tieout.decide.folding import Fold, MemoryView
from tieout.decide.state import Origin
from tieout.events.envelope import Headers, Message, Payload
from tieout.events.journal import Entry
from tieout.log.topics import Names
from tieout_decider.deciding import journaled

GOAL: Final = 0.25
# Entries between two looks at the clock: a few milliseconds.
PIECE: Final = 500
NAMES: Final = Names("bench", 1)
Journal = list[tuple[Headers, bytes]]


@dataclass(frozen=True)
class Size:
    """``facts`` of the decider's mix make the journal that each round folds."""

    rounds: int = 9
    facts: int = 4_000


def measure(size: Size) -> list[Goal]:
    """Both over the journal, piece by piece in turn."""
    companies = [Company(f"acme{number}", 10, 26) for number in range(max(1, size.facts // 250))]
    journal = written(companies, mix(companies, size.facts))
    rounds = [_round(journal) for _ in range(size.rounds)]
    notes = {"entries": len(journal), "bytes per entry": round(sum(len(value) for _, value in journal) / len(journal))}
    return [
        Goal("fold of the journal / bare model_validate_json", "entries/s", tuple(rounds), GOAL, notes=notes),
    ]


def _round(journal: Journal) -> Pair:
    fold = Fold()
    ours = bare = 0.0
    for start in range(0, len(journal), PIECE):
        piece = journal[start : start + PIECE]
        ours += _seconds(lambda piece: folded(piece, fold), piece)
        bare += _seconds(parsed, piece)
    return Pair(len(journal) / ours, len(journal) / bare)


def folded(journal: Journal, fold: Fold) -> Fold:
    """Ours: headers read, entries parsed, rows assigned."""
    for headers, value in journal:
        fold.add(headers, value)
    return fold


def parsed(journal: Journal) -> None:
    """The bare thing: what it says is thrown away."""
    for _, value in journal:
        Entry.model_validate_json(value)


def _seconds(work: Callable[[Journal], object], journal: Journal) -> float:
    began = time.thread_time()
    work(journal)
    return time.thread_time() - began


def written(companies: list[Company], facts: list[Message[Payload]]) -> Journal:
    """The journal that follows from the companies' own facts and from further ones, as the decider writes it."""
    views: dict[str, MemoryView] = {company.connection: MemoryView() for company in companies}
    journal = []
    for offset, fact in enumerate([*(fact for company in companies for fact in company.facts), *facts]):
        view = views[fact.partitionkey]
        decision = decide(view, Origin(fact.partitionkey, fact.id, offset, fact.time), fact.data)
        view.apply(decision.entries)
        journal += [(one.headers, one.value or b"") for one in journaled(NAMES, fact, decision.entries, 0)]
    return journal
