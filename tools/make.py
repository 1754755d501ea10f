"""What the Makefile's targets do. Standard library only, for any Python from 3.8: it runs before Tieout's own.

install  the virtual environment in .venv, from requirements.lock, every package checked against its hash
demo     install, then `tieout demo --erp business-central`
test     install, then the tests and the promises gate
bench    install, then the benchmarks: ratios, needs of services, .tieout/bench.json; 1 if a goal is missed
chaos    install, then the whole kill matrix on a real broker; ARGS="text" only cells with the text in their name
mutants  install, then break each promise in a copy and see its tests fail; ARGS="--only C6"
check    install, then format, lint, types, layers and size limits
lock     renew requirements.lock
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tieout" / "tools"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".tieout-installed"
OLDEST = (3, 11)
NEWEST = (3, 12)
EXPORT = "export --quiet --all-packages --all-groups --no-emit-workspace --no-emit-project --format requirements-txt"
SOURCES = ["libs", "services", "apps", "deploy", "tests", "tools"]


def main(argv):
    """Run one target; its exit code is the program's: 0 done, 1 found a problem, 2 wrong use."""
    target, args = (argv[1] if len(argv) > 1 else "help"), argv[2:]
    known = (install, demo, test, bench, chaos, mutants, check, lock, clean)
    targets = {"help": show_help, **{function.__name__: function for function in known}}
    if target not in targets:
        stop(f"unknown target {target!r}; one of: {', '.join(targets)}")
    return targets[target](args) or 0


def show_help(_args):
    """List the targets."""
    print(__doc__)
    print('clean: removes .venv and .tieout. ARGS="…" passes options on.')


def demo(args):
    """Run the main job end to end on real Kafka and PostgreSQL."""
    install([])
    return run(
        [
            program("tieout"),
            "demo",
            *(args if any(a == "--erp" for a in args) else ["--erp", "business-central", *args]),
        ]
    )


def test(args):
    """Run the tests, two files at a time, then the gate of promises; a path or option skips the gate."""
    install([])
    shutil.rmtree(str(ROOT / ".tieout" / "promises"), ignore_errors=True)
    code = run([program("python"), "-m", "pytest", "-n", "2", "--dist", "loadfile", *args])
    if code or args:
        return code
    return run([program("python"), "tools/promises.py"])


def bench(args):
    """Run the benchmarks, on an otherwise idle machine if the figures are to be quoted."""
    install([])
    return run([program("python"), "-m", "benchmarks", *args], PYTHONPATH="tests")


def chaos(args):
    """Kill every service at every point; docs/reliability.md says what has to hold."""
    install([])
    return run([program("python"), "tools/chaos.py", *args])


def mutants(args):
    """See that the tests notice when a promise is broken."""
    install([])
    return run([program("python"), "tools/mutants.py", *args])


def check(_args):
    """Format, lint, types, layers, sizes: all are run, the first failure's code is returned."""
    install([])
    packages = [str(p) for p in sorted(ROOT.glob("*/*/src"))]
    codes = [
        run([program("ruff"), "format", "--check", *SOURCES]),
        run([program("ruff"), "check", *SOURCES]),
        run([program("mypy"), *packages]),
        run([program("lint-imports")]),
        run([program("python"), "tools/check_sizes.py"]),
    ]
    return next((code for code in codes if code), 0)


def install(_args):
    """Make .venv equal to requirements.lock, then add the workspace's own packages in editable form."""
    members = sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))
    if not LOCK.exists():
        stop("requirements.lock is missing; `make lock` makes it")
    state = hashlib.sha256(LOCK.read_bytes() + b"".join(p.joinpath("pyproject.toml").read_bytes() for p in members))
    if STAMP.exists() and STAMP.read_text() == state.hexdigest() and program("python").exists():
        return
    uv = find_uv()
    if not program("python").exists():
        must([uv, "venv", "--quiet", "--allow-existing", "--python", find_python(), str(VENV)])
    target = ["--quiet", "--python", str(program("python"))]
    must([uv, "pip", "sync", *target, "--require-hashes", str(LOCK)])
    editable = [word for member in members for word in ("-e", str(member))]
    must([uv, "pip", "install", *target, "--no-build-isolation", "--no-deps", *editable])
    STAMP.write_text(state.hexdigest())


def lock(_args):
    """Resolve anew and write requirements.lock: hashes, no addresses."""
    uv = find_uv()
    must([uv, "lock", "--quiet", "--upgrade", "--python", find_python()])
    text = subprocess.run([uv, *EXPORT.split()], cwd=str(ROOT), check=True, stdout=subprocess.PIPE).stdout.decode()
    LOCK.write_text(
        "# Renewed by `make lock`.\n" + "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n"
    )


def clean(_args):
    """Remove what install and the demo made; a stack that still runs is stopped first."""
    if program("tieout").exists():
        run([program("tieout"), "demo", "--stop"])
        run([program("tieout"), "dev", "down"])
    for path in (VENV, ROOT / ".tieout"):
        shutil.rmtree(str(path), ignore_errors=True)


def find_python():
    """A Python of a version Tieout runs on, or the version's number for uv to fetch."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    return "{}.{}".format(*OLDEST)


def find_uv():
    """Use uv from the path, or bring it from PyPI into .tieout/tools by whichever pip there is."""
    found = shutil.which("uv")
    if found:
        return found
    home = TOOLS / "uv"
    binary = home / ("Scripts" if os.name == "nt" else "bin") / "uv"
    if binary.exists():
        return str(binary)
    TOOLS.mkdir(parents=True, exist_ok=True)
    tries = [
        [sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--target", str(home), "uv"]
    ]
    venv = TOOLS / "pip"
    if not (venv / "bin" / "pip").exists():
        tries.append([sys.executable, "-m", "venv", str(venv)])
    tries.append([str(venv / "bin" / "pip"), "install", "--quiet", "--target", str(home), "uv"])
    said = []
    for command in tries:
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=600)
            said.append(done.stdout.decode(errors="replace").strip()[-400:])
        except (OSError, subprocess.TimeoutExpired) as error:
            said.append(str(error))
        if binary.exists():
            return str(binary)
    return stop(
        "uv could not be had. Cures: install uv (https://docs.astral.sh/uv) and put it on the PATH; or install pip or "
        "the venv module for this Python (Debian: python3-venv); behind a company mirror set PIP_INDEX_URL and "
        "UV_DEFAULT_INDEX, behind a proxy HTTPS_PROXY. What was tried said:\n" + "\n".join(s for s in said if s)
    )


def program(name):
    """The path of a program of the virtual environment."""
    folder = VENV / ("Scripts" if sysconfig.get_platform().startswith("win") else "bin")
    return folder / name


def run(command, **environment):
    """Run a command in the repository's root and return its exit code."""
    words, env = [str(word) for word in command], dict(os.environ, **environment)
    return subprocess.run(words, cwd=str(ROOT), env=env, check=False).returncode


def must(command):
    """Run a command that has to succeed."""
    code = run(command)
    if code:
        stop(
            f"`{' '.join(str(word) for word in command[:4])} …` failed with exit code {code}; its message stands above",
            1,
        )


def stop(message, code=2):
    """End with one error that says what to do."""
    print(f"make: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
