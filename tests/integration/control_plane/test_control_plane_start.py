"""How control-plane starts, refuses to start, and comes back after dying at any of its crash points."""

import base64
import os
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tieout.log.topics import Topic

pytest_plugins = ["tieout_devstack.fixtures"]

BILL = {"user": "ap@example.com", "password": "hunter2-hunter2", "developer_key": "01DEVKEYDEVKEY"}
Settings = Callable[..., dict[str, Any]]

# Every durable write and every question of control-plane, before and after; the list may only grow with the code.
CRASH_POINTS = {
    f"control-plane.{what}.{when}"
    for what in ("apply", "check", "projection", "secret.store", "secret.tell", "sync", "tick")
    for when in ("before", "after")
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TIEOUT_MASTER_KEY": ""}, "no master key"),
        ({"TIEOUT_MASTER_KEY": "c2hvcnQ="}, "TIEOUT_MASTER_KEY is not 32 bytes in base64"),
        ({"TIEOUT_API_TOKEN": "short"}, "20 to 400 printable characters"),
        ({"TIEOUT_MASTER_KEI": "x"}, "TIEOUT_MASTER_KEI is not known"),
        ({"TIEOUT_TICK_SECONDS": "0"}, "TIEOUT_TICK_SECONDS"),
        ({"TIEOUT_API_TOKEN_FILE": "/nowhere"}, "cannot read /nowhere"),
    ],
)
def test_it_refuses_to_start_without_what_it_needs(idle: Any, changes: dict[str, str], told: str) -> None:
    """One message says what is missing and how to cure it; exit code 2."""
    ended = idle.run(**changes)
    assert (ended.returncode, told in ended.stderr) == (2, True), ended.stderr


def test_it_refuses_another_master_key_than_the_stored_one_and_a_missing_token(installation: Any) -> None:
    """The secrets could not be opened, or nobody could call it: better not to start than to fail later."""
    ended = installation.run(TIEOUT_API_TOKEN="")
    assert (ended.returncode, "set TIEOUT_API_TOKEN" in ended.stderr) == (2, True)
    assert installation.start().process.stop()
    ended = installation.run(TIEOUT_MASTER_KEY=base64.b64encode(os.urandom(32)).decode())
    assert ended.returncode == 2
    assert "another master key" in ended.stderr


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TIEOUT_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x"}, "database cannot be reached"),
        ({"TIEOUT_DATABASE_URL": "hunter2"}, "is not a URL"),
        ({"TIEOUT_PARTITIONS": "8"}, "TIEOUT_PARTITIONS=4"),
    ],
)
def test_it_ends_with_the_cure_when_something_else_is_not_right(idle: Any, changes: dict[str, str], told: str) -> None:
    """A supervisor may try again; nobody has to guess, and the database's password is not shown."""
    ended = idle.run(**changes)
    assert (ended.returncode, told in ended.stderr) == (70, True), ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_keys_and_tokens_may_come_from_files(installation: Any, settings_of: Settings, tmp_path: Path) -> None:
    """As Kubernetes mounts them."""
    environment = installation.environment()
    for name in ("TIEOUT_MASTER_KEY", "TIEOUT_API_TOKEN", "TIEOUT_DATABASE_URL"):
        (tmp_path / name).write_text(environment[name] + "\n")
    files = {f"{path.name}_FILE": str(path) for path in tmp_path.iterdir()}
    plane = installation.start(**files, **dict.fromkeys((path.name for path in tmp_path.iterdir()), ""))
    assert plane.apply(settings_of("a"))[0] == 200


def test_a_new_token_of_the_environment_replaces_the_one_before(installation: Any) -> None:
    """A leaked token is cured by a restart with another one."""
    first = installation.start()
    assert first.process.stop()
    second = installation.start(TIEOUT_API_TOKEN="another-token-of-the-environment")
    assert second.call("GET", "/v1/connections", token=installation.token)[0] == 401
    assert second.call("GET", "/v1/connections", token="another-token-of-the-environment")[0] == 200


def _everything(plane: Any, document: dict[str, Any]) -> None:
    """Pass every crash point. The tick comes by itself."""
    path = f"/v1/connections/{document['connection']}"
    plane.apply(document)
    plane.call("PUT", f"{path}/secrets/bill", {"values": BILL})
    plane.call("POST", f"{path}/check", {"seconds": 0.2})
    plane.call("POST", f"{path}/sync")


def test_all_crash_points_are_known(idle: Any, settings_of: Settings, tmp_path: Path) -> None:
    """A durable write that no test kills at would be added in silence."""
    listing = tmp_path / "points"
    plane = idle.start(TIEOUT_CRASH_LIST=str(listing), TIEOUT_TICK_SECONDS="1")
    _everything(plane, settings_of("listed"))
    limit = 200
    last = {"control-plane.tick.after", "control-plane.projection.after"}
    while not last <= set(listing.read_text().split()) and limit:
        plane.process.wait_gone(seconds=0.1)
        limit -= 1
    assert plane.call("POST", "/v1/connections/listed/retire")[0] == 200
    assert plane.process.stop()
    assert set(listing.read_text().split()) == CRASH_POINTS


@pytest.mark.parametrize("point", sorted(CRASH_POINTS))
def test_it_comes_back_from_a_kill_at_any_point(idle: Any, settings_of: Settings, point: str) -> None:
    """After a kill and a restart, doing everything again gives one generation and the credentials that were given."""
    name = point.replace(".", "-")
    dying = idle.start(TIEOUT_CRASH_AT=point, TIEOUT_TICK_SECONDS="1" if "tick" in point else "3600")
    with suppress(OSError, HTTPException):
        _everything(dying, settings_of(name))
    assert dying.process.wait_gone(seconds=20), f"{point} was not passed"
    plane = idle.start()
    path = f"/v1/connections/{name}"
    if point in {"control-plane.secret.store.after", "control-plane.secret.tell.before"}:
        # Stored, but nobody was told: the start makes up for it.
        assert plane.call("GET", path)[1]["secrets"]["bill"] == 1
    _everything(plane, settings_of(name))
    _, shown = plane.call("GET", path)
    assert shown["generation"] == 1
    assert shown["secrets"]["bill"] in {1, 2}
    rows = [each.data for each in idle.messages(Topic.CONNECTIONS) if each.subject == name]
    assert {row.generation for row in rows} == {1}
    assert rows[-1].secret_versions["bill"] == shown["secrets"]["bill"]
    assert plane.apply(settings_of(name, policy={"approval": "bill"}))[1]["connections"][0]["generation"] == 2
    # Else the next case would tick, and die, before its own connection is there.
    assert plane.call("POST", f"{path}/retire")[0] == 200
    assert plane.process.stop()
