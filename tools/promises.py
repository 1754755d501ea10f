"""The gate of promises: what docs/promises.toml declares as proved must have been proved by the run just made.

`python tools/promises.py` judges and exits 1 if a declared promise is not kept; `--write` renews docs/promises.md.
"""

import json
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".tieout" / "promises"
DECLARED = ROOT / "docs" / "promises.toml"
TABLE = ROOT / "docs" / "promises.md"
MUTANTS = ROOT / "tests" / "mutants.toml"
STATUSES = ("proved", "partly", "planned")


def results() -> dict[str, list[dict[str, object]]]:
    """The tests of each promise, as the last run wrote them."""
    found: dict[str, list[dict[str, object]]] = {}
    for path in sorted(RESULTS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            for promise in one["promises"]:
                found.setdefault(promise, []).append(one)
    return found


def problems(declared: dict[str, dict[str, str]], found: dict[str, list[dict[str, object]]]) -> list[str]:
    """What does not hold."""
    said = [f"{name}: status {one.get('status')!r} is none of {', '.join(STATUSES)}" for name, one in declared.items()
            if one.get("status") not in STATUSES]  # fmt: skip
    said += [f"{name}: partly needs `missing`" for name, one in declared.items()
             if one.get("status") == "partly" and not one.get("missing")]  # fmt: skip
    said += [f"{name} is tested, and not declared in docs/promises.toml" for name in sorted(set(found) - set(declared))]
    for name, one in declared.items():
        tests = found.get(name, [])
        failed = [test["test"] for test in tests if not test["passed"]]
        silent = [test["test"] for test in tests if test["passed"] and not test["calls"]]
        said += [f"{name}: {test} failed" for test in failed]
        said += [f"{name}: {test} passed without one call to a simulator" for test in silent]
        if one.get("status") in ("proved", "partly") and not [t for t in tests if t["passed"] and t["calls"]]:
            said.append(f"{name} is declared {one['status']}, and no test proved it")
    return said


def mutants() -> dict[str, list[str]]:
    """The names of the mutants that break each promise; `make mutants` sees them fail its tests."""
    found: dict[str, list[str]] = {}
    for one in tomllib.loads(MUTANTS.read_text(encoding="utf-8"))["mutant"]:
        for promise in one.get("promises", ()):
            found.setdefault(promise, []).append(one["name"])
    return found


def table(declared: dict[str, dict[str, str]], found: dict[str, list[dict[str, object]]]) -> str:
    """The page for readers."""
    lines = [
        "# Promises",
        "",
        "Written by `tools/promises.py --write` from `docs/promises.toml` and a run of the tests.",
        "A test counts only if it passed and a simulator saw its calls over a socket.",
        "A mutant breaks the promise on purpose, and its tests notice: `make mutants`, docs/reliability.md.",
        "",
        "| id | promise | status | tests | mutants | missing |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    broken_by = mutants()
    for name, one in declared.items():
        tests = [test for test in found.get(name, []) if test["passed"] and test["calls"]]
        names = ", ".join(broken_by.get(name, ()))
        kept = f"{name} | {one['promise']} | {one['status']} | {len(tests)}"
        lines.append(f"| {kept} | {names} | {one.get('missing', '')} |")
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> int:
    """Judge, and write the table if asked."""
    declared = tomllib.loads(DECLARED.read_text(encoding="utf-8"))
    found = results()
    said = problems(declared, found)
    if "--write" in argv:
        TABLE.write_text(table(declared, found), encoding="utf-8")
    counts = {status: sum(one.get("status") == status for one in declared.values()) for status in STATUSES}
    print("promises: " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    for line in said:
        print(f"promises: {line}")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
