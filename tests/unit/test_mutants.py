"""Every promise that counts as proved has a mutant, and every mutant still says something about the code of today."""

import ast
import importlib.util
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
GUARDS: Final = {
    "intent after the call", "commit before outcome", "retry a POST", "skip the look-up", "reuse a fenced producer",
    "forget the hour's spending", "state outside the transaction", "ack early in the mapper",
    "id by time of polling", "park with an open intent",
}  # fmt: skip


def _tool() -> Any:
    """tools/mutants.py, which is no package."""
    spec = importlib.util.spec_from_file_location("mutants_tool", ROOT / "tools" / "mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TOOL: Final = _tool()
MUTANTS: Final = TOOL.load()
PROMISES: Final = tomllib.loads((ROOT / "docs" / "promises.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_and_names_tests_that_exist(mutant: Any) -> None:
    """Code that has moved on takes its mutants along; a renamed test does not silently stop proving."""
    content = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert content.count(mutant.text) == 1, f"the text of {mutant.name} is not found exactly once in {mutant.file}"
    assert mutant.replacement != mutant.text
    ast.parse(content.replace(mutant.text, mutant.replacement))
    assert mutant.tests
    for test in mutant.tests:
        path, *names = test.split("[")[0].split("::")
        assert names, f"{mutant.name} names a whole file"
        body: list[ast.stmt] = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        for name in names:
            found = [one for one in body if getattr(one, "name", "") == name]
            assert found, f"{test} does not exist"
            body = getattr(found[0], "body", [])


def test_every_proved_promise_and_every_guard_has_a_mutant() -> None:
    """What nothing can break in a test is not proved."""
    promises = {name for mutant in MUTANTS for name in mutant.promises}
    proved = {name for name, one in PROMISES.items() if one["status"] == "proved"}
    assert proved <= promises
    assert promises <= set(PROMISES)
    assert {mutant.guard for mutant in MUTANTS} - {""} == GUARDS
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) == len(set(names))
    assert all(mutant.promises or mutant.guard for mutant in MUTANTS)


def _line(test: str, *, passed: bool, kinds: tuple[str, ...] = (), said: str = "") -> dict[str, object]:
    return {"test": test, "phase": "call", "passed": passed, "skipped": False, "kinds": list(kinds), "said": said}


@pytest.mark.parametrize(
    ("lines", "killed"),
    [
        ([_line("t::a[1]", passed=True), _line("t::a[2]", passed=False, kinds=("AssertionError",))], True),
        ([_line("t::a", passed=False, kinds=("Fenced", "RuntimeError"))], True),
        ([_line("t::a", passed=True)], False),
        ([_line("t::ab", passed=False, kinds=("AssertionError",))], False),
        ([_line("t::a", passed=False, kinds=("Failed",), said="Timeout (>120.0s) from pytest-timeout.")], False),
        ([_line("t::a", passed=False, kinds=("ModuleNotFoundError", "ImportError"))], False),
        ([], False),
    ],
)
def test_only_a_failure_by_what_the_test_says_counts(lines: list[dict[str, object]], killed: bool) -> None:  # noqa: FBT001
    """A program that does not start, or hangs, has not been caught by its test."""
    assert (not TOOL.survives(("t::a",), lines)) is killed
