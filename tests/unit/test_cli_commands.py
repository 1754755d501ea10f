"""The `tieout` command without anything running: help, wrong use, and what is said when nothing answers."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tieout.domain.records import POLLED
from tieout_cli.client import DEMO_STACK
from tieout_cli.demo.place import Place
from tieout_cli.main import COMMANDS, app, main
from tieout_devstack import files
from tieout_devstack.ports import free_port

TIEOUT = Path(sys.executable).with_name("tieout")
HEAVY = ("pydantic", "aiohttp", "rich", "confluent_kafka", "sqlalchemy", "cryptography", "yaml", "tieout", "requests")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command in this process: exit code, standard output, standard error. No stack runs, nothing is set."""
    for name in [name for name in os.environ if name.startswith("TIEOUT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(files, "state_folder", lambda: tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tieout", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return call


def _commands(group: TyperGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    for name in group.list_commands(None):  # type: ignore[arg-type] - ours needs no context
        command = group.get_command(None, name)  # type: ignore[arg-type]
        if isinstance(command, TyperGroup):
            yield from _commands(command, (*words, name))
        elif isinstance(command, TyperCommand):
            yield (*words, name), command


def _all() -> dict[tuple[str, ...], TyperCommand]:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(_commands(group))


def test_help_loads_nothing_that_takes_time() -> None:
    """`tieout --help` comes at once: it loads none of the libraries of its commands."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", TIEOUT, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert all(name in done.stdout for name in COMMANDS)


def test_every_command_has_an_example_and_json() -> None:
    """A user finds in each command's help how it is called, and a program gets JSON from each."""
    commands = _all()
    assert len(commands) >= 15
    for words, command in commands.items():
        assert (command.epilog or "").startswith(f"Example: tieout {' '.join(words)}"), words
        assert any("--json" in option.opts for option in command.params), words
        assert (command.help or "").strip(), words


def test_every_command_of_the_promise_is_there() -> None:
    """The commands that the manual names exist."""
    wanted = {
        "dev up", "dev down", "dev status", "topics apply", "topics check", "check", "sync", "inspect", "sandbox serve",
        "connections apply", "connections list", "connections show", "connections pause", "connections resume",
        "connections retire", "connections secret set",
    }  # fmt: skip
    assert wanted <= {" ".join(words) for words in _all()}


@pytest.mark.parametrize(
    "words", [["nothing"], ["connections"], ["connections", "apply"], ["check"], ["sync", "c", "--kind", "x"]]
)
def test_wrong_use_ends_with_2(run: Run, words: list[str]) -> None:
    """A misspelt or incomplete command is wrong use."""
    assert run(*words)[0] == 2


@pytest.mark.parametrize("kind", ["vendor_credit", "dimension", "period"])
def test_a_kind_that_nobody_polls_is_refused_with_those_that_are(run: Run, kind: str) -> None:
    """A sync that would read nothing is not asked for, though the ERP has such records."""
    code, _, err = run("sync", "c", "--kind", kind)
    assert code == 2
    assert [each.value for each in POLLED if each.value not in err] == []


def test_without_an_address_the_ways_to_give_one_are_named(run: Run) -> None:
    """Nothing runs here and nothing is set: the cure is told."""
    code, _, err = run("connections", "list")
    assert code == 2
    assert "--url or TIEOUT_API_URL" in err


def test_without_a_token_the_ways_to_give_one_are_named(run: Run) -> None:
    """The address alone is not enough."""
    code, _, err = run("connections", "list", "--url", "http://127.0.0.1:1")
    assert code == 2
    assert "TIEOUT_API_TOKEN" in err


@pytest.mark.parametrize("place", [".", DEMO_STACK])
def test_a_running_dev_stack_is_found(run: Run, tmp_path: Path, place: str) -> None:
    """Address and token of the dev stack, or of a kept demo, are taken from its state, and only for its own address."""
    port = free_port()
    state = {"control_plane": {"url": f"http://127.0.0.1:{port}", "token": "the-token-of-the-dev-stack"}}
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "state.json").write_text(json.dumps(state))
    code, _, err = run("connections", "list")
    assert (code, f"does not answer at http://127.0.0.1:{port}" in err) == (1, True)
    assert "the-token-of-the-dev-stack" not in err
    code, _, err = run("connections", "list", "--url", "http://127.0.0.1:1")
    assert (code, "no token" in err) == (2, True)


def test_the_commands_look_where_the_demo_has_its_stack(tmp_path: Path) -> None:
    """The one place is the other."""
    assert Place(tmp_path / "demo").stack == tmp_path / DEMO_STACK


def test_an_error_is_json_where_json_was_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that reads JSON reads its errors too."""
    monkeypatch.setenv("TIEOUT_API_TOKEN", "some-token-of-nobody-here")
    code, out, err = run("connections", "list", "--json", "--url", f"http://127.0.0.1:{free_port()}")
    assert (code, json.loads(out)["error"]["code"], err) == (1, "unreachable", "")


@pytest.mark.parametrize("url", ["ftp://h/x", "no address", "http://"])
def test_an_address_that_is_none_is_wrong_use(run: Run, url: str) -> None:
    """Told before anything is called."""
    assert run("connections", "list", "--url", url)[0] == 2


def test_a_token_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    """The path, not a traceback."""
    code, _, err = run("connections", "list", "--url", "http://h", "--token-file", str(tmp_path / "none"))
    assert (code, "cannot be read" in err) == (2, True)


def test_no_broker_is_told_with_the_ways_to_name_one(run: Run) -> None:
    """`topics` talks to Kafka itself, so it needs an address."""
    code, _, err = run("topics", "check")
    assert code == 2
    assert "tieout dev up" in err


def test_a_wrong_variable_of_kafka_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition count that is no number."""
    monkeypatch.setenv("TIEOUT_PARTITIONS", "many")
    code, _, err = run("topics", "check", "--bootstrap", "h:1")
    assert (code, "TIEOUT_PARTITIONS" in err) == (2, True)


def test_a_stack_that_was_never_started_is_not_running(run: Run, tmp_path: Path) -> None:
    """`dev status` ends with 1, `dev down` has nothing to do."""
    folder = str(tmp_path / "stack")
    assert run("dev", "status", "--folder", folder)[0] == 1
    code, out, _ = run("dev", "down", "--folder", folder, "--json")
    assert (code, json.loads(out)) == (0, {"stopped": []})


def test_a_simulator_that_does_not_exist_is_named_with_those_that_do(run: Run) -> None:
    """The list is the simulators' own."""
    code, _, err = run("sandbox", "serve", "quickbooks")
    assert (code, "bill" in err) == (2, True)


def test_a_simulator_answers_at_the_address_it_prints_until_it_is_stopped() -> None:
    """`sandbox serve` prints its address once it answers, and ends cleanly."""
    server = subprocess.Popen(
        [TIEOUT, "sandbox", "serve", "bill", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert server.stdout is not None
        printed = ""
        while not printed.rstrip().endswith("}"):
            line = server.stdout.readline()
            assert line, "it ended without an address"
            printed += line
        url = json.loads(printed)["url"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/_sandbox/ledger", timeout=10) as answer:
            assert answer.status == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    finally:
        server.kill()
        server.communicate(timeout=10)


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_a_world_that_is_none_is_wrong_use(run: Run, tmp_path: Path, content: str) -> None:
    """The file is named."""
    world = tmp_path / "world.json"
    world.write_text(content)
    code, _, err = run("sandbox", "serve", "bill", "--world", str(world))
    assert (code, str(world) in err) == (2, True)


def test_inspect_prints_the_records_of_an_object_and_of_a_list(run: Run, tmp_path: Path) -> None:
    """One vendor or a page of them: the records as Tieout sees them."""
    row = {"id": "5d1c", "number": "10000", "displayName": "Fabrikam", "blocked": "_x0020_", "currencyCode": ""}
    for content in (row, {"value": [row]}, [row]):
        file = tmp_path / "vendor.json"
        file.write_text(json.dumps(content))
        code, out, _ = run("inspect", "business-central/vendor", str(file), "--currency", "EUR")
        (vendor,) = json.loads(out)
        assert (code, vendor["number"], vendor["name"], vendor["currency"]) == (0, "10000", "Fabrikam", "EUR")


def test_inspect_keeps_amounts_exact(run: Run, tmp_path: Path) -> None:
    """A decimal is not turned into a binary float on the way."""
    bill = {
        "id": "00n01", "vendorId": "00901", "amount": 1234567890123456.78, "dueDate": "2026-01-31",
        "invoice": {"invoiceNumber": "1", "invoiceDate": "2026-01-01"},
    }  # fmt: skip
    file = tmp_path / "bill.json"
    file.write_text(json.dumps(bill).replace("1234567890123456.8", "1234567890123456.78"))
    code, out, err = run("inspect", "bill/bill", str(file))
    assert code == 0, err
    assert "1234567890123456.78" in out


def test_inspect_names_the_place_of_what_cannot_be_read(run: Run, tmp_path: Path) -> None:
    """The second of two is broken: which, where, and why; exit code 1."""
    file = tmp_path / "vendors.json"
    good = {"id": "5d1c", "number": "10000", "displayName": "Fabrikam"}
    file.write_text(json.dumps({"value": [good, {"id": "5d1d", "displayName": "No number"}]}))
    code, out, _ = run("inspect", "business-central/vendor", str(file), "--json")
    (problem,) = json.loads(out)["error"]["problems"]
    assert (code, problem["record"], problem["path"]) == (1, 2, "number")


@pytest.mark.parametrize(
    ("system", "call", "status", "body", "expected"),
    [
        ("bill", "POST /v3/bills", "422", [{"code": "BDC_1171", "message": "taken"}], ("reject", "yes")),
        ("bill", "POST /v3/bills", "500", [{"code": "BDC_1001", "message": "no"}], ("in_doubt", "unknown")),
        ("bill", "GET /v3/bills", "422", [{"code": "BDC_1144", "message": "hour"}], ("retry", "no")),
        ("business-central", "POST vendors", "401", {}, ("retry", "no")),
    ],
)
def test_inspect_tells_what_an_error_means(
    run: Run, tmp_path: Path, system: str, call: str, status: str, body: Any, expected: tuple[str, str]
) -> None:
    """Class, whether it was executed, code, message and cure."""
    file = tmp_path / "error.json"
    file.write_text(json.dumps(body))
    code, out, _ = run("inspect", f"{system}/error", str(file), "--status", status, "--call", call)
    found = json.loads(out)
    assert (code, found["class"], found["executed"]) == (0, *expected)
    assert set(found) == {"class", "executed", "code", "message", "cure"}


@pytest.mark.parametrize(
    "words",
    [
        ["bill/nothing", "-"],
        ["nothing/vendor", "-"],
        ["bill/error", "/dev/null"],
        ["bill/error", "/dev/null", "--status", "500", "--call", "nonsense"],
        ["business-central/vendor", "/nowhere"],
        ["business-central/vendor", "/dev/null", "--currency", "Dollar"],
    ],
)
def test_inspect_in_a_wrong_way_ends_with_2(run: Run, words: list[str]) -> None:
    """Wrong use is told apart from an unreadable payload."""
    assert run("inspect", *words)[0] == 2
