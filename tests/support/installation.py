"""An installation for one test: topics, a database, services as real processes, and a look into the log."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from support import forks
from support.moved_clock import VARIABLE, MovedClock
from tieout.connections.key_wrapper import EnvKeyWrapper
from tieout.connections.secrets import Purpose, SecretStore, engine_for
from tieout.decide.state import row_bytes
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events import catalogue
from tieout.events.connections import ConnectionApplied
from tieout.events.envelope import Message, Payload, decode
from tieout.events.facts import SettingsFact
from tieout.events.identity import digest
from tieout.events.journal import Entry
from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import TransactionalProducer
from tieout.log.topics import Names, Topic
from tieout_control_plane.database import migrate
from tieout_devstack import processes

MASTER: Final = base64.b64encode(bytes(range(32))).decode()
PARTITIONS: Final = 2
WITH_SECRETS: Final = (
    "tieout_bill_writer",
    "tieout_control_plane",
    "tieout_erp_poller",
    "tieout_payment_writeback",
    "tieout_webhook_ingest",
)
T = TypeVar("T")


@dataclass
class Installation:
    """Topics and a database of its own on the shared servers."""

    bootstrap: str
    database: str
    prefix: str
    folder: Path
    running: dict[str, processes.Background] = field(default_factory=dict)
    partitions: int = PARTITIONS
    clock: MovedClock | None = None
    """What services started from now on take for the time; None: the machine's."""

    def __post_init__(self) -> None:
        self.access = KafkaAccess(bootstrap=self.bootstrap)
        self.names = Names(self.prefix, self.partitions)
        apply_topics(self.access, self.names, replication=1)
        engine = engine_for(self.database)
        migrate(engine)
        self.secrets = SecretStore(engine, EnvKeyWrapper.from_texts(master=MASTER))
        self.secrets.establish()
        self._producer: TransactionalProducer | None = None

    def environment(self, module: str, extra: Mapping[str, str]) -> dict[str, str]:
        """The environment of a service, nothing inherited but the path."""
        base = {
            "PATH": "/usr/bin:/bin",
            "PYTHONUNBUFFERED": "1",
            "TIEOUT_KAFKA_BOOTSTRAP": self.bootstrap,
            "TIEOUT_PREFIX": self.prefix,
            "TIEOUT_PARTITIONS": str(self.partitions),
        }
        if module in WITH_SECRETS:
            base |= {"TIEOUT_DATABASE_URL": self.database, "TIEOUT_MASTER_KEY": MASTER}
        if self.clock is not None:
            base[VARIABLE] = str(self.clock.file)
        return base | dict(extra)

    def start(self, module: str, name: str = "", **extra: str) -> processes.Background:
        """Start a service as a static member of its group; ``extra`` are settings without their prefix."""
        name = name or module
        settings = {f"TIEOUT_{key.upper()}": value for key, value in extra.items()}
        settings.setdefault("TIEOUT_INSTANCE", f"{self.prefix}-{module}")
        process = forks.start(
            module,
            name,
            log=self.folder / f"{name}.log",
            env=self.environment(module, settings),
            pid_file=self.folder / f"{name}.pid",
        )
        self.running[name] = process
        return process

    def stop(self) -> None:
        """End everything that was started."""
        self._producer = None
        for process in self.running.values():
            process.kill()

    def write(self, *messages: tuple[Topic, Message[Payload]]) -> None:
        """Commit messages as control-plane would, in one transaction."""
        if self._producer is None:
            self._producer = TransactionalProducer(self.access, self.names.transactional_id("test"))
            self._producer.open()
        self._producer.commit([outgoing(self.names, topic, message) for topic, message in messages])

    def apply(self, settings: ConnectionSettings, generation: int = 1, secret_version: int = 1) -> None:
        """Apply a connection: its settings for services and for the decider."""
        versions = {Side.BILL: secret_version, Side.ERP: secret_version}
        connection = ConnectionApplied(generation=generation, settings=settings, secret_versions=versions)
        fact = SettingsFact(generation=generation, settings=settings)
        self.write(
            (Topic.CONNECTIONS, self.message(settings.connection, connection)),
            (Topic.FACTS, self.message(settings.connection, fact)),
        )

    def message(self, connection: str, data: Payload, identity: str = "") -> Message[Payload]:
        """A message of a payload, now."""
        now = datetime.now(UTC)
        identity = identity or digest(connection, catalogue.name_of(data), now.isoformat())[:32]
        return Message(identity, "/test", catalogue.name_of(data), "test", now, connection, data)

    def read(self, topic: Topic) -> list[Message[Payload]]:
        """Everything committed on a topic that is no state row."""
        found = []
        for partition in range(self.partitions):
            raw = read_to_end(self.access, self.names.topic(topic), partition)
            found.extend(decode(one.headers(), one.value(), catalogue) for one in raw)
        return found

    def state(self) -> dict[str, bytes]:
        """The rows of ``sync.state``, by ``connection/row``."""
        rows: dict[str, bytes] = {}
        for partition in range(self.partitions):
            for raw in read_to_end(self.access, self.names.topic(Topic.STATE), partition):
                key = (raw.key() or b"").decode()
                if key == "#pos":
                    continue
                value = raw.value()
                if value is None:
                    rows.pop(key, None)
                else:
                    rows[key] = value
        return rows

    def folded(self) -> dict[str, bytes]:
        """The same rows, folded from the journal."""
        rows: dict[str, bytes] = {}
        for message in self.read(Topic.JOURNAL):
            entry = message.data
            assert isinstance(entry, Entry)
            key = f"{message.partitionkey}/{entry.row}"
            if entry.value is None:
                rows.pop(key, None)
            else:
                rows[key] = row_bytes(entry.value)
        return rows

    def log_of(self, name: str) -> str:
        """What a service has said."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""


def eventually(ask: Callable[[], T | None], *, seconds: float = 30.0, what: str = "it") -> T:
    """The first true answer, or a failure that says what did not happen."""
    limit = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < limit, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.1)


@contextmanager
def installation(bootstrap: str, database: str, prefix: str, folder: Path) -> Iterator[Installation]:
    """An installation that is stopped at the end."""
    made = Installation(bootstrap, database, prefix, folder)
    try:
        yield made
    finally:
        made.stop()


def store_bill_credentials(made: Installation, connection: str, user: str, password: str, key: str) -> None:
    """Give the credentials of a connection's BILL side."""
    values = {"user": user, "password": password, "developer_key": key}
    made.secrets.put(connection, Side.BILL, Purpose.CREDENTIALS, values)
