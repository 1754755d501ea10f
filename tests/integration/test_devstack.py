"""Real Kafka and PostgreSQL on this machine, as `tieout dev up` and every test use them."""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from tieout_devstack import certificates, kafka, ports, postgres, processes
from tieout_devstack.errors import NotReady
from tieout_devstack.leash import leashed_folder
from tieout_devstack.stack import Component, Stack

pytest_plugins = ["tieout_devstack.fixtures"]

pytestmark = pytest.mark.skipif(
    "TIEOUT_KAFKA_BOOTSTRAP" in os.environ or "TIEOUT_DATABASE_URL" in os.environ,
    reason="these tests stop and kill the servers, which nobody may do to servers of the environment",
)


# A broker that was killed comes back within seconds.
OPTIONS = kafka.Options(session_timeout_ms=3_000)


@pytest.fixture
def stack_folder(devstack_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for a whole stack, which is stopped afterwards whatever the test did."""
    folder = devstack_folder / request.node.name
    yield folder
    kafka.stop(folder / "kafka")
    postgres.stop(folder / "postgres")


def create_topic(bootstrap: str, topic: str) -> None:
    """One partition, one replica."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)


def cluster_of(bootstrap: str) -> str:
    """The id that formatting gave."""
    return str(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=30).cluster_id)


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    """Write one message and wait until the broker has it."""
    failures: list[KafkaError] = []
    producer = Producer({"bootstrap.servers": bootstrap, "topic.metadata.propagation.max.ms": 100})
    producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(30) == 0
    if failures:
        raise KafkaException(failures[0])


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first committed messages of the topic's only partition."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "-", "isolation.level": "read_committed"}
    with closing(Consumer({**settings, "enable.auto.commit": False})) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        messages = consumer.consume(count, 30)
        assert [message.error() for message in messages] == [None] * count
        return [message.value() or b"" for message in messages]


def test_a_superseded_producer_is_fenced(kafka_bootstrap: str, topic_prefix: str) -> None:
    """The broker of the tests is no mock: who lost its transactional id commits nothing more."""
    create_topic(kafka_bootstrap, topic_prefix)
    settings = {"bootstrap.servers": kafka_bootstrap, "transactional.id": topic_prefix}
    zombie, successor = Producer(settings), Producer(settings)
    zombie.init_transactions(30)
    zombie.begin_transaction()
    zombie.produce(topic_prefix, b"zombie")
    assert zombie.flush(30) == 0
    successor.init_transactions(30)
    with pytest.raises(KafkaException) as raised:
        zombie.commit_transaction(30)
    assert (raised.value.args[0].code(), raised.value.args[0].fatal()) == (KafkaError._FENCED, True)
    successor.begin_transaction()
    successor.produce(topic_prefix, b"successor")
    successor.commit_transaction(30)
    assert read(kafka_bootstrap, topic_prefix, 1) == [b"successor"]


def test_a_topic_must_be_declared(kafka_bootstrap: str, topic_prefix: str) -> None:
    """A typing error in a topic's name is an error, not a new topic."""
    with pytest.raises(KafkaException) as raised:
        produce(kafka_bootstrap, topic_prefix, b"lost")
    assert raised.value.args[0].code() in (KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART)


def test_the_broker_of_tests_compacts_soon(kafka_bootstrap: str) -> None:
    """The cleaner's pause is an option, and the fixture's is short enough for a test to wait."""
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    broker = ConfigResource(ResourceType.BROKER, "1")
    settings = admin.describe_configs([broker])[broker].result(30)
    assert settings["log.cleaner.backoff.ms"].value == "1000"


def test_every_test_has_a_database_of_its_own(postgres_url: str, postgres_server: postgres.Postgres) -> None:
    """What a test writes into its database no other sees, and the address works for any process."""
    code = "import sys, psycopg2; psycopg2.connect(sys.argv[1]).cursor().execute('SELECT 1')"
    subprocess.run([sys.executable, "-c", code, postgres_url], check=True, timeout=60)
    other = postgres_server.create_database("other")
    assert postgres_server.create_database("other") == other
    with closing(psycopg2.connect(postgres_url)) as mine, closing(psycopg2.connect(other)) as theirs:
        mine.cursor().execute("CREATE TABLE only_here ()")
        mine.commit()
        with pytest.raises(psycopg2.errors.UndefinedTable):
            theirs.cursor().execute("TABLE only_here")
    postgres_server.drop_database("other")


def test_the_database_wants_a_password(postgres_url: str) -> None:
    """Other users of the machine do not get in, and the password is in no printed form of the server."""
    password = postgres_url.split(":")[2].split("@", maxsplit=1)[0]
    assert len(password) >= 32
    assert not postgres.answers(postgres_url.replace(password, "guess"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand the server to another user")
def test_root_has_a_server_in_a_folder_closed_to_others(devstack_folder: Path) -> None:
    """A container's root, whose folders are its own, gets a server too; its folders are opened for passing only."""
    closed = devstack_folder / "closed"
    closed.mkdir(mode=0o700)
    server = postgres.start(closed / "postgres")
    assert server.running()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
    assert stat.S_IMODE((closed / "postgres" / "password").stat().st_mode) == 0o600
    server.stop()


def test_the_authority_signs_for_this_machine(ca: certificates.Authority) -> None:
    """Simulators that need TLS get their certificate from the test run's own authority."""
    assert ca.issue("simulator").key.is_file()


def test_a_killed_broker_comes_back_with_its_data_at_its_address(devstack_folder: Path, topic_prefix: str) -> None:
    """SIGKILL loses nothing that was acknowledged; clients find the broker where it was."""
    folder = devstack_folder / "killed"
    broker = kafka.start(folder, options=OPTIONS)
    create_topic(broker.bootstrap, topic_prefix)
    produce(broker.bootstrap, topic_prefix, b"kept")
    cluster = cluster_of(broker.bootstrap)
    assert broker.process is not None
    broker.process.kill()
    assert not broker.running()
    again = kafka.start(folder, options=OPTIONS)
    assert again.bootstrap == broker.bootstrap
    assert again.process != broker.process
    assert cluster_of(again.bootstrap) == cluster
    assert read(again.bootstrap, topic_prefix, 1) == [b"kept"]
    again.stop()


def test_a_taken_port_is_replaced(devstack_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losing the race for a port costs a second try, not the start; for both servers."""
    listener = processes.start(
        "listener",
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(taken := ports.free_port())],
        log=devstack_folder / "listener.log",
        env={},
        pid_file=devstack_folder / "listener.pid",
    )
    listener.wait_ready(f"http://127.0.0.1:{taken}/", seconds=20)
    for module in (kafka, postgres):
        first = iter([taken])
        monkeypatch.setattr(module, "free_port", lambda first=first: next(first, None) or ports.free_port())
    server = postgres.start(devstack_folder / "raced-postgres")
    broker = kafka.start(devstack_folder / "raced-kafka")
    assert server.running()
    assert broker.running()
    assert str(taken) not in server.url + broker.bootstrap
    broker.stop()
    server.stop()
    listener.stop()


def test_up_finds_what_runs_and_down_stops_it(stack_folder: Path) -> None:
    """`dev up` twice is one stack; `dev down` stops it and keeps the data; `dev status` tells the truth."""
    stack = Stack.up(stack_folder)
    assert Stack.up(stack_folder) == stack
    assert Stack.at(stack_folder) == stack
    assert [component.running for component in stack.status()] == [True, True]
    with closing(psycopg2.connect(stack.database_url)) as connection:
        connection.cursor().execute("CREATE TABLE kept ()")
        connection.commit()
    create_topic(stack.kafka_bootstrap, "kept")
    assert stack.down() == ["kafka", "postgres"]
    assert stack.down() == []
    assert Stack.at(stack_folder) is None
    place = stack.database_url.rpartition("@")[2]
    assert stack.status() == [
        Component("kafka", "maven", stack.kafka_bootstrap, running=False),
        Component("postgres", "wheel", place, running=False),
    ]
    again = Stack.up(stack_folder)
    assert again == stack
    assert "kept" in AdminClient({"bootstrap.servers": again.kafka_bootstrap}).list_topics(timeout=30).topics
    with closing(psycopg2.connect(again.database_url)) as connection:
        connection.cursor().execute("TABLE kept")
    assert again.down() == ["kafka", "postgres"]


def test_a_restart_of_the_machine_is_noticed(stack_folder: Path) -> None:
    """State of before the restart names pids that are gone or somebody else's: `up` starts anew on the same data."""
    stack = Stack.up(stack_folder)
    for name in ("kafka", "postgres"):
        file = stack_folder / name / f"{name}.pid"
        process = processes.attach(file)
        assert process is not None
        written = file.read_text()
        process.kill()
        # The pid now belongs to a process of another name: this one.
        file.write_text(written.replace(f'"pid": {process.pid}', f'"pid": {os.getpid()}', 1))
    lock = stack_folder / "postgres" / "data" / "postmaster.pid"
    # PostgreSQL trusts its lock file as long as any process of the same user has that pid.
    user = lock.stat().st_uid if os.geteuid() == 0 else None
    sleep, log = ["sleep", "600"], stack_folder / "stranger.log"
    stranger = processes.start("stranger", sleep, log=log, env={}, user=user, pid_file=stack_folder / "stranger.pid")
    lock.write_text("\n".join([str(stranger.pid), *lock.read_text().split("\n")[1:]]))
    assert [component.running for component in stack.status()] == [False, False]
    assert Stack.up(stack_folder) == stack
    assert [component.running for component in stack.status()] == [True, True]
    assert stack.down() == ["kafka", "postgres"]
    assert stranger.stop()


def test_a_hung_broker_can_be_stopped(stack_folder: Path) -> None:
    """`down` does not wait for answers of what it is about to stop."""
    broker = kafka.start(stack_folder / "kafka")
    assert broker.process is not None
    broker.process.send(signal.SIGSTOP)
    assert kafka.stop(stack_folder / "kafka")
    assert not broker.process.running()


def test_half_an_up_is_undone(stack_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database cannot be had, the broker that was started for it is stopped, and nothing is published."""
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "postgresql://nobody:s3cret@127.0.0.1:9/none")
    with pytest.raises(NotReady, match=r"127\.0\.0\.1:9") as raised:
        Stack.up(stack_folder)
    assert "s3cret" not in str(raised.value)
    assert not kafka.stop(stack_folder / "kafka")
    assert Stack.at(stack_folder) is None


def test_a_stack_starts_without_a_home(stack_folder: Path, tmp_path: Path) -> None:
    """An empty home and an empty environment are enough, and the stack outlives the command that started it."""
    code = "import sys; from pathlib import Path; from tieout_devstack.stack import Stack; Stack.up(Path(sys.argv[1]))"
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", code, stack_folder], env=env, check=True, timeout=110)
    assert list(home.iterdir()) == []
    stack = Stack.at(stack_folder)
    assert stack is not None
    assert [component.running for component in stack.status()] == [True, True]
    assert json.loads((stack_folder / "state.json").read_text())["kafka"]["address"] == stack.kafka_bootstrap
    assert stack.down() == ["kafka", "postgres"]


LEASHED = """
import sys
from tieout_devstack import postgres, processes
from tieout_devstack.leash import leashed_folder
with leashed_folder() as folder:
    postgres.start(folder / "postgres")
    processes.start("server", ["sleep", "600"], log=folder / "log", env={}, pid_file=folder / "server.pid")
    print(folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def leashed_run(temporary: Path) -> Iterator[tuple["subprocess.Popen[str]", Path, list[processes.Background]]]:
    """A made-up test run in a temporary folder of its own: the run, its folder and its servers."""
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", LEASHED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        assert folder.parent == temporary
        servers = [processes.attach(file) for file in (folder / "postgres" / "postgres.pid", folder / "server.pid")]
        yield run, folder, [server for server in servers if server is not None]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_nothing_outlives_a_test_run(end: signal.Signals | None, devstack_folder: Path) -> None:
    """However a test run ends, by itself, by Ctrl-C or by a kill, its servers and its folder go."""
    with leashed_run(devstack_folder / f"ended-{end}") as (run, folder, servers):
        assert [server.running() for server in servers] == [True, True]
        if end is None:
            run.communicate("", timeout=30)
        else:
            # To the whole group, as a terminal and a container's runtime do it.
            os.killpg(run.pid, end)
            run.wait(timeout=30)
    until = time.monotonic() + 30
    while folder.exists() or any(server.running() for server in servers):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_run_whose_leash_died_too_is_cleaned_up_by_the_next(
    devstack_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash of everything the next test run stops what it finds."""
    temporary = devstack_folder / "crashed"
    with leashed_run(temporary) as (run, folder, servers):
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True, timeout=20
        )
        pairs = [line.split() for line in listed.stdout.splitlines()]
        known = {server.pid for server in servers}
        leashes = [int(pid) for pid, parent in pairs if int(parent) == run.pid and int(pid) not in known]
        assert len(leashes) == 1
        os.kill(leashes[0], signal.SIGKILL)
        run.kill()
    assert [server.running() for server in servers] == [True, True]
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with leashed_folder():
        assert [server.running() for server in servers] == [False, False]
        assert not folder.exists()
