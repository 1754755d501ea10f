"""``tieout demo`` in a small size, as a user runs it: the main job, once more, once more from nothing, and its end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.log_lines import BESIDE, Lines, lines_of
from support.recounting import compared_totals, counted_totals, recounted
from support.simulators import Running
from tieout_cli.demo.place import Place
from tieout_devstack import processes
from tieout_sandbox.company import SMALL, build

pytestmark = pytest.mark.timeout(300)
SEED = 7
TIEOUT = (sys.executable, "-m", "tieout_cli")


@dataclass(frozen=True)
class Done:
    """A run of the demo: exit code, what it printed, its report."""

    code: int
    printed: str
    report: dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A demo that was left running by its first run."""

    folder: Path
    first: Done
    lines: Lines

    def run(self, *options: str) -> Done:
        """The demo once more, in the same folder."""
        return demo(self.folder, *options)

    @property
    def ports(self) -> dict[str, int]:
        """Ports by process."""
        note = Place.at(self.folder).noted()
        assert note is not None
        return note.ports

    def recounted(self) -> dict[str, Any]:
        """The figures as a script finds them that knows the simulators only."""
        note = Place.at(self.folder).noted()
        assert note is not None
        company = build(note.seed, note.today, SMALL)
        told = {
            "erp": f"http://127.0.0.1:{note.ports['business-central']}",
            "bill": f"http://127.0.0.1:{note.ports['bill']}",
            "entra": f"https://127.0.0.1:{note.ports['entra']}",
            "ca": str(self.folder / "stack" / "ca" / "ca.pem"),
            "cutover": company.cutover.isoformat(),
            "also": company.also,
            "control": {"DOMESTIC": "2110", "FOREIGN": "2120"},
        }
        return recounted(told)


def demo(folder: Path, *options: str) -> Done:
    """Run the command to its end."""
    report = folder.with_suffix(".json")
    command = [*TIEOUT, "demo", "--size", "small", "--folder", str(folder), "--json", str(report), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    printed = done.stdout + done.stderr
    assert report.exists(), printed
    return Done(done.returncode, printed, json.loads(report.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def kept(devstack_folder: Path) -> Iterator[Kept]:
    """A demo that has done its main job, and still runs."""
    folder = devstack_folder / "demo"
    try:
        first = demo(folder, "--seed", str(SEED), "--keep")
        yield Kept(folder, first, lines_of(folder))
    finally:
        stop = [*TIEOUT, "demo", "--folder", str(folder), "--stop"]
        subprocess.run(stop, capture_output=True, timeout=120, check=True)
        assert alive(folder) == []


def alive(folder: Path) -> list[str]:
    """Names of processes of a demo's folder that run."""
    found = [processes._read_pid_file(file) for file in folder.rglob(f"*{processes.PID_SUFFIX}")]
    return [process.name for process in found if process is not None and process.running()]


def figures_of(done: Done) -> dict[str, Any]:
    """The part of a report that the script finds too; people's own calls at BILL's API count there."""
    report, people = done.report, done.report["people_calls"]
    calls = {side: {name: spent[name] for name in ("calls", "logins")} for side, spent in report["calls"].items()}
    for name in calls["bill"]:
        calls["bill"][name] += people.get(name, 0)
    told: Mapping[str, Any] = {**report, "calls": calls}
    return {name: told[name] for name in FIGURES}


FIGURES = ("vendors_linked", "bills_created", "bills_total", "payments_applied", "payments_reversed", "calls")


def test_the_main_job_leaves_nothing_unexplained(kept: Kept) -> None:
    """Every open invoice within the cut-over is a bill of the same amount, or a hold says what it waits for."""
    first = kept.first
    assert first.code == 0, first.printed
    assert first.report["unexplained"] == []
    assert first.report["seed"] == SEED
    assert f"seed {SEED}" in first.printed
    assert first.report["holds"] == {
        "bill.on_hold_in_erp": SMALL.on_hold,
        "bill.vendor_blocked": SMALL.blocked,
        "vendor.address_incomplete": 1,
    }
    # All but one without an address, and one that was blocked before BILL ever knew it.
    assert first.report["vendors_linked"] == SMALL.vendors - 2
    usual = SMALL.open + SMALL.part_paid + SMALL.also
    assert first.report["bills_created"] == usual
    assert first.report["documents"] == SMALL.documents
    assert all(seconds > 0 for seconds in first.report["stages"].values())
    assert [one["about"] for one in first.report["timeline"]["events"]][:2] == ["invoice", "bill"]


def test_payments_stand_in_the_erp_and_both_ledgers_agree(kept: Kept) -> None:
    """Every payment is posted and applied, the void one reversed, and the tie-out's equations hold."""
    report = kept.first.report
    assert report["payments_applied"] >= 3
    assert report["payments_reversed"] == 1
    tieout = report["tieout"]
    assert {tieout[name]["status"] for name in ("subledger", "bill", "clearing")} <= {"equal", "explained"}
    assert [one for one in tieout["differences"] if not one["expected"]] == []
    assert {one["about"] for one in report["timeline"]["events"]} >= {"invoice", "bill", "payment"}


def test_the_figures_are_those_of_the_simulators(kept: Kept) -> None:
    """A script that knows only the simulators finds the same figures; what it cannot match is held for a reason."""
    again = kept.run("--again")
    counted = kept.recounted()
    assert figures_of(again) == {name: counted[name] for name in FIGURES}
    assert compared_totals(again.report["tieout"]) == counted_totals(counted["totals"])
    held = SMALL.on_hold + SMALL.blocked + 1
    assert len(counted["without_bill"]) == held
    assert counted["without_invoice"] == []


def test_once_more_writes_nothing(kept: Kept) -> None:
    """Synchronized again, neither ledger changes, no call could write, and no log has a line for what is unchanged."""
    before = lines_of(kept.folder)
    done = kept.run("--again")
    assert done.code == 0, done.printed
    again = done.report["again"]
    assert again["writes"] == {"bill": 0, "erp": 0}
    assert again["changed"] == {"bill": [], "erp": []}
    assert again["calls"]["erp"]["calls"] > 0
    assert not again["cold"]
    after = lines_of(kept.folder)
    assert after.effects == before.effects
    assert after.told - before.told == {("control-plane", "compared"): 1}


def test_the_logs_have_one_line_for_an_effect_and_few_beside(kept: Kept) -> None:
    """An operator can read them: every effect once, and a line or two of each service about itself."""
    lines = kept.lines
    assert min(lines.effects["bill-writer"], lines.effects["payment-writeback"]) > 10
    written = {service: lines.told[service, "effect"] for service in lines.effects}
    assert written == lines.effects
    assert lines.by_service() <= lines.effects + BESIDE, lines.told


def test_once_more_from_nothing_finds_all_links_and_writes_nothing(kept: Kept) -> None:
    """With Kafka and PostgreSQL lost and the secrets given again, every link is found and nothing is written."""
    done = kept.run("--again", "--cold")
    assert done.code == 0, done.printed
    again = done.report["again"]
    assert again["cold"]
    assert again["writes"] == {"bill": 0, "erp": 0}
    assert again["changed"] == {"bill": [], "erp": []}
    assert done.report["bills_created"] == kept.first.report["bills_created"]
    assert done.report["links"]["bill"] == kept.first.report["links"]["bill"]
    assert again["calls"]["bill"]["logins"] == 1
    # Where the other commands find it.
    published = json.loads((kept.folder / "stack" / "state.json").read_text(encoding="utf-8"))["control_plane"]
    assert published["url"] == f"http://127.0.0.1:{kept.ports['control-plane']}"


def test_a_difference_made_afterwards_is_named(kept: Kept) -> None:
    """Somebody changes a bill's amount in BILL: exit code 1, and the report names that bill and the amount."""
    bill = Running(f"http://127.0.0.1:{kept.ports['bill']}")
    (there,) = bill.ledger()["organizations"].values()
    row = next(one for one in there["bills"] if one["paymentStatus"] == "UNPAID")
    line = row["billLineItems"][0]
    edit(bill, row["id"], line["id"], float(line["amount"]) + 10)
    try:
        done = kept.run("--again")
    finally:
        edit(bill, row["id"], line["id"], float(line["amount"]))
    assert done.code == 1
    named = [one for one in done.report["unexplained"] if one["class"] == "amount"]
    assert [(one["amount"], row["id"] in one["documents"]) for one in named] == [("-10.00", True)]


def edit(bill: Running, bill_id: str, line: str, amount: float) -> None:
    """A person changes a line of a bill."""
    body = {"billLineItems": [{"id": line, "amount": round(amount, 2)}]}
    bill.ask("/_sandbox/people", {"do": "edit", "kind": "bill", "id": bill_id, "body": body})


def test_a_killed_demo_is_replaced_and_an_interrupted_one_leaves_nothing(devstack_folder: Path) -> None:
    """The next demo stops what a killed one left running; Ctrl-C then stops everything, with exit code 130."""
    folder = devstack_folder / "interrupted"
    killed = started(folder)
    eventually(lambda: {"bill", "kafka"} <= set(alive(folder)), "the simulators and Kafka")
    killed.kill()
    killed.wait(30)
    assert alive(folder) != []
    second = started(folder)
    eventually(lambda: "an earlier demo was still there; stopped: bill" in told(folder), "the replacement")
    eventually(lambda: {"bill", "kafka", "control-plane"} <= set(alive(folder)), "the first service")
    os.kill(second.pid, signal.SIGINT)
    assert second.wait(60) == 130
    assert told(folder).rstrip().endswith("everything is stopped")
    assert alive(folder) == []


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """A demo that begins; what it says goes to a file."""
    command = [*TIEOUT, "demo", "--size", "small", "--folder", str(folder), "--seed", str(SEED)]
    with folder.with_suffix(".out").open("ab") as sink:
        return subprocess.Popen(command, stdout=sink, stderr=sink, start_new_session=True)


def told(folder: Path) -> str:
    """What the demos of a folder have said."""
    return folder.with_suffix(".out").read_text(encoding="utf-8")


def eventually(holds: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Wait until it holds."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.1)
