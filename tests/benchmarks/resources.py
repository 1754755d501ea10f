"""What each service needs: memory, CPU, and seconds until it is ready, with one connection that is synchronized.

All seven run as in production, each a process of its own, on a real broker and a real database; the ERP and BILL are
the simulators. They are started one after the other, watched while nothing happens, and again while invoices become
bills and payments come back.
"""

import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from benchmarks.servers import Servers
from benchmarks.webhook import KEY
from support.installation import Installation, eventually
from support.pipeline import Pipeline, pipeline
from tieout.connections.webhook_keys import WebhookKeys, write_keys
from tieout.log.compacted import high_watermark
from tieout.log.topics import Topic
from tieout_connectors.bill.signature import HEADER, sign
from tieout_devstack import certificates, processes
from tieout_devstack.ports import free_port
from tieout_sandbox.bill.default_world import BANK

SERVICES: Final = (
    "tieout_control_plane",
    "tieout_decider",
    "tieout_fact_mapper",
    "tieout_bill_writer",
    "tieout_payment_writeback",
    "tieout_erp_poller",
    "tieout_webhook_ingest",
)
Launch = Callable[..., processes.Background]
"""Module, name, and by their names ``log``, ``env`` and ``pid_file``."""

PATIENCE: Final = 300.0
MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Size:
    """``documents`` are posted, sent to BILL, paid there, and come back; ``idle`` is in seconds."""

    documents: int = 60
    idle: float = 20.0


@dataclass
class Needs:
    """One service. Memory is resident, in MiB; CPU in seconds, of user and system together.

    ``idle_cpu_per_minute`` is what it takes with nothing to do but polling every second; ``work_cpu`` what the
    documents took.
    """

    service: str
    ready_seconds: float
    start_cpu: float
    ready_memory: float = 0.0
    idle_memory: float = 0.0
    idle_cpu_per_minute: float = 0.0
    work_memory: float = 0.0
    work_cpu: float = 0.0


class Measured(Installation):
    """An installation whose services are started and waited for one by one."""

    launch: Launch

    def __post_init__(self) -> None:
        super().__post_init__()
        self.needs: dict[str, Needs] = {}

    def start(self, module: str, name: str = "", **extra: str) -> processes.Background:
        """Start a service, wait until it is ready, and note what that took."""
        port = extra.setdefault("http_port", str(free_port()))
        settings = {f"TIEOUT_{key.upper()}": value for key, value in extra.items()}
        settings.setdefault("TIEOUT_INSTANCE", f"{self.prefix}-{module}")
        began = time.monotonic()
        process = self.launch(
            module,
            name or module,
            log=self.folder / f"{module}.log",
            env=self.environment(module, settings),
            pid_file=self.folder / f"{module}{processes.PID_SUFFIX}",
        )
        self.running[name or module] = process
        process.wait_ready(f"http://127.0.0.1:{port}/readyz", seconds=PATIENCE)
        ready = time.monotonic() - began
        service = module.removeprefix("tieout_").replace("_", "-")
        self.needs[module] = Needs(service, ready, self.cpu(module), ready_memory=self.memory(module))
        return process

    def cpu(self, module: str) -> float:
        """Seconds so far."""
        times = psutil.Process(self.running[module].pid).cpu_times()
        return float(times.user + times.system)

    def memory(self, module: str) -> float:
        """Resident now, in MiB."""
        return float(psutil.Process(self.running[module].pid).memory_info().rss / MIB)

    def facts(self) -> int:
        """Messages on ``sync.facts``, markers of transactions included."""
        topic = self.names.topic(Topic.FACTS)
        return sum(high_watermark(self.access, topic, number)[1] for number in range(self.partitions))


def alone(module: str, name: str, *, log: Path, env: Mapping[str, str], pid_file: Path) -> processes.Background:
    """Start a service as an operator's would be: a process that has imported nothing."""
    return processes.start(name, [sys.executable, "-m", module], log=log, env=env, pid_file=pid_file)


def measure(servers: Servers, size: Size, launch: Launch = alone) -> dict[str, Any]:
    """A row per service, and what was done."""
    with _company(servers, launch) as (made, pipe, webhooks):
        idle = {module: made.cpu(module) for module in made.needs}
        time.sleep(size.idle)
        for module, needs in made.needs.items():
            needs.idle_memory = made.memory(module)
            needs.idle_cpu_per_minute = (made.cpu(module) - idle[module]) * 60 / size.idle
        before, facts, began = {module: made.cpu(module) for module in made.needs}, made.facts(), time.monotonic()
        write_keys(made.secrets, "acme", WebhookKeys(current=KEY))
        _work(pipe, webhooks, size.documents)
        elapsed = time.monotonic() - began
        for module, needs in made.needs.items():
            needs.work_memory, needs.work_cpu = made.memory(module), made.cpu(module) - before[module]
        return {
            "documents": size.documents,
            "facts": made.facts() - facts,
            "seconds": round(elapsed, 1),
            "services": [_rounded(needs) for needs in made.needs.values()],
        }


@contextmanager
def _company(servers: Servers, launch: Launch) -> Iterator[tuple[Measured, Pipeline, int]]:
    """Everything running, with the company's masters and its invoices in BILL."""
    prefix, webhooks = servers.name(), free_port()
    folder = servers.folder / prefix
    folder.mkdir()
    with ExitStack() as stack:
        made = Measured(servers.bootstrap, stack.enter_context(servers.database()), prefix, folder)
        made.launch = launch
        stack.callback(made.stop)
        with pipeline(made, certificates.authority(folder / "ca")) as pipe:
            for module in SERVICES[:-1]:
                pipe.start(module)
            made.start(SERVICES[-1], listen_port=str(webhooks), tls_ends_before="true")
            today = datetime.now(UTC).date()
            pipe.apply(
                cutover={"date": (today - timedelta(days=2)).isoformat()},
                accounts={"clearing": "2950", "banks": {BANK: "CHECKING"}},
                policy={"transfer_quiet_seconds": 2},
            )
            _post(pipe, "FIRST", 1)
            eventually(lambda: len(pipe.linked("bill")) >= 1, seconds=PATIENCE, what="the first bill")
            yield made, pipe, webhooks


def _work(pipe: Pipeline, webhooks: int, documents: int) -> None:
    """Invoices become bills, are paid, and the payments are recorded; BILL's notifications come meanwhile."""
    known = len(pipe.linked("bill"))
    bills = _bills(pipe)
    _post(pipe, "BENCH", documents)
    eventually(lambda: len(pipe.linked("bill")) >= known + documents, seconds=PATIENCE, what="the bills")
    new = {bill: amount for bill, amount in _bills(pipe).items() if bill not in bills}
    for bill, amount in new.items():
        _notify(webhooks, bill)
        order = {"action": "create", "bills": [{"billId": bill, "amount": amount}], "to": "PROCESSED"}
        pipe.bill.ask("/_sandbox/payments", order | {"fundingAccount": {"type": "BANK_ACCOUNT", "id": BANK}})
    eventually(lambda: len(pipe.linked("payment")) >= documents, seconds=PATIENCE, what="the payments")


def _post(pipe: Pipeline, series: str, count: int) -> None:
    orders = [
        {
            "do": "post_invoice", "vendor": "20000", "vendor_invoice_number": f"{series}-{number}",
            "lines": [{"number": "6150", "unit_cost": str(100 + number)}],
        }
        for number in range(count)
    ]  # fmt: skip
    pipe.erp.ask("/_sandbox/people", orders)


def _bills(pipe: Pipeline) -> dict[str, Any]:
    """Bills in BILL with their amounts."""
    (books,) = pipe.bill.ledger()["organizations"].values()
    return {one["id"]: one["amount"] for one in books["bills"]}


def _notify(port: int, bill: str) -> None:
    """BILL tells of a bill; it is foreign to the organization, so it costs what one costs and asks nothing of BILL."""
    metadata = {"eventId": bill, "eventType": "bill.updated", "organizationId": "x"}
    body = json.dumps({"metadata": metadata, "bill": {"id": bill}}).encode()
    calling = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        calling.request("POST", "/webhooks/bill/acme", body, {HEADER: sign(body, KEY)})
        status = calling.getresponse().status
        assert status == 200, f"webhook-ingest answered {status}"
    finally:
        calling.close()


def _rounded(needs: Needs) -> dict[str, Any]:
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(needs).items()}
