"""What stands in a journal batch before it is posted, and how far it is what an order wants. Pure.

A batch belongs to one order, since posting takes every line of it. It is made with our mark as its name, gets its lines
and their dimensions, and is then *completed*: its name gets a seal, made of the versions of the lines. A line that was
written to since has another version, although all that can be read of it may be as before. That is how a posting shows
which a job queue took over, and also an edit of something that the API does not show: in neither case may it be posted.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tieout.domain.capabilities import HandWork
from tieout.domain.erp_outcomes import Found, FoundBy, Standing, Step, StepEffect, StepResult
from tieout_connectors.business_central.client import SETTLE
from tieout_connectors.business_central.wire import journals as wire

BATCH: Final = "batch"
LINE: Final = "line"
DIMENSION: Final = "dimension"
COMPLETE: Final = "complete"
POST: Final = "post"
GONE: Final = "batch-gone"
LINE_GONE: Final = "line-gone"

CODE_LENGTH: Final = 10
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Journal:
    """Where batches of one kind stand: the sets of batches and lines, and how a line is read."""

    batches: str
    lines: str
    read: Callable[[wire.Row], wire.Line]


PAYMENTS: Final = Journal("vendorPaymentJournals", "vendorPayments", wire.payment_line)
GENERAL: Final = Journal("journals", "journalLines", wire.journal_line)


@dataclass(frozen=True)
class Wanted:
    """A line as the order wants it; ``said`` as in ``wire.Line``, ``body`` to create it."""

    mark: str
    said: Mapping[str, object]
    dimensions: tuple[tuple[str, str], ...]
    body: bytes

    def made(self, line: wire.Line) -> bool:
        """Whether it was made for this: a line that a person adds gets our document number suggested, nothing else."""
        return (line.document, line.said.get(wire.EXTERNAL_NO)) == (self.mark, self.said[wire.EXTERNAL_NO])


@dataclass(frozen=True)
class Draft:
    """A batch as the order wants it; ``balancing`` is the number of the general ledger account it is against."""

    journal: Journal
    mark: str
    balancing: str
    lines: tuple[Wanted, ...]

    @property
    def code(self) -> str:
        """The batch's code."""
        return batch_code(self.mark)


@dataclass(frozen=True)
class Recorded:
    """What is recorded: batches under our code or name, and the lines of the only one, empty ones left out.

    Attributes:
        hidden: lines that only the general journal's page shows: the one for payments leaves out what is no payment,
            and in some versions what a person typed.
        against: the balancing account of lines, by id, where that page tells it.
    """

    batches: tuple[wire.Batch, ...] = ()
    lines: tuple[wire.Line, ...] = ()
    hidden: tuple[wire.Line, ...] = ()
    against: Mapping[str, object] = field(default_factory=dict)

    @property
    def batch(self) -> wire.Batch | None:
        """The only batch, None if there is none or more than one."""
        return self.batches[0] if len(self.batches) == 1 else None


def batch_code(mark: str) -> str:
    """A batch code for a mark: letters only.

    A template with *Increment Batch Name* counts a number at the end of the code up when the batch is posted, and
    would so rename ours, perhaps to that of another order.
    """
    number = int.from_bytes(hashlib.sha256(mark.encode()).digest())
    code = "T"
    while len(code) < CODE_LENGTH:
        number, letter = divmod(number, len(_LETTERS))
        code += _LETTERS[letter]
    return code


def sealed_name(mark: str, lines: Iterable[wire.Line]) -> str:
    """The name of a batch that is complete: the mark, and a digest of the versions of its lines."""
    versions = "".join(sorted(f"{line.id} {line.etag}\n" for line in lines))
    return f"{mark} {hashlib.sha256(versions.encode()).hexdigest()[:16]}"


def plan(draft: Draft) -> tuple[Step, ...]:
    """The steps to the posted order, one changing call each."""
    batches, lines, mark = draft.journal.batches, draft.journal.lines, draft.mark
    steps = [_step(BATCH, f"POST {batches}", mark)]
    for number, line in enumerate(draft.lines, start=1):
        steps.append(_step(f"{LINE}/{number}", f"POST {batches}({{id}})/{lines}", line.mark))
    for number, line in enumerate(draft.lines, start=1):
        steps += [
            _step(f"{DIMENSION}/{number}/{place}", f"POST {lines}({{id}})/dimensionSetLines", line.mark)
            for place in range(1, len(line.dimensions) + 1)
        ]
    return (
        *steps,
        _step(COMPLETE, f"PATCH {batches}({{id}})", mark),
        _step(POST, "POST journals({id})/Microsoft.NAV.post", mark, StepEffect.POST),
        _step(GONE, f"DELETE {batches}({{id}})", mark, StepEffect.TIDY),
    )


def plan_to_withdraw(draft: Draft) -> tuple[Step, ...]:
    """The steps that take back what is recorded and not posted."""
    batches, lines = draft.journal.batches, draft.journal.lines
    return (
        *(
            _step(f"{LINE_GONE}/{number}", f"DELETE {lines}({{id}})", line.mark)
            for number, line in enumerate(draft.lines, start=1)
        ),
        _step(GONE, f"DELETE {batches}({{id}})", draft.mark),
    )


def _step(name: str, call: str, mark: str, effect: StepEffect = StepEffect.PREPARE) -> Step:
    return Step(name=name, call=call, effect=effect, mark=mark, settle=SETTLE)


def judge(draft: Draft, recorded: Recorded) -> Found:
    """How the order stands as far as it is recorded; ABSENT if nothing is."""
    if not recorded.batches:
        return Found(standing=Standing.ABSENT)
    if recorded.batch is None:
        return _found(Standing.SEVERAL, recorded, detail=f"{len(recorded.batches)} journal batches bear its mark")
    own = {line.mark: _numbered(line, recorded) for line in draft.lines}
    doubled = [mark for mark, lines in own.items() if len(lines) > 1]
    if doubled:
        return _found(Standing.SEVERAL, recorded, detail=f"more than one journal line is numbered {doubled[0]}")
    done = _done(draft, recorded.batch, own)
    differences = [*_differences(draft, recorded, own), *_taken_away(draft, {each.step for each in done})]
    if differences:
        return _found(Standing.ALTERED, recorded, done, "; ".join(differences))
    if done[-1].step == COMPLETE and recorded.batch.name != sealed_name(draft.mark, recorded.lines):
        return _found(Standing.WAITING, recorded, done, f"{_WRITTEN_TO} (journal batch {recorded.batch.code})")
    return _found(Standing.PARTIAL, recorded, done)


_WRITTEN_TO: Final = (
    "its journal lines were written to after they were complete: either their posting waits in a job queue, or "
    "somebody changed what the API does not show"
)


def queue_work(draft: Draft) -> HandWork:
    """What a person does about a posting that a job queue took over and did not do."""
    return HandWork(
        page="Job Queue Entries, then the journal",
        action=f"If the job failed or there is none, see why, and post or delete journal batch {draft.code} there.",
        until=f"posted entries are numbered {draft.lines[0].mark}, or the batch is gone",
    )


def left(draft: Draft, found: Found) -> list[str]:
    """The steps before posting that are not seen done."""
    done = {each.step for each in found.done}
    return [step.name for step in plan(draft) if step.name not in {*done, POST, GONE}]


def _found(standing: Standing, recorded: Recorded, done: Sequence[StepResult] = (), detail: str = "") -> Found:
    return Found(
        standing=standing,
        by=FoundBy.MARK,
        done=tuple(done),
        candidates=tuple(one.id for one in recorded.batches),
        detail=detail,
    )


def _done(draft: Draft, batch: wire.Batch, own: Mapping[str, Sequence[wire.Line]]) -> list[StepResult]:
    """The steps whose effect is seen, in the plan's order."""
    done = [StepResult(step=BATCH, handles={"batch": batch.id})]
    for number, line in enumerate(draft.lines, start=1):
        done += [StepResult(step=f"{LINE}/{number}", handles={"line": one.id}) for one in own[line.mark]]
    for number, line in enumerate(draft.lines, start=1):
        have = {code: value for one in own[line.mark] for code, value in one.dimensions.items()}
        done += [
            StepResult(step=f"{DIMENSION}/{number}/{place}")
            for place, (code, value) in enumerate(line.dimensions, start=1)
            if have.get(code) == value
        ]
    if batch.name.startswith(f"{draft.mark} "):
        done.append(StepResult(step=COMPLETE))
    return done


def _differences(draft: Draft, recorded: Recorded, own: Mapping[str, Sequence[wire.Line]]) -> list[str]:
    """What in the batch is not as ordered."""
    found = []
    batch = recorded.batch
    if batch is not None and batch.name.partition(" ")[0] != draft.mark:
        found.append(f"journal batch {batch.code} is named {batch.name!r}, not {draft.mark}")
    if batch is not None and batch.balancing != draft.balancing:
        found.append(f"journal batch {batch.code} is against account {batch.balancing!r}, not {draft.balancing}")
    for line in draft.lines:
        for one in own[line.mark]:
            found += [
                f"{name} of {line.mark}: {_told(value)} was ordered, {_told(one.said.get(name))} is there"
                for name, value in line.said.items()
                if one.said.get(name) != value
            ]
    shown = wire.named(wire.GENERAL, draft.balancing)
    found += [
        f"{one.document} is against {recorded.against[one.id] or 'no account'}, not {shown}"
        for one in recorded.lines
        if recorded.against.get(one.id, shown) != shown
    ]
    ours = {one.id for lines in own.values() for one in lines}
    strange = [*(one for one in recorded.lines if one.id not in ours), *recorded.hidden]
    return found + [f"not ours: {told(one)}" for one in strange]


def _numbered(wanted: Wanted, recorded: Recorded) -> list[wire.Line]:
    """The lines that bear a mark; of several only those that were made for it, if there are any."""
    lines = [one for one in recorded.lines if one.document == wanted.mark]
    return [one for one in lines if wanted.made(one)] or lines if len(lines) > 1 else lines


def made(draft: Draft, recorded: Recorded) -> list[tuple[int, wire.Line]]:
    """The lines that were made for the order, with the numbers of what they were made for, counted from 1."""
    return [
        (number, one)
        for number, wanted in enumerate(draft.lines, start=1)
        for one in recorded.lines
        if wanted.made(one)
    ]


def strangers(draft: Draft, recorded: Recorded) -> list[wire.Line]:
    """The lines in our batch that were not made for the order."""
    ours = {one.id for _number, one in made(draft, recorded)}
    return [*(one for one in recorded.lines if one.id not in ours), *recorded.hidden]


def told(line: wire.Line) -> str:
    """A line, for people."""
    return f"line {line.document or 'without a document number'} of {line.said.get(wire.AMOUNT)}"


def _taken_away(draft: Draft, done: set[str]) -> list[str]:
    """Steps that must have been done and are not seen: lines were made in order, and all before it was complete."""
    steps = [step.name for step in plan(draft)[:-2]]
    lines = [name for name in steps if name.startswith(f"{LINE}/")]
    last = max((place for place, name in enumerate(lines) if name in done), default=-1)
    missing = steps[:-1] if COMPLETE in done else lines[: last + 1]
    return [f"{name} is not there any more" for name in missing if name not in done]


def _told(value: object) -> str:
    return " ".join(str(one) for one in value if one) if isinstance(value, tuple) else str(value)
