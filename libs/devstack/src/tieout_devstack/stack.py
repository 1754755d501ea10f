"""Everything a laptop needs in one folder: Kafka, PostgreSQL, a certificate authority; later commands find it again.

`state.json` in the folder (mode 0600: it holds the database's password) publishes the addresses. It is a note, not the
truth: what runs is asked of the pid files and of the servers, so that a restart of the machine, or a kill, is noticed
and the next `up` starts again on the same data.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tieout_devstack import certificates, kafka, postgres
from tieout_devstack.errors import DevstackError
from tieout_devstack.files import locked, state_folder, write_atomically
from tieout_devstack.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Component", "Stack", "free_port"]

# What `up` publishes itself. Everything else in the file is somebody's who runs on the stack.
_OWN = ("kafka", "postgres", "ca")

# A first `up` downloads jars (twice 5 minutes at most) and starts two servers (a minute each).
_LOCK_SECONDS = 900.0

# The servers outlive the command that starts them.
_KAFKA = kafka.Options(owned=False)
_POSTGRES = postgres.Options(owned=False)


@dataclass(frozen=True)
class Component:
    """One server as `status` sees it; the address has no password in it."""

    name: str
    source: str
    address: str
    running: bool


@dataclass(frozen=True)
class Stack:
    """The addresses that `up` published; whether they still answer is what `status()` tells."""

    folder: Path
    kafka_bootstrap: str
    kafka_source: str
    database_url: str = field(repr=False)
    database_source: str
    ca: certificates.Authority

    @classmethod
    def up(cls, folder: Path | None = None, *, home: Path | None = None) -> "Stack":
        """Start what does not run yet; what runs already is found and kept. Returns when everything answers.

        `folder` holds data, logs and certificates, by default the project's `.tieout`; `home` the shared jars.
        What this call started is stopped again if it fails half way.
        Raises NothingUsable, naming the cures; NotReady, with the end of a log; DevstackError if another `up` or
        `down` of the same folder takes too long.
        """
        folder = _resolved(folder)
        with locked(folder / "stack.lock", seconds=_LOCK_SECONDS):
            undo: list[Callable[[], None]] = []
            try:
                found = kafka.find(folder / "kafka")
                broker = kafka.start(folder / "kafka", home=home, options=_KAFKA)
                if found is None:
                    undo.append(broker.stop)
                found_database = postgres.find(folder / "postgres")
                database = postgres.start(folder / "postgres", options=_POSTGRES)
                if found_database is None:
                    undo.append(database.stop)
                authority = certificates.authority(folder / "ca")
                stack = cls(folder, broker.bootstrap, broker.source, database.url, database.source, authority)
                stack._publish()
            except BaseException:
                for stop in reversed(undo):
                    stop()
                raise
        return stack

    @classmethod
    def at(cls, folder: Path | None = None) -> "Stack | None":
        """What the last `up` of this folder published, whether it still runs or not; None if nothing is."""
        folder = _resolved(folder)
        file = folder / "state.json"
        try:
            known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            broker, database = known["kafka"], known["postgres"]
            authority = certificates.Authority(Path(known["ca"]["certificate"]), Path(known["ca"]["key"]))
            return cls(folder, broker["address"], broker["source"], database["address"], database["source"], authority)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise DevstackError(f"{file} was not written by this version of Tieout; remove it") from error

    def status(self) -> list[Component]:
        """Whether each server answers at its address now; takes at most a few seconds."""
        place = urlsplit(self.database_url)
        address = f"{place.hostname}:{place.port}{place.path}"
        return [
            Component("kafka", self.kafka_source, self.kafka_bootstrap, kafka.answers(self.kafka_bootstrap)),
            Component("postgres", self.database_source, address, postgres.answers(self.database_url)),
        ]

    def down(self) -> list[str]:
        """Stop the servers that `up` started, keeping their data; returns their names. Others are left alone."""
        stopped = []
        with locked(self.folder / "stack.lock", seconds=_LOCK_SECONDS):
            for name, stop in (("kafka", kafka.stop), ("postgres", postgres.stop)):
                if stop(self.folder / name):
                    stopped.append(name)
            (self.folder / "state.json").unlink(missing_ok=True)
        return stopped

    def announce(self, name: str, what: "Mapping[str, str] | None") -> None:
        """Publish something that runs on this stack beside its servers, such as ``control_plane``; None takes it back.

        It stays across an ``up`` that finds the servers running, and goes with ``down``.
        """
        if name in _OWN:
            raise ValueError(f"{name} is published by the stack itself")
        with locked(self.folder / "stack.lock", seconds=_LOCK_SECONDS):
            state = self._published()
            if what is None:
                state.pop(name, None)
            else:
                state[name] = dict(what)
            write_atomically(self.folder / "state.json", json.dumps(state, indent=2))

    def _publish(self) -> None:
        own = {
            "kafka": {"address": self.kafka_bootstrap, "source": self.kafka_source},
            "postgres": {"address": self.database_url, "source": self.database_source},
            "ca": {"certificate": str(self.ca.certificate), "key": str(self.ca.key)},
        }
        write_atomically(self.folder / "state.json", json.dumps(self._published() | own, indent=2))

    def _published(self) -> dict[str, Any]:
        """What stands there now; a file that cannot be read is written anew."""
        try:
            known = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _resolved(folder: Path | None) -> Path:
    return (state_folder() if folder is None else folder).resolve()
