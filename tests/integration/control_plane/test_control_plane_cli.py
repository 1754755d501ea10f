"""The `tieout` command against a running control-plane."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest_plugins = ["tieout_devstack.fixtures"]

SECRETS = {"user": "ap@example.com", "password": "hunter2-hunter2", "developer_key": "01DEVKEYDEVKEY"}
ADA = "Ada Byron"
Settings = Callable[..., dict[str, Any]]


def _file(installation: Any, name: str, *documents: dict[str, Any]) -> Path:
    path: Path = installation.folder / name
    path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return path


def test_a_connection_is_applied_shown_and_applied_again(shared: Any, settings_of: Settings) -> None:
    """What `show` prints can be applied, and changes nothing."""
    installation, plane = shared
    file = _file(installation, "a.yaml", settings_of("cli-a"), settings_of("cli-b", state="draft"))
    done = installation.cli(plane, "connections", "apply", str(file))
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["cli-a created (active, generation 1)", "cli-b created (draft, generation 1)"],
    )
    shown = installation.cli(plane, "connections", "show", "cli-a")
    again = installation.cli(plane, "connections", "apply", "-", "--json", stdin=shown.stdout)
    assert json.loads(again.stdout)["connections"][0]["outcome"] == "unchanged"
    listed = installation.cli(plane, "connections", "list")
    assert "cli-a" in listed.stdout
    assert "Company of cli-b" in listed.stdout


def test_a_wrong_file_ends_with_2_and_its_line_and_applies_nothing(shared: Any, settings_of: Settings) -> None:
    """Field, line, what is allowed; the good document of the same file is not applied either."""
    installation, plane = shared
    file = _file(
        installation, "w.yaml", settings_of("cli-good"), settings_of("cli-bad", erp__schedule={"default": "x"})
    )
    done = installation.cli(plane, "connections", "apply", str(file))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "default: x" in text)
    assert done.returncode == 2
    assert f"{file}:{line}: erp.schedule.default is wrong; allowed: a duration" in done.stderr
    as_json = json.loads(installation.cli(plane, "connections", "apply", "--json", str(file)).stdout)
    assert as_json["error"]["problems"][0]["line"] == line
    assert plane.call("GET", "/v1/connections/cli-good")[0] == 404


def test_what_control_plane_refuses_is_told_with_the_line_of_the_file(shared: Any, settings_of: Settings) -> None:
    """Another company under the same name: the line where it stands."""
    installation, plane = shared
    installation.cli(plane, "connections", "apply", str(_file(installation, "i.yaml", settings_of("cli-i"))))
    file = _file(installation, "j.yaml", settings_of("cli-i", erp__company="Other"))
    done = installation.cli(plane, "connections", "apply", str(file))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "company: Other" in text)
    assert done.returncode == 2
    assert f"{file}:{line}: erp.company is another company" in done.stderr


@pytest.mark.parametrize(
    "given", [json.dumps(SECRETS), "".join(f"{name}: {value}\n" for name, value in SECRETS.items())]
)
def test_credentials_go_in_and_are_never_shown(shared: Any, settings_of: Settings, given: str) -> None:
    """As JSON or as lines, from standard input or a file: no command and no log shows them afterwards."""
    installation, plane = shared
    file = _file(installation, "s.yaml", settings_of("cli-s", state="draft"))
    runs = [
        installation.cli(plane, "connections", "apply", str(file)),
        installation.cli(plane, "connections", "secret", "set", "cli-s", "bill", stdin=given),
    ]
    kept: Path = installation.folder / "secret"
    kept.write_text(given)
    runs += [
        installation.cli(plane, "connections", "secret", "set", "cli-s", "bill", "--file", str(kept), "--json"),
        installation.cli(plane, "connections", "show", "cli-s", "--json"),
        installation.cli(plane, "connections", "show", "cli-s"),
        installation.cli(plane, "connections", "list"),
        installation.cli(plane, "check", "cli-s", "--seconds", "1"),
    ]
    assert [run.returncode for run in runs] == [0, 0, 0, 0, 0, 0, 1]
    shown = "".join(run.stdout + run.stderr for run in runs) + plane.log()
    assert not [value for value in SECRETS.values() if value in shown]


def test_wrong_credentials_end_with_2_and_are_not_repeated(shared: Any, settings_of: Settings) -> None:
    """The missing field is named; nothing is stored."""
    installation, plane = shared
    installation.cli(plane, "connections", "apply", str(_file(installation, "x.yaml", settings_of("cli-x"))))
    done = installation.cli(
        plane, "connections", "secret", "set", "cli-x", "erp", stdin="client_id: i\nhunter2-hunter2: x\n"
    )
    assert done.returncode == 2
    assert "client_secret is missing" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert plane.call("GET", "/v1/connections/cli-x")[1]["secrets"]["erp"] == 0


def test_a_connections_life_in_commands(shared: Any, settings_of: Settings) -> None:
    """Pause, resume, sync, retire; each says what it did, and its exit code whether it could."""
    installation, plane = shared
    installation.cli(plane, "connections", "apply", str(_file(installation, "l.yaml", settings_of("cli-l"))))
    runs = {
        words: installation.cli(plane, *words.split(), "cli-l", *more)
        for words, more in {
            "connections pause": [],
            "sync": [],
            "connections resume": ["--json"],
            "sync --kind vendor --json": [],
            "check --seconds 1 --json": [],
            "connections retire": [],
            "connections retire --yes": [],
            "connections resume --json": [],
        }.items()
    }
    assert [run.returncode for run in runs.values()] == [0, 2, 0, 0, 1, 2, 0, 2]
    assert "only an active connection" in runs["sync"].stderr
    assert json.loads(runs["sync --kind vendor --json"].stdout)["kinds"] == ["vendor"]
    assert "--yes" in runs["connections retire"].stderr
    assert json.loads(runs["connections resume --json"].stdout)["error"]["problems"][0]["field"] == "state"


def test_a_check_tells_side_and_cure(shared: Any, settings_of: Settings) -> None:
    """Exit code 1, and the command that cures it."""
    installation, plane = shared
    installation.cli(plane, "connections", "apply", str(_file(installation, "c.yaml", settings_of("cli-c"))))
    done = installation.cli(plane, "check", "cli-c")
    assert done.returncode == 1
    assert "erp: failed" in done.stdout
    assert "cure: tieout connections secret set cli-c erp" in done.stdout


def test_an_unknown_connection_and_a_wrong_token_are_told_apart(shared: Any) -> None:
    """One is wrong use, the other a problem of the installation."""
    installation, plane = shared
    unknown = installation.cli(plane, "connections", "show", "nobody")
    assert (unknown.returncode, "there is no connection nobody" in unknown.stderr) == (2, True)
    wrong: Path = installation.folder / "token"
    wrong.write_text("a-token-that-is-not-known\n")
    refused = installation.cli(plane, "connections", "list", "--token-file", str(wrong))
    assert (refused.returncode, "token is not known" in refused.stderr) == (1, True)


def test_a_second_person_gets_a_token_acts_in_her_own_name_and_loses_it(shared: Any) -> None:
    """It comes as a file of hers alone, does what an operator may, makes no tokens, and ends when it is revoked."""
    installation, plane = shared
    file: Path = installation.folder / "ada.token"
    made = installation.cli(plane, "tokens", "create", ADA, "--file", str(file))
    assert (made.returncode, made.stdout) == (0, f"{ADA} (operator): the token is in {file}\n"), made.stderr
    token = file.read_text(encoding="utf-8").strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert token not in made.stdout
    assert plane.call("GET", "/v1/connections", token=token)[0] == 200
    for method, path in (("GET", "/v1/tokens"), ("POST", "/v1/tokens"), ("DELETE", "/v1/tokens/somebody")):
        status, refused = plane.call(method, path, {"name": "x"} if method == "POST" else None, token=token)
        assert (status, refused["error"]["code"]) == (403, "forbidden")
    listed = json.loads(installation.cli(plane, "tokens", "list", "--json").stdout)["tokens"]
    assert [(one["name"], one["role"]) for one in listed] == [(ADA, "operator"), ("initial administrator", "admin")]
    assert {tuple(one) for one in listed} == {("name", "role", "created")}
    again = installation.cli(plane, "tokens", "create", ADA)
    assert (again.returncode, "has a token already" in again.stderr) == (2, True)
    assert installation.cli(plane, "tokens", "revoke", ADA).returncode == 0
    assert plane.call("GET", "/v1/connections", token=token)[0] == 401
    assert installation.cli(plane, "tokens", "revoke", ADA).returncode == 2
    log = plane.process.log.read_text(encoding="utf-8")
    assert '"event": "token made"' in log
    assert token not in log


def test_the_token_of_the_environment_stays_and_a_file_is_never_overwritten(shared: Any) -> None:
    """Nobody locks everybody out by a command, and no token is made that would be lost at once."""
    installation, plane = shared
    refused = installation.cli(plane, "tokens", "revoke", "initial administrator")
    assert (refused.returncode, "TIEOUT_API_TOKEN" in refused.stderr) == (2, True)
    file: Path = installation.folder / "there.token"
    file.write_text("something", encoding="utf-8")
    kept = installation.cli(plane, "tokens", "create", "Grace", "--file", str(file))
    assert (kept.returncode, file.read_text(encoding="utf-8")) == (2, "something")
    assert "Grace" not in installation.cli(plane, "tokens", "list").stdout
    wrong = installation.cli(plane, "tokens", "create", "Grace", "--role", "emperor")
    assert (wrong.returncode, "operator, admin" in wrong.stderr) == (2, True)


def test_a_name_that_could_not_be_told_is_refused(shared: Any) -> None:
    """Empty, too long, or with characters that a list could not show; and no role that there is not."""
    _, plane = shared
    for body in ({"name": " "}, {"name": "x" * 81}, {"name": "a\nb"}, {"name": "Ada", "role": "emperor"}, {}):
        assert plane.call("POST", "/v1/tokens", body)[0] == 422, body
