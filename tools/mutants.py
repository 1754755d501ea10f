"""Break one promise at a time in a copy of the tree, and see its tests fail: `python tools/mutants.py [--only C6]`.

A mutant (tests/mutants.toml) is one change of one text. In a copy of its own the named tests have to pass first; then
the change is made, and each of them has to fail, by an assertion or an error of the product: a test that cannot be
imported, or runs into its time limit, proves nothing. What survives means that the promise is not proved.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "tests" / "mutants.toml"
RESULTS = ROOT / ".tieout" / "mutants.json"
LEFT_OUT = (".git", ".venv", ".tieout", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
# What is downloaded once and may be shared between copies.
SHARED = ("jars", "maven")
# The slowest tests of the list start nine processes and take two minutes on a busy machine.
SECONDS = 900
# Errors that say that the change is no program any more, not that a promise is broken.
NO_PROGRAM = {"ImportError", "SyntaxError", "NameError"}


@dataclass(frozen=True)
class Mutant:
    """One way to break one thing."""

    name: str
    breaks: str
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]
    promises: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """For the tests, beyond the environment of the run."""
    guard: str = ""
    """Of the effect protocol or the log, for those that break no single promise."""


@dataclass
class Verdict:
    """What became of it."""

    mutant: Mutant
    killed: bool = False
    why: str = ""
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)


class Broken(Exception):
    """The experiment itself does not stand; the message says why."""


def load(path: Path = MUTANTS) -> list[Mutant]:
    """The mutants, in the order of the file."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**row | {key: tuple(row.get(key, ())) for key in ("tests", "promises")}) for row in rows]


def copy_tree(folder: Path) -> Path:
    """A copy of the tree with a Python of its own, which imports the copy's packages; returns that Python."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    home = tree / ".tieout"
    home.mkdir()
    for name in SHARED:
        if (ROOT / ".tieout" / name).exists():
            (home / name).symlink_to(ROOT / ".tieout" / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tree / ".venv")], check=True)
    # A path in a .pth file is not searched for further .pth files: the editable installs are out of the way.
    (installed,) = (ROOT / ".venv" / "lib").glob("python3*/site-packages")
    (own,) = (tree / ".venv" / "lib").glob("python3*/site-packages")
    # The plugin alone: other files of tools/ have names that tests use too.
    probe = tree / ".mutant"
    probe.mkdir()
    shutil.copy(tree / "tools" / "mutant_probe.py", probe)
    paths = [*sorted(tree.glob("*/*/src")), probe, installed]
    (own / "copy.pth").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return tree / ".venv" / "bin" / "python"


def mutate(tree: Path, mutant: Mutant) -> None:
    """Make the change; the text has to stand there exactly once."""
    path = tree / mutant.file
    content = path.read_text(encoding="utf-8")
    count = content.count(mutant.text)
    if count != 1:
        raise Broken(f"its text is found {count} times in {mutant.file}")
    path.write_text(content.replace(mutant.text, mutant.replacement), encoding="utf-8")
    # Compiled code is recognized by second and size: the change must not look like what it replaces.
    later = time.time() + 60
    os.utime(path, (later, later))


def run_tests(python: Path, tree: Path, mutant: Mutant, report: Path) -> list[dict[str, object]]:
    """What the tests did, one entry for each phase that failed and each call that passed."""
    report.unlink(missing_ok=True)
    log = report.with_suffix(".log")
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "mutant_probe",
        "-p",
        "no:cacheprovider",
        "--tb=native",
        *mutant.tests,
    ]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=tree,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **mutant.env, "MUTANT_REPORT": str(report)},
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Broken(f"the tests took more than {SECONDS} s") from None
    if code not in (0, 1) or not report.exists():
        end = log.read_text(encoding="utf-8", errors="replace")[-600:]
        raise Broken(f"pytest ended with {code}: {end}")
    return [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]


def of(test: str, lines: list[dict[str, object]]) -> list[dict[str, object]]:
    """The entries of a named test, of all its parameters if it is named without."""
    return [one for one in lines if one["test"] == test or str(one["test"]).startswith(f"{test}[")]


def survives(tests: tuple[str, ...], lines: list[dict[str, object]]) -> list[str]:
    """Why the mutant is not killed: the named tests that did not fail, or not for a good reason."""
    said = []
    for test in tests:
        failed = [one for one in of(test, lines) if not one["passed"] and not one["skipped"]]
        if not failed:
            said.append(f"{test} did not fail")
        elif not any(counts(one) for one in failed):
            said.append(f"{test} failed by no assertion: {failed[0]['kinds'][:1]} {failed[0]['said']}")
    return said


def counts(failure: dict[str, object]) -> bool:
    """Whether a failure shows a broken promise."""
    timed_out = "Failed" in failure["kinds"] and "Timeout" in str(failure["said"])
    return not timed_out and not NO_PROGRAM & set(failure["kinds"])


def fit(mutant: Mutant, lines: list[dict[str, object]]) -> None:
    """Raise Broken unless every named test has run and passed."""
    unfit = [str(one["test"]) for one in lines if not one["passed"]]
    unfit += [test for test in mutant.tests if not of(test, lines)]
    if unfit:
        raise Broken(f"does not pass unchanged: {', '.join(unfit)}")


def judge(mutant: Mutant) -> Verdict:
    """The whole experiment with one mutant."""
    began = time.monotonic()
    verdict = Verdict(mutant)
    with tempfile.TemporaryDirectory(prefix="tieout-mutant-") as name:
        folder = Path(name)
        try:
            python = copy_tree(folder)
            before = run_tests(python, folder / "tree", mutant, folder / "before.jsonl")
            fit(mutant, before)
            mutate(folder / "tree", mutant)
            said = survives(mutant.tests, run_tests(python, folder / "tree", mutant, folder / "after.jsonl"))
            verdict.killed, verdict.why = not said, "; ".join(said)
        except Broken as error:
            verdict.why = str(error)
    verdict.seconds = time.monotonic() - began
    state = "killed" if verdict.killed else f"SURVIVED: {verdict.why}"
    print(f"{mutant.name}: {state} ({verdict.seconds:.0f} s)", flush=True)
    return verdict


def wanted(mutant: Mutant, only: list[str]) -> bool:
    """Whether it was asked for, by promise or by name."""
    return not only or bool({mutant.name, *mutant.promises} & set(only))


def main(argv: list[str]) -> int:
    """Judge all that is wanted; 0 if all are killed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="PROMISE|NAME", help="these promises or mutants")
    parser.add_argument("--jobs", type=int, default=2, help="copies at a time")
    options = parser.parse_args(argv)
    chosen = [mutant for mutant in load() if wanted(mutant, options.only)]
    if not chosen:
        parser.error(f"nothing is named {' or '.join(options.only)}")
    with ThreadPoolExecutor(options.jobs) as pool:
        verdicts = list(pool.map(judge, chosen))
    rows = [(v.mutant.name, ", ".join(v.mutant.promises) or v.mutant.guard, v.killed, v.seconds) for v in verdicts]
    width = max(len(row[0]) for row in rows)
    print(f"\n{'mutant':<{width}}  {'result':<8}  {'seconds':>7}  promise or guard")
    for name, what, killed, seconds in rows:
        print(f"{name:<{width}}  {'killed' if killed else 'SURVIVED':<8}  {seconds:>7.0f}  {what}")
    left = sum(not verdict.killed for verdict in verdicts)
    print(f"\n{len(verdicts) - left} of {len(verdicts)} mutants killed")
    RESULTS.parent.mkdir(exist_ok=True)
    stored = [{"mutant": name, "of": what, "killed": killed, "seconds": round(s)} for name, what, killed, s in rows]
    RESULTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
