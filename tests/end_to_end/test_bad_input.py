"""Bad input of every kind against everything that runs: what a person is told, and that nothing else is disturbed.

One company for the whole file, at work while it is fed what it cannot read.
"""

import base64
import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from support.installation import MASTER, Installation, eventually
from support.pipeline import SERVICES, TOKEN, Pipeline, pipeline
from support.simulators import running
from tieout.connections.key_wrapper import side_key_text
from tieout.connections.webhook_keys import read_keys
from tieout.domain.settings import Side
from tieout.log.topics import Topic
from tieout_connectors.bill.signature import HEADER, sign
from tieout_devstack.certificates import Authority
from tieout_devstack.ports import free_port
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import DEV_KEY, PASSWORD, USERNAME
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET

pytestmark = pytest.mark.timeout(300)
INGEST: Final = "tieout_webhook_ingest"
ANOTHER: Final = base64.b64encode(bytes(range(32, 64))).decode()


@dataclass
class Site:
    """The pipeline with webhook-ingest, as BILL, an operator and Prometheus reach it."""

    pipe: Pipeline
    trusted: ssl.SSLContext
    ports: Mapping[str, int]
    key: str = ""
    """What BILL signs with."""

    def tieout(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command line against control-plane."""
        known = {
            "PATH": os.environ["PATH"],
            "TIEOUT_API_URL": f"http://127.0.0.1:{self.pipe.api_port}",
            "TIEOUT_API_TOKEN": TOKEN,
        }
        command = [Path(sys.executable).with_name("tieout"), *words]
        return subprocess.run(
            command, env=known, input=stdin, capture_output=True, text=True, timeout=90, check=False,
            cwd=self.pipe.made.folder,
        )  # fmt: skip

    def holds(self) -> dict[str, dict[str, Any]]:
        """What `tieout holds list` shows, by name."""
        done = self.tieout("holds", "list", "--json")
        assert done.returncode == 0, done.stderr
        return {one["ref"]: one for one in json.loads(done.stdout)["holds"]}

    def post(self, body: bytes, key: str = "") -> int:
        """A notification as somebody sends it, signed if there is a key; the answer's status."""
        url = f"https://127.0.0.1:{self.ports['webhooks']}/webhooks/bill/acme"
        headers = {"content-type": "application/json"} | ({HEADER: sign(body, key)} if key else {})
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20, context=self.trusted) as answer:  # noqa: S310 - loopback
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def metric(self, service: str, name: str, **labels: str) -> float:
        """The sum of a service's samples of a name that have these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}/metrics", timeout=20) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        samples = [one for family in families for one in family.samples if one.name == name]
        return sum(one.value for one in samples if labels.items() <= one.labels.items())

    def vendor(self, number: str) -> str:
        """Where a vendor of the ERP stands."""
        rows = self.pipe.links("vendor").values()
        return next((str(row["phase"]) for row in rows if row["number"] == number), "")


@pytest.fixture(scope="module")
def site(made_once: Installation, ca: Authority) -> Iterator[Site]:
    """A company whose vendors stand in BILL."""
    simulated = BillSimulator(None, str(ca.certificate))
    with running(simulated) as bill, pipeline(made_once, ca) as pipe:
        pipe.bill = bill
        made = ca.issue("webhook-ingest")
        ports = {"webhooks": free_port(), INGEST: free_port(), "tieout_decider": free_port()}
        ports["tieout_control_plane"] = pipe.api_port
        pipe.start("tieout_control_plane", "tieout_bill_writer", "tieout_erp_poller", "tieout_fact_mapper")
        pipe.start("tieout_decider", http_port=str(ports["tieout_decider"]))
        pipe.start(
            INGEST,
            http_port=str(ports[INGEST]),
            listen_port=str(ports["webhooks"]),
            tls_certificate_file=str(made.certificate),
            tls_key_file=str(made.key),
        )
        assert set(pipe.made.running) == {*SERVICES, INGEST}
        webhooks = f"https://127.0.0.1:{ports['webhooks']}/webhooks/bill/acme"
        pipe.apply(bill=pipe.connection()["bill"] | {"webhooks": webhooks})
        one = Site(pipe, ca.client_context(), ports)
        eventually(lambda: one.vendor("10000") == "linked", seconds=150, what="the first vendor")
        eventually(lambda: subscribed(one), seconds=120, what="the webhook subscription")
        keys = read_keys(pipe.made.secrets, "acme")
        assert keys is not None
        one.key = keys.current
        yield one


def subscribed(site: Site) -> bool:
    """Whether BILL pushes: then its key is stored, and webhook-ingest listens."""
    subscriptions = site.pipe.bill.ask("/_sandbox/webhooks")["subscriptions"]
    return [each["status"]["enabled"] for each in subscriptions] == [True]


def test_a_wrong_field_is_named_with_its_line_and_what_is_allowed_and_nothing_is_applied(site: Site) -> None:
    """Exit 2; neither the wrong document nor the good one before it; the connection that runs keeps its settings."""
    before = site.pipe.ask("GET", "/v1/connections")[1]
    good = site.pipe.connection(policy={"discounts": "never"})
    wrong = good | {"connection": "acme-two", "polcy": {"approval": "bill"}}
    file = site.pipe.made.folder / "wrong.yaml"
    file.write_text(yaml.safe_dump_all([good, wrong], sort_keys=False), encoding="utf-8")
    line = next(n for n, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if "polcy" in text)
    done = site.tieout("connections", "apply", str(file))
    assert done.returncode == 2
    told = next(each for each in done.stderr.splitlines() if "polcy" in each)
    assert f"{file}:{line}: polcy " in told
    assert "allowed: " in told
    assert {"connection", "policy", "cutover"} <= set(told.partition("allowed: ")[2].split(", "))
    assert site.pipe.ask("GET", "/v1/connections")[1] == before


def test_forged_notifications_are_refused_and_counted_and_leave_nothing(site: Site) -> None:
    """Unsigned and wrongly signed 401, above 1 MiB 413, whatever the signature; no message and no fact."""
    stored = len(site.pipe.made.read(Topic.BILL_EVENTS))
    results = ("unsigned", "wrong_signature", "too_large")
    name = "tieout_webhook_requests_total"
    before = {result: site.metric(INGEST, name, result=result) for result in results}
    body = b'{"metadata": {"eventId": "forged"}}'
    large = b" " * (1024 * 1024 + 1)
    assert (site.post(body), site.post(body, "a guess"), site.post(large, site.key)) == (401, 401, 413)
    counted = {result: site.metric(INGEST, name, result=result) - before[result] for result in results}
    assert counted == {"unsigned": 1, "wrong_signature": 1, "too_large": 1}
    assert not [one for one in site.pipe.made.read(Topic.BILL_EVENTS)[stored:] if "forged" in str(one.data)]


def test_a_signed_notification_that_cannot_be_read_is_kept_acknowledged_and_shown(site: Site) -> None:
    """BILL is told 200 and does not come again; the bytes are kept; a person sees a hold that says where."""
    body = b'{"metadata": "no object", "what": "of another release"}'
    assert site.post(body, site.key) == 200

    def shown() -> dict[str, Any] | None:
        found = [one for one in site.holds().values() if one["ref"].startswith("unreadable/event/")]
        return found[0] if found else None

    hold = eventually(shown, seconds=60, what="the hold")
    assert hold["reason"] == "unreadable"
    topic = site.pipe.made.names.topic(Topic.BILL_EVENTS)
    assert f"(raw at {topic}/" in hold["sentence"]
    kept = [one for one in site.pipe.made.read(Topic.BILL_EVENTS) if "of another release" in str(one.data)]
    assert len(kept) == 1


def test_an_unreadable_row_of_the_erp_is_held_with_its_source_and_the_page_goes_on(site: Site) -> None:
    """A vendor with a word that no release knows is a hold; the next one goes through, and it too once it is mended."""
    erp = site.pipe.erp

    def people(do: str, **order: Any) -> dict[str, Any]:
        done: dict[str, Any] = erp.ask("/_sandbox/people", {"do": do, **order})
        return done

    address = {"address_line1": "1 Odd Way", "city": "Portland", "state": "OR", "postal_code": "97201", "country": "US"}
    odd = people("create_vendor", vendor={"number": "91000", "display_name": "Odd", "blocked": "Perhaps", **address})
    people("create_vendor", vendor={"number": "92000", "display_name": "Even", **address})
    eventually(lambda: site.vendor("92000") == "linked", seconds=60, what="the vendor after it")
    ref = f"unreadable/vendor/{odd['id']}"
    hold = eventually(lambda: site.holds().get(ref), seconds=30, what="the hold")
    topic = site.pipe.made.names.topic(Topic.ERP_CHANGES)
    assert "blocked" in hold["sentence"]
    assert f"(raw at {topic}/" in hold["sentence"]
    assert site.vendor("91000") == ""
    people("block_vendor", number="91000", blocked="")
    eventually(lambda: site.vendor("91000") == "linked", seconds=60, what="the mended vendor")
    eventually(lambda: ref not in site.holds(), what="the end of the hold")


@pytest.mark.promise("C12")
@pytest.mark.promise("C1")
def test_a_wrong_secret_is_told_by_side_status_code_and_cure_and_never_shown(site: Site) -> None:
    """`tieout check`: exit 1, which side refuses, its HTTP status and code, and the cure; the other side is well."""
    wrong = {
        "bill": {"user": USERNAME, "password": "not-the-password", "developer_key": DEV_KEY},
        "erp": {"client_id": CLIENT_ID, "client_secret": "not-the-secret"},
    }
    right = {
        "bill": {"user": USERNAME, "password": PASSWORD, "developer_key": DEV_KEY},
        "erp": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    }
    code = {"bill": "BDC_1101", "erp": "invalid_client 7000215"}
    for side, other in (("erp", "bill"), ("bill", "erp")):
        done = site.tieout("connections", "secret", "set", "acme", side, stdin=json.dumps(wrong[side]))
        assert done.returncode == 0, done.stderr
        told = site.tieout("check", "acme")
        assert told.returncode == 1, told.stdout + told.stderr
        lines = told.stdout.splitlines()
        assert f"{side}: failed" in lines
        assert f"{other}: failed" not in lines
        (failed,) = [number for number, line in enumerate(lines) if line.startswith("  FAIL")]
        assert f"(HTTP 401 {code[side]})" in lines[failed], lines
        assert lines[failed + 1].strip().startswith("cure: ")
        assert site.tieout("connections", "secret", "set", "acme", side, stdin=json.dumps(right[side])).returncode == 0
        assert site.tieout("check", "acme").returncode == 0
        said = told.stdout + told.stderr + "".join(site.pipe.made.log_of(name) for name in site.pipe.made.running)
        assert "not-the-" not in said


KEYLESS: Final[Mapping[str, Side]] = {
    "tieout_control_plane": Side.BILL,
    "tieout_bill_writer": Side.BILL,
    INGEST: Side.BILL,
    "tieout_erp_poller": Side.ERP,
    "tieout_payment_writeback": Side.ERP,
}
"""The services that hold secrets, and a side that each cannot do without."""


def test_without_the_right_key_no_service_that_holds_secrets_starts(site: Site) -> None:
    """Missing, another one, or the other side's only: it ends at once, says so, and names no key."""
    other = {Side.BILL: Side.ERP, Side.ERP: Side.BILL}
    cases: dict[str, tuple[str, dict[str, str], str]] = {}
    for module, side in KEYLESS.items():
        cases[f"{module}-missing"] = module, {"master_key": ""}, "TIEOUT_MASTER_KEY"
        cases[f"{module}-wrong"] = module, {"master_key": ANOTHER}, "another master key"
        foreign = {"master_key": "", f"{other[side]}_key": side_key_text(MASTER, other[side])}
        cases[f"{module}-other-side"] = module, foreign, f"TIEOUT_{side.upper()}_KEY"
    ended = {}
    for name, (module, keys, _said) in cases.items():
        tls = {"tls_ends_before": "true"} if module == INGEST else {}
        ended[name] = site.pipe.made.start(module, name, instance=name, **tls, **keys)
    for name, process in ended.items():
        assert process.wait_gone(seconds=60), f"{name} runs"
        del site.pipe.made.running[name]
        log = site.pipe.made.log_of(name)
        assert cases[name][2] in log, f"{name}: {log}"
        assert "Traceback" not in log, f"{name}: {log}"
        assert ANOTHER not in log
        assert MASTER not in log


def test_all_of_it_shows_in_the_metrics(site: Site) -> None:
    """What Prometheus scrapes: holds by reason, facts by what followed, positions without a lag that grows."""
    decider = "tieout_decider"
    assert site.metric(decider, "tieout_decider_holds_set_total", reason="unreadable") >= 2
    assert site.metric(decider, "tieout_decider_facts_total", type="tieout.fact.erp.vendor.v1", result="command") >= 2
    assert site.metric(decider, "tieout_decider_commands_total", intent="vendor.ensure") >= 2
    assert site.metric(decider, "tieout_decider_position") > 0
    assert site.metric(decider, "tieout_decider_transaction_seconds_count") > 0
    # Of the two, the vendor's has gone; the tables are looked at every quarter of a minute.
    eventually(
        lambda: site.metric("tieout_control_plane", "tieout_holds", reason="unreadable") == 1,
        seconds=60,
        what="the hold that is left",
    )
