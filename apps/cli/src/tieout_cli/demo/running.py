"""One run of the demo from its wish to its report: begin or attach, stages, once more, stop."""

import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tieout_cli.demo import again as agains
from tieout_cli.demo import comparing, figures, proof, scene, stages, timeline
from tieout_cli.demo.findings import Findings
from tieout_cli.demo.place import Note, Place
from tieout_cli.demo.progress import Progress
from tieout_cli.demo.report import Report
from tieout_cli.demo.scene import Scene
from tieout_cli.demo.timeline import Event
from tieout_cli.output import CliError
from tieout_devstack.errors import DevstackError
from tieout_devstack.files import locked, write_atomically
from tieout_sandbox.company import FULL, SMALL, build
from tieout_sandbox.company.bill_side import ORGANIZATION

SIZES: Final = {"full": FULL, "small": SMALL}
ERPS: Final = ("business-central",)
Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


@dataclass(frozen=True)
class Wish:
    """What was asked for. ``seed`` None takes one by chance."""

    erp: str = ERPS[0]
    seed: int | None = None
    size: str = "full"
    again: bool = False
    cold: bool = False
    keep: bool = False
    folder: Path | None = None


def run(wish: Wish, progress: Progress) -> tuple[Report, Scene | None]:
    """The report, and the scene if it was left running.

    Raises:
        CliError, DevstackError: it could not be done; everything is stopped.
        KeyboardInterrupt: somebody ended it; the same.
    """
    place = Place.at(wish.folder)
    with _alone(place), _ended_by_sigterm():
        began = time.monotonic()
        note = place.noted() if wish.again else None
        made = _attached(place, note, progress) if note else _new(place, wish, progress)
        findings = Findings()
        try:
            if note is None:
                _main_job(made, progress, findings)
            else:
                findings.seconds, findings.people = dict(note.stages), dict(note.people)
            if wish.again:
                findings.again = agains.again(made, progress, findings, cold=wish.cold)
                with progress.stage("the tie-out of both ledgers"):
                    comparing.compare(made, progress, findings)
            report = _report(wish, made, findings, began)
        except BaseException:  # also Ctrl-C and SIGTERM: nine processes must not outlive this one
            with _uninterrupted():
                made.stop()
            progress.say("everything is stopped")
            raise
        if note is None and not wish.keep:
            with progress.stage("everything stopped"), _uninterrupted():
                made.stop()
            return report, None
        _note(made, note.erp if note else wish.erp, note.size if note else wish.size, findings)
        made.close()
        return report, made


def stop(folder: Path | None) -> list[str]:
    """Stop what an earlier demo left running; the names of the processes that were."""
    place = Place.at(folder)
    with _alone(place):
        return scene.replace(place)


def _new(place: Place, wish: Wish, progress: Progress) -> Scene:
    """A scene of a new company; nothing of it runs yet, and nothing of an earlier one any more."""
    left = scene.replace(place)
    if left:
        progress.say(f"an earlier demo was still there; stopped: {', '.join(left)}")
    seed = secrets.randbelow(1_000_000) if wish.seed is None else wish.seed
    company = build(seed, datetime.now(UTC).date(), SIZES[wish.size])
    for name, world in (("business-central", company.erp), ("bill", company.bill)):
        write_atomically(place.worlds / f"{name}.json", dumps(world, ensure_ascii=False))
    return Scene(place, company, kept=wish.keep)


def _attached(place: Place, note: Note, progress: Progress) -> Scene:
    progress.say(f"going on with the demo of seed {note.seed} that was kept running")
    company = build(note.seed, note.today, SIZES[note.size])
    made = Scene(place, company, kept=True, ports=dict(note.ports))
    made.attach()
    made.start_ground()
    return made


def _main_job(made: Scene, progress: Progress, findings: Findings) -> None:
    findings.seconds = dict.fromkeys(stages.CLOCKS)
    with _timed(findings, "start"):
        with progress.stage("Kafka, PostgreSQL and the outside worlds"):
            made.start_worlds_and_ground()
        with progress.stage("the services"):
            made.start_services()
    for stage in stages.STAGES:
        with _timed(findings, stage.clock), progress.stage(stage.title):
            stage.run(made, progress, findings)


def _report(wish: Wish, made: Scene, findings: Findings, began: float) -> Report:
    made.view.refresh()
    holds = tuple(made.view.holds.values())
    erp, bill = made.erp.ledger(), made.bill.ledger()
    calls = {"bill": made.bill.requests(), "erp": made.erp.requests()}
    spent = agains.spent(calls, made.entra.requests())
    for name, count in findings.people.items():
        spent["bill"][name] -= count
    found = proof.prove(erp, bill)
    findings.payments_applied, findings.payments_reversed = found.applied, found.reversed
    findings.differences += found.differences
    number, story = _of_one_invoice(made, bill)
    return Report(
        erp=wish.erp,
        company=made.company,
        standing=figures.standing(made.company, erp, bill, holds),
        holds=holds,
        calls=spent,
        findings=findings,
        elapsed=time.monotonic() - began,
        invoice=number,
        timeline=tuple(story),
        links={kind: dict(made.view.phases(kind)) for kind in made.view.kinds()},
    )


def _of_one_invoice(made: Scene, bill: dict[str, Any]) -> tuple[str, list[Event]]:
    """The timeline of an invoice that has much to tell: paid and with a document, else paid, else any."""
    there = bill["organizations"][ORGANIZATION]
    paid = [part["billId"] for one in there["payments"] if one["onlinePayment"] for part in one["billPayments"]]
    filed = [one["subjectId"] for one in there["documents"]]
    shown = [*(one for one in paid if one in filed), *paid, *filed, *(one["id"] for one in there["bills"])]
    by_target = {row.get("target", ""): row for link, row in made.view.links.items() if link.startswith("bill/")}
    for bill_id in shown:
        row = by_target.get(bill_id)
        if row is not None:
            return row.get("number", ""), timeline.of_record(made.api, f"bill/{row['record']}")
    return "", []


def _note(made: Scene, erp: str, size: str, findings: Findings) -> None:
    made.place.note(
        Note(
            erp=erp,
            seed=made.company.seed,
            today=made.company.today,
            size=size,
            stages=findings.seconds,
            people=findings.people,
            ports=made.ports,
        )
    )


@contextmanager
def _timed(findings: Findings, clock: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    findings.seconds[clock] = (findings.seconds.get(clock) or 0.0) + time.monotonic() - began


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """One demo at a time in one folder."""
    try:
        with locked(place.folder / "demo.lock", seconds=0):
            yield
    except DevstackError as error:
        if "demo.lock" not in str(error):
            raise
        raise CliError(
            f"another demo is running in {place.folder}", cure="Wait for it, or end it by Ctrl-C.", word="running"
        ) from None


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: everything is stopped first."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling({signal.SIGTERM: end}):
        yield


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Stopping takes seconds; an impatient second Ctrl-C must not leave half of it running."""
    with _handling({signal.SIGTERM: signal.SIG_IGN, signal.SIGINT: signal.SIG_IGN}):
        yield


@contextmanager
def _handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
