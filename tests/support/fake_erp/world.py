"""The topics of one installation, the ERP that exists in tests only, and the pollers that a test starts."""

import http.client
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from support import forks
from support.fake_erp.log_reader import LogReader
from tieout.domain.records import Kind
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events import catalogue
from tieout.events.connections import ConnectionApplied
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, Payload
from tieout.events.requests import CheckAsked, DocumentsAsked, RowsAsked, SyncAsked
from tieout.log.clients import KafkaAccess
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer, TransactionalProducer
from tieout.log.topics import Names, Topic
from tieout_devstack import processes
from tieout_devstack.ports import free_port

NAME: Final = "cronus-us"


@dataclass
class World:
    """The topics of one installation, a fake ERP's folder, and the pollers a test started."""

    access: KafkaAccess
    names: Names
    folder: Path
    started: list[processes.Background] = field(default_factory=list)
    changes: int = 0

    def __post_init__(self) -> None:
        self.producer = PlainProducer(self.access)
        self.log = LogReader(self.access)
        self._applying: TransactionalProducer | None = None

    @property
    def erp(self) -> Path:
        """What the fake ERP holds for the connection."""
        return self.folder / "erp" / NAME

    def change(self, count: int, name: str = NAME) -> None:
        """Vendors change in the ERP."""
        erp = self.folder / "erp" / name
        erp.mkdir(parents=True, exist_ok=True)
        with (erp / "rows.jsonl").open("a", encoding="utf-8") as file:
            for _ in range(count):
                self.changes += 1
                row = {"id": f"v{self.changes % 5}", "name": "A", "change": self.changes}
                file.write(json.dumps(row) + "\n")

    def apply(self, state: str, generation: int = 1, schedule: str = "1s", name: str = NAME) -> None:
        """The connection as control-plane writes it."""
        erp = {"kind": "business-central", "tenant": "t", "company": "C", "schedule": {"default": schedule}}
        bill = {"environment": "sandbox", "organization": "00801ABC"}
        settings = ConnectionSettings.model_validate({"connection": name, "state": state, "erp": erp, "bill": bill})
        data = ConnectionApplied(generation=generation, settings=settings, secret_versions={Side.ERP: 1})
        if self._applying is None:
            self._applying = TransactionalProducer(self.access, f"{self.names.prefix}.test")
            self._applying.open()
        self._applying.commit([outgoing(self.names, Topic.CONNECTIONS, self.message(data, name))])

    def message(self, data: Payload, name: str = NAME) -> Message[Payload]:
        """Any message of a connection."""
        return Message(
            id=secrets.token_hex(8),
            source="/test",
            type=catalogue.name_of(data),
            subject=name,
            time=datetime.now(UTC),
            partitionkey=name,
            data=data,
        )

    def ask(self, data: Payload) -> str:
        """A request on ``erp.polls``; its id."""
        message = self.message(data)
        self.producer.send_now([outgoing(self.names, Topic.ERP_POLLS, message)])
        return message.id

    def ask_sync(self, generation: int = 1) -> str:
        """Poll now."""
        return self.ask(SyncAsked(connection=NAME, generation=generation, deadline=later(60)))

    def ask_rows(self, *keys: str) -> str:
        """Read vendors again."""
        return self.ask(RowsAsked(connection=NAME, kind=Kind.VENDOR, keys=keys))

    def ask_files(self, invoice: str = "i-1") -> str:
        """Fetch the files of an invoice."""
        return self.ask(DocumentsAsked(connection=NAME, generation=1, link=f"bill/{invoice}", invoice=invoice))

    def attach(self, name: str, content: bytes) -> None:
        """Every invoice has this file."""
        files = self.erp / "files"
        files.mkdir(parents=True, exist_ok=True)
        (files / name).write_bytes(content)

    def acknowledged(self) -> int:
        """How many requests of the connection's partition are served; one that is not holds up those behind it."""
        partition = self.names.partition_of(NAME)
        topic = self.names.topic(Topic.ERP_POLLS)
        return self.log.committed(self.names.group("erp-poller"), topic, [partition])[partition]

    def ask_check(self, generation: int = 1, seconds: float = 60) -> str:
        """Check the ERP."""
        deadline = later(seconds)
        return self.ask(
            CheckAsked(connection=NAME, side=Side.ERP, generation=generation, secret_version=1, deadline=deadline)
        )

    def start(self, **extra: str) -> tuple[processes.Background, int]:
        """A poller, always with the same name, and its port."""
        port, mark = free_port(), secrets.token_hex(4)
        environment = {
            "PATH": os.environ["PATH"],
            "FAKE_ERP": str(self.folder / "erp"),
            "TIEOUT_KAFKA_BOOTSTRAP": self.access.bootstrap,
            "TIEOUT_PREFIX": self.names.prefix,
            "TIEOUT_PARTITIONS": str(self.names.partitions),
            "TIEOUT_INSTANCE": "p-0",
            "TIEOUT_HTTP_PORT": str(port),
            "TIEOUT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            **extra,
        }
        process = forks.start(
            "support.fake_erp.run_poller",
            "erp-poller",
            log=self.folder / f"{mark}.log",
            env=environment,
            pid_file=self.folder / f"{mark}{processes.PID_SUFFIX}",
        )
        self.started.append(process)
        return process, port

    def read(self, topic: Topic, name: str = NAME) -> list[Message[Payload]]:
        """Everything of a connection in a topic, in order."""
        found = self.log.read(self.names.topic(topic), self.names.partition_of(name))
        return [message for message in found if message.partitionkey == name]

    def cursors(self, name: str = NAME) -> list[ErpCursor]:
        """The history of the vendors' cursor."""
        found = [message.data for message in self.read(Topic.CURSORS, name)]
        return [one for one in found if isinstance(one, ErpCursor) and one.kind is Kind.VENDOR]

    def calls(self) -> list[str]:
        """Who read the fake ERP, and what."""
        log = self.erp / "calls.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def later(seconds: float) -> datetime:
    """A deadline."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not true after {seconds} s"
        time.sleep(0.05)


def get(port: int, path: str) -> tuple[int, str]:
    """Ask the poller's own address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except ConnectionRefusedError:
        return 0, ""
    finally:
        connection.close()


def metrics_of(port: int) -> str:
    """What Prometheus would read."""
    return get(port, "/metrics")[1]
