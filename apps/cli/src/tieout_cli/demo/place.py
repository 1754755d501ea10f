"""The demo's folder: worlds, connection, keys, logs, and a note of what was left running."""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

from tieout_devstack.files import state_folder, write_atomically

CONNECTION: Final = "demo"


@dataclass(frozen=True)
class Note:
    """What a later ``--again`` needs to find a demo that was kept running.

    ``stages`` are the seconds of its main job, ``people`` the calls that people made at BILL's API.
    """

    erp: str
    seed: int
    today: date
    size: str
    stages: dict[str, float | None]
    people: dict[str, int]
    ports: dict[str, int]


@dataclass(frozen=True)
class Place:
    """Paths below one folder, ``.tieout/demo`` unless another is given."""

    folder: Path

    @classmethod
    def at(cls, folder: Path | None = None) -> "Place":
        """The place; made if it is not there."""
        place = cls((folder or state_folder() / "demo").resolve())
        for path in (place.logs, place.pids, place.worlds):
            path.mkdir(parents=True, exist_ok=True)
        return place

    @property
    def stack(self) -> Path:
        """Kafka's and PostgreSQL's folder, and the authority's."""
        return self.folder / "stack"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.folder / "logs"

    @property
    def pids(self) -> Path:
        """One pid file per process."""
        return self.folder / "pids"

    @property
    def worlds(self) -> Path:
        """The JSON that each simulator starts from."""
        return self.folder / "worlds"

    @property
    def connection(self) -> Path:
        """The connection as its owner writes it."""
        return self.folder / "connection.yaml"

    @property
    def token_file(self) -> Path:
        """The token of control-plane's API."""
        return self.folder / "keys" / "api-token"

    def master_key(self) -> str:
        """The installation's master key, made at the first call and kept in a file that only its owner reads."""
        return self._kept("master-key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())

    def token(self) -> str:
        """The token of control-plane's API, kept likewise."""
        return self._kept(self.token_file.name, lambda: secrets.token_urlsafe(32))

    def note(self, note: Note) -> None:
        """Remember what runs."""
        write_atomically(self.folder / "demo.json", json.dumps(asdict(note), indent=2, default=str))

    def noted(self) -> Note | None:
        """What was left running; None if nothing was, or by another version."""
        try:
            known = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
            return Note(**known | {"today": date.fromisoformat(known["today"])})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def forget(self) -> None:
        """Nothing runs any more."""
        (self.folder / "demo.json").unlink(missing_ok=True)

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        file = self.folder / "keys" / name
        if not file.exists():
            write_atomically(file, make())
        return file.read_text(encoding="utf-8")
