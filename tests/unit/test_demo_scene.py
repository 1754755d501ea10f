"""A demo's processes: what a person is told when one ends, or takes too long, and which services there are."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from tieout_cli.demo import owner, paying, plan, stages
from tieout_cli.demo.findings import Findings
from tieout_cli.demo.ground import Ground
from tieout_cli.demo.outside import World
from tieout_cli.demo.place import Place
from tieout_cli.demo.scene import Scene
from tieout_cli.output import CliError
from tieout_devstack import processes
from tieout_devstack.errors import NotReady
from tieout_devstack.stack import Stack
from tieout_sandbox.company import SMALL, build
from tieout_sandbox.company.bill_side import PASSWORD
from tieout_sandbox.entra.simulator import CLIENT_SECRET

if TYPE_CHECKING:
    from tieout_cli.demo.progress import Progress


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A scene in which nothing runs yet."""
    made = Scene(Place.at(tmp_path), build(1, date(2026, 6, 15), SMALL), kept=False)
    yield made
    for process in made.running.values():
        process.kill()


def run(scene: Scene, name: str, script: str) -> None:
    """Let a Python script be one of the scene's processes."""
    log = scene.place.logs / f"{name}.log"
    scene.running[name] = processes.start(name, [sys.executable, "-c", script], log=log, env={})


def test_a_process_that_ends_is_named_with_its_last_words(scene: Scene) -> None:
    """Whatever the demo waits for, the log's end of who has died is what it fails with."""
    run(scene, "decider", "import time; print('no more facts', flush=True); time.sleep(0.3)")
    with pytest.raises(NotReady, match=r"(?s)decider has ended.*no more facts"):
        scene.until(lambda: None, seconds=30, what="nothing")


def test_a_wait_ends_and_shows_who_complains(scene: Scene) -> None:
    """Nothing is waited for without end; the logs' errors are shown with the file they are in."""
    run(scene, "bill-writer", "import time; print('error: BILL is shut', flush=True); time.sleep(60)")
    scene.until(lambda: scene.complaints().count("BILL is shut"), seconds=30, what="the complaint")
    with pytest.raises(NotReady, match=r"(?s)synchronizing did not happen within 0 s.*bill-writer.*BILL is shut"):
        scene.until(lambda: None, seconds=0.1, what="synchronizing")


def test_a_kept_demo_that_has_lost_a_process_is_not_gone_on_with(scene: Scene) -> None:
    """Going on with half of it would tell nothing; the cure is a new one."""
    with pytest.raises(CliError, match="entra of the demo that was kept runs no more"):
        scene.attach()


def test_a_demo_that_bill_tells_nothing_fails(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a webhook subscription nothing is paid, and the demo says so instead of leaving payments out."""
    monkeypatch.setattr(paying, "SUBSCRIBED_SECONDS", 0.1)
    monkeypatch.setattr(World, "ask", lambda _world, path: {"/_sandbox/webhooks": {"subscriptions": []}}[path])
    with pytest.raises(NotReady, match="subscribing to BILL's webhooks did not happen"):
        paying.wait_subscribed(scene)


def test_a_kind_that_was_not_read_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without invoices or ledger entries both ledgers may agree on nothing; the kind is named."""
    seen = {"account", "dimension_value", "vendor", "purchase_invoice"}
    view = SimpleNamespace(seen=seen.__contains__)
    made = cast("Scene", SimpleNamespace(view=view, complaints=lambda: "the poller's last words"))
    monkeypatch.setattr(owner, "sync", lambda _scene: None)
    monkeypatch.setattr(stages, "settle", lambda *_: None)
    with pytest.raises(CliError, match=r"ERP: ledger_entry$") as ended:
        stages.synchronize(made, cast("Progress", None), Findings())
    assert ended.value.lines == ["the poller's last words"]
    seen.add("ledger_entry")
    stages.synchronize(made, cast("Progress", None), Findings())


def test_every_service_of_this_checkout_is_started() -> None:
    """A service that exists and is not in the demo's plan would silently not be shown."""
    folder = Path(__file__).resolve().parents[2] / "services"
    assert {service.name for service in plan.SERVICES} == {path.name for path in folder.iterdir() if path.is_dir()}


def test_services_get_the_key_of_their_own_side_only(scene: Scene) -> None:
    """bill-writer cannot open the ERP's credentials, the poller and the writer of the ERP not BILL's."""
    stack = Stack(scene.place.stack, "127.0.0.1:1", "environment", "postgresql://x", "environment", scene.ca)
    wiring = plan.Wiring(scene.place, scene.ca, scene.ports, Ground(stack, "tieout", "postgresql://x"))
    held = {one.name: {key for key in one.settings(wiring) if key.endswith("_KEY")} for one in plan.SERVICES}
    assert held == {
        "control-plane": {"MASTER_KEY"},
        "decider": set(),
        "fact-mapper": set(),
        "erp-poller": {"ERP_KEY"},
        "bill-writer": {"BILL_KEY"},
        "webhook-ingest": {"BILL_KEY"},
        "payment-writeback": {"ERP_KEY"},
    }


def test_secrets_are_in_no_file_but_their_own(scene: Scene) -> None:
    """The connection's YAML holds none, and the master key's file is its owner's alone."""
    document = str(owner.connection(scene.company, scene.ports, "ca.pem", state="draft"))
    assert CLIENT_SECRET not in document
    assert PASSWORD not in document
    scene.place.master_key()
    assert (scene.place.folder / "keys" / "master-key").stat().st_mode & 0o777 == 0o600
