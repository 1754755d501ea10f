"""A stranger's machine: an empty clone, an empty home, nothing in the environment but the path."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
def test_an_empty_clone_with_an_empty_home_installs_and_starts_kafka(tmp_path: Path) -> None:
    """`make install` and `tieout dev up` need nothing that a developer's machine happens to have."""
    clone, home = tmp_path / "tieout", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True, timeout=120)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=clone, env=environment, capture_output=True, text=True, timeout=500, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    run("make", "install")
    try:
        status = json.loads(run(".venv/bin/tieout", "dev", "up", "--json"))
    finally:
        run(".venv/bin/tieout", "dev", "down")
    assert all(one["running"] for one in status["components"])
    assert list((clone / ".tieout" / "maven").rglob("kafka_2.13-*.jar")), "Maven's repository is not the project's"
    assert not (home / ".m2").exists()
