"""The whole of it for one test: simulators in threads, services as processes, a connection applied over the API."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from support.installation import Installation, eventually
from support.simulators import Running, running
from tieout.connections.secrets import Purpose
from tieout.domain.settings import Side
from tieout_devstack.certificates import Authority
from tieout_devstack.ports import free_port
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from tieout_sandbox.systems import simulator

COMPANY: Final = "CRONUS USA, Inc."
TOKEN: Final = "end-to-end-token-of-the-tests"
SERVICES: Final = (
    "tieout_control_plane",
    "tieout_decider",
    "tieout_bill_writer",
    "tieout_erp_poller",
    "tieout_fact_mapper",
)
# Times of the effect protocol, short: a simulator on loopback answers in milliseconds.
FAST: Final = {
    "bill_write_within": "1", "bill_http_timeout": "2", "bill_settle": "0.5", "bill_lookup_gap": "0.3",
    "bill_retry_cap": "0.5", "bill_retry_for": "20",
}  # fmt: skip
FAST_ERP: Final = {
    "erp_write_within": "5", "erp_http_timeout": "6", "erp_settle": "0.5", "erp_lookup_gap": "0.3",
    "erp_retry_cap": "0.5", "erp_retry_for": "20", "erp_look_first": "0.5", "erp_look_cap": "1",
}  # fmt: skip


@dataclass
class Pipeline:
    """Everything that runs for one test."""

    made: Installation
    bill: Running
    erp: Running
    login: Running
    authority: Authority
    api_port: int = field(default_factory=free_port)

    def settings_of(self, module: str) -> dict[str, str]:
        """The settings of a service beyond what all have."""
        if module == "tieout_control_plane":
            return {"api_token": TOKEN, "http_port": str(self.api_port), "tick_seconds": "1"}
        if module == "tieout_bill_writer":
            return dict(FAST)
        if module == "tieout_payment_writeback":
            return dict(FAST_ERP)
        return {}

    def start(self, *modules: str, name: str = "", **extra: str) -> None:
        """Start services."""
        for module in modules or SERVICES:
            self.made.start(module, name or module, **(self.settings_of(module) | extra))

    def connection(self, **changes: Any) -> dict[str, Any]:
        """The connection between the two simulated companies, as its owner would write it."""
        base: dict[str, Any] = {
            "connection": "acme",
            "state": "active",
            "erp": {
                "kind": "business-central",
                "tenant": TENANT,
                "company": COMPANY,
                "endpoints": {"api": self.erp.url, "login": self.login.url},
                "ca_file": str(self.authority.certificate),
                "schedule": {"default": "1s"},
            },
            "bill": {
                "organization": ORGANIZATION,
                "endpoints": {"api": f"{self.bill.url}/connect", "events": f"{self.bill.url}/connect-events"},
                "schedule": {"default": "1s"},
            },
            "cutover": {"date": "2026-01-01"},
        }
        return base | changes

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call of the API."""
        client = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            client.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            answer = client.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            client.close()

    def apply(self, **changes: Any) -> Any:
        """Give credentials and apply the connection."""
        self.credentials()
        document = yaml.safe_load(yaml.safe_dump(self.connection(**changes)))
        eventually(self.listening, what="control-plane")
        status, answer = self.ask("POST", "/v1/connections/apply", {"connections": [document]})
        assert status == 200, answer
        return answer

    def credentials(self, **changes: Mapping[str, str]) -> None:
        """Store both sides' credentials."""
        bill = {"user": USERNAME, "password": PASSWORD, "developer_key": DEV_KEY} | dict(changes.get("bill", {}))
        erp = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} | dict(changes.get("erp", {}))
        self.made.secrets.put("acme", Side.BILL, Purpose.CREDENTIALS, bill)
        self.made.secrets.put("acme", Side.ERP, Purpose.CREDENTIALS, erp)

    def listening(self) -> bool:
        """Whether control-plane answers."""
        try:
            return self.ask("GET", "/v1/connections")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def links(self, kind: str) -> dict[str, dict[str, Any]]:
        """The link rows of a kind, by link."""
        prefix = f"acme/link/{kind}/"
        rows = self.made.state().items()
        return {key.removeprefix("acme/link/"): json.loads(value) for key, value in rows if key.startswith(prefix)}

    def folds(self) -> bool:
        """Whether the state is the journal's fold; polls are stopped for it, since each of them is a row."""
        if self.made.running["tieout_erp_poller"].running():
            self.made.running["tieout_erp_poller"].stop()
        return self.made.folded() == self.made.state()

    def linked(self, kind: str) -> dict[str, str]:
        """BILL's ids of the links of a kind that stand."""
        return {link: row["target"] for link, row in self.links(kind).items() if row["phase"] == "linked"}

    def bill_vendors(self) -> dict[str, list[str]]:
        """Names in BILL by short name."""
        found: dict[str, list[str]] = {}
        for organization in self.bill.ledger()["organizations"].values():
            for one in organization["vendors"]:
                found.setdefault(one.get("shortName", ""), []).append(one["name"])
        return found


@contextmanager
def pipeline(made: Installation, authority: Authority) -> Iterator[Pipeline]:
    """Simulators that listen; services are started by the test."""
    entra = authority.issue("entra")
    with ExitStack() as stack:
        login = stack.enter_context(running(simulator("entra"), tls=(str(entra.certificate), str(entra.key))))
        erp = stack.enter_context(running(simulator("business-central")))
        bill = stack.enter_context(running(simulator("bill")))
        yield Pipeline(made, bill, erp, login, authority)
