"""The seeds that tests have drawn from, told at the end of a run: a failure can be had once more."""

from typing import Final

import pytest

SEED: Final = "seed"
"""The property by which a test says what it drew from: ``record_property(SEED, 7)``."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each test that recorded a seed, on whatever worker it ran."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == SEED and report.when == "call":
                terminalreporter.write_line(f"seed {value}: {report.nodeid.rpartition('/')[2]} {report.outcome}")
