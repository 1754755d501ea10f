"""Which promise each test proved, and whether it really talked to a simulator over a socket.

A test marked ``@pytest.mark.promise("C3")`` counts for that promise if it passed and at least one call reached a
simulator while it ran. Simulators in this process are counted by themselves; a test whose simulators are processes of
their own says how many calls it saw with ``talked``. ``tools/promises.py`` judges what is written here.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tieout_sandbox.kernel.watch import Watch

FOLDER: Final = Path(__file__).resolve().parents[2] / ".tieout" / "promises"
_calls = 0


def talked(calls: int) -> None:
    """Calls that simulators outside this process have seen during this test."""
    global _calls  # noqa: PLW0603 - one count per test process
    _calls += calls


def _count_calls() -> None:
    """Have every simulator of this process count its calls here too."""
    note = Watch._note

    def counted(self: Watch, *args: object, **options: object) -> None:
        talked(1)
        note(self, *args, **options)  # type: ignore[arg-type]  # handed on as they came

    Watch._note = counted  # type: ignore[method-assign]


_count_calls()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Count the calls of one test, its fixtures included."""
    before = _calls
    result = yield
    marks = list(item.iter_markers("promise"))
    if marks:
        FOLDER.mkdir(parents=True, exist_ok=True)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        line = {
            "test": item.nodeid,
            "promises": sorted({str(name) for mark in marks for name in mark.args}),
            "passed": bool(item.stash.get(PASSED, False)),
            "calls": _calls - before,
        }
        with (FOLDER / f"{worker}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return result


PASSED: Final = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember whether the test and its teardown passed."""
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    elif report.failed:
        item.stash[PASSED] = False
    return report
