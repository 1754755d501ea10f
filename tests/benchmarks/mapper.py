"""fact-mapper as a process, beside faust that only consumes the same messages."""

import itertools
import json
import sys
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks.company import SEEN, outside_id
from benchmarks.measuring import Goal, Pair
from benchmarks.servers import Servers
from support.business_central_rows import CONTEXT, load
from support.installation import eventually
from tieout.domain.records import Kind
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.raw import BillDocument, ErpRow
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing, PlainProducer
from tieout.log.topics import Names, Topic
from tieout_devstack import processes
from tieout_devstack.ports import free_port
from tieout_fact_mapper.stage import BATCH

GOAL: Final = 0.30
TESTS: Final = Path(__file__).parents[1]
PATIENCE: Final = 240.0
DISTINCT: Final = 500


@dataclass(frozen=True)
class Size:
    """Messages per round, in batches of faust's: the bare one is faster and gets more, to be timed as long."""

    rounds: int = 5
    mapped: int = 8 * BATCH
    bare: int = 24 * BATCH


@dataclass
class Worker:
    """One worker with topics of its own."""

    servers: Servers
    side: str
    names: Names
    fed: int = 0
    process: processes.Background | None = field(default=None)

    def __post_init__(self) -> None:
        self._producer = PlainProducer(self.servers.access)
        self._log = self.servers.folder / f"{self.side}-{self.names.prefix}.log"
        port = free_port()
        self.process = processes.start(
            self.side,
            [sys.executable, "-m", "benchmarks.mapper_worker", self.side],
            log=self._log,
            env={
                "PYTHONPATH": str(TESTS),
                "TIEOUT_KAFKA_BOOTSTRAP": self.servers.bootstrap,
                "TIEOUT_PREFIX": self.names.prefix,
                "TIEOUT_PARTITIONS": str(self.names.partitions),
                "TIEOUT_HTTP_PORT": str(port),
                "TIEOUT_WORK_FOLDER": str(self.servers.folder / f"faust-{self.names.prefix}"),
            },
            pid_file=self.servers.folder / f"{self.side}-{self.names.prefix}{processes.PID_SUFFIX}",
        )
        self.process.wait_ready(f"http://127.0.0.1:{port}/readyz", seconds=PATIENCE)

    def rate(self, messages: Sequence[Outgoing]) -> float:
        """Messages per second, over what it did after all of them lay in Kafka."""
        before = self.fed
        self._producer.send_now(list(messages), PATIENCE)
        ready = time.monotonic()
        self.fed += len(messages)
        eventually(lambda: self._told()[-1:] and self._told()[-1][0] >= self.fed, seconds=PATIENCE, what=self.side)
        seen = [(done, at) for done, at in self._told() if done > before]
        late = [one for one in seen if one[1] >= ready]
        timed = late if len(late) > 1 else seen
        (first, began), (last, ended) = timed[0], timed[-1]
        return (last - first) / (ended - began)

    def _told(self) -> list[tuple[int, float]]:
        lines = self._log.read_text(encoding="utf-8").splitlines()
        words = [line.split() for line in lines if line.startswith("done ")]
        return [(int(done), float(at)) for _, done, at in words]


def measure(servers: Servers, size: Size) -> list[Goal]:
    """Both workers in turn; the one that waits polls, as it would."""
    workers = [Worker(servers, side, servers.topics(1)) for side in ("mapped", "bare")]
    counts = (size.mapped, size.bare)
    rounds = []
    try:
        feeds = [itertools.cycle(_feed(worker.names)) for worker in workers]
        for number in range(size.rounds + 1):
            rates = [
                worker.rate(list(itertools.islice(feed, count)))
                for worker, feed, count in zip(workers, feeds, counts, strict=True)
            ]
            if number > 0:  # the first round imports readers and warms caches
                rounds.append(Pair(*rates))
    finally:
        for worker in workers:
            if worker.process is not None:
                worker.process.kill()
    return [Goal("fact-mapper / bare faust consume", "messages/s", tuple(rounds), GOAL)]


def _feed(names: Names) -> list[Outgoing]:
    """Of ten: four vendors, three ledger entries, two invoices of an ERP, and a payment of BILL."""
    rows = {
        "v": (Kind.VENDOR, load("vendor.json")),
        "e": (Kind.LEDGER_ENTRY, load("ledger_entry.json")),
        "i": (Kind.PURCHASE_INVOICE, load("purchase_invoice.json")),
    }
    payment = json.loads((TESTS / "fixtures/bill/payment.json").read_text(), parse_float=Decimal)
    messages = []
    for number, what in zip(range(DISTINCT), itertools.cycle("veveiveivp")):
        if what == "p":
            data: Payload = BillDocument(
                kind="payment", key=f"stp{number}", version=str(number), origin="poll",
                document=payment | {"id": f"stp{number}"},
            )  # fmt: skip
            messages.append(outgoing(names, Topic.BILL_EVENTS, _message(data, number)))
        else:
            kind, document = rows[what]
            data = _row(kind, deepcopy(document), number)
            messages.append(outgoing(names, Topic.ERP_CHANGES, _message(data, number)))
    return messages


def _row(kind: Kind, document: dict[str, Any], number: int) -> ErpRow:
    if kind is Kind.LEDGER_ENTRY:
        document["Entry_No"] = number
    else:
        (document["invoice"] if kind is Kind.PURCHASE_INVOICE else document)["id"] = outside_id(kind, number)
    return ErpRow(
        erp="business-central", kind=kind, key=str(number), version=f'W/"{number}"', run=1, context=CONTEXT,
        document=document,
    )  # fmt: skip


def _message(data: Payload, number: int) -> Message[Payload]:
    return Message(
        id=f"w{number:031d}",
        source="/erp-poller",
        type=catalogue.name_of(data),
        subject=f"row/{number}",
        time=SEEN,
        partitionkey="acme",
        data=data,
        correlationid=f"acme/row/{number}",
        traceparent=f"00-{number:032x}-{number:016x}-01",
    )
