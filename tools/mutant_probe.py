"""A plugin of pytest for `tools/mutants.py`: which tests failed and of what, as JSON in the file MUTANT_REPORT names.

It ends the run at once if a package of Tieout comes from outside the tree that the run began in.
"""

import importlib
import json
import os
from pathlib import Path

import pytest

PACKAGES = ("tieout", "tieout_connectors", "tieout_sandbox", "tieout_devstack", "tieout_decider", "tieout_bill_writer")
WRONG_TREE = 99


def pytest_configure(config):
    """Whether what is imported is what was changed."""
    root = Path(config.rootpath).resolve()
    for name in PACKAGES:
        origin = Path(importlib.import_module(name).__file__).resolve()
        if not origin.is_relative_to(root):
            pytest.exit(f"{name} is imported from {origin}, not from {root}", WRONG_TREE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Write down each phase that did not pass, and each call that did."""
    report = yield
    if report.failed or report.when == "call":
        error = call.excinfo
        line = {
            "test": item.nodeid,
            "phase": report.when,
            "passed": report.passed,
            "skipped": report.skipped,
            "kinds": [] if error is None else [kind.__name__ for kind in type(error.value).__mro__],
            "said": "" if error is None else str(error.value)[:400],
        }
        with Path(os.environ["MUTANT_REPORT"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return report
