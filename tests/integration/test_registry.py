"""The registry of connections on a real broker."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events.connections import ConnectionApplied
from tieout.events.envelope import Message, encode
from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing, TransactionalProducer
from tieout.log.topics import Names, Topic

pytest_plugins = ["tieout_devstack.fixtures"]

READY = 30.0


@pytest.fixture
def access(kafka_bootstrap: str) -> KafkaAccess:
    """How to reach the broker."""
    return KafkaAccess(bootstrap=kafka_bootstrap)


@pytest.fixture
def names(access: KafkaAccess, topic_prefix: str) -> Names:
    """An installation of its own, topics made."""
    names = Names(topic_prefix, 4)
    apply_topics(access, names, replication=1)
    return names


@pytest.fixture
def start(access: KafkaAccess) -> Iterator[Callable[[Names], Registry]]:
    """Starts registries, and stops them at the end."""
    started: list[Registry] = []

    def begin(names: Names) -> Registry:
        registry = Registry(access, names)
        started.append(registry)
        registry.start()
        return registry

    yield begin
    for registry in started:
        registry.stop()


def _message(connection: str, generation: int, **versions: int) -> Message[ConnectionApplied]:
    settings = ConnectionSettings.model_validate(
        {
            "connection": connection,
            "erp": {"kind": "business-central", "tenant": "t", "company": connection},
            "bill": {"environment": "sandbox", "organization": f"008{connection}"},
        }
    )
    data = ConnectionApplied(
        generation=generation,
        settings=settings,
        secret_versions={Side(side): version for side, version in versions.items()},
    )
    return Message(
        id=f"{connection}/{generation}",
        source="/test",
        type="tieout.connection.v1",
        subject=connection,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        partitionkey=connection,
        data=data,
    )


def _out(names: Names, connection: str, generation: int, **versions: int) -> Outgoing:
    return outgoing(names, Topic.CONNECTIONS, _message(connection, generation, **versions))


def _writer(access: KafkaAccess, names: Names) -> TransactionalProducer:
    producer = TransactionalProducer(access, names.transactional_id("control-plane"))
    producer.open()
    return producer


def test_an_empty_topic_is_ready(names: Names, start: Callable[[Names], Registry]) -> None:
    """A new installation has no connections, and its services start all the same."""
    registry = start(names)
    registry.wait_ready(READY)
    assert registry.all() == ()
    assert registry.get("cronus") is None


def test_what_stood_there_at_the_start_is_known_when_ready(
    access: KafkaAccess, names: Names, start: Callable[[Names], Registry]
) -> None:
    """A service that says it is ready knows every connection in its latest state."""
    writer = _writer(access, names)
    for generation in range(1, 4):
        writer.commit([_out(names, name, generation, bill=generation) for name in ("a", "b", "c", "d", "e")])
    registry = start(names)
    registry.wait_ready(READY)
    assert [(view.connection, view.generation) for view in registry.all()] == [(name, 3) for name in "abcde"]
    view = registry.get("a")
    assert view is not None
    assert (view.secret_version(Side.BILL), view.secret_version(Side.ERP)) == (3, 0)


def test_aborted_settings_are_never_seen_and_readiness_does_not_wait_for_them(
    access: KafkaAccess, names: Names, start: Callable[[Names], Registry]
) -> None:
    """The last thing in the topic may be a rolled-back transaction: no message of it counts, and it is passed."""
    _writer(access, names).commit([_out(names, "a", 1)])
    producer = Producer(access.transactional("somebody-else"))
    producer.init_transactions(20)
    producer.begin_transaction()
    headers, value = encode(_message("a", 2))
    partition = names.partition_of("a")
    producer.produce(names.topic(Topic.CONNECTIONS), value, b"a", partition, headers=headers)
    producer.flush(10)
    producer.abort_transaction(20)
    registry = start(names)
    registry.wait_ready(READY)
    assert [view.generation for view in registry.all()] == [1]


def test_readiness_waits_for_an_open_transaction(
    access: KafkaAccess, names: Names, start: Callable[[Names], Registry]
) -> None:
    """What was written before the start but is not committed yet decides first whether it counts."""
    producer = Producer(access.transactional("somebody-else"))
    producer.init_transactions(20)
    producer.begin_transaction()
    headers, value = encode(_message("a", 1))
    partition = names.partition_of("a")
    producer.produce(names.topic(Topic.CONNECTIONS), value, b"a", partition, headers=headers)
    producer.flush(10)
    registry = start(names)
    with pytest.raises(TimeoutError, match="not read to its end"):
        registry.wait_ready(3)
    producer.commit_transaction(20)
    registry.wait_ready(READY)
    assert [view.generation for view in registry.all()] == [1]


def test_a_change_is_told_and_can_be_waited_for(
    access: KafkaAccess, names: Names, start: Callable[[Names], Registry]
) -> None:
    """A service acts on new settings without a restart."""
    registry = start(names)
    registry.wait_ready(READY)
    told: list[ConnectionView] = []
    end = registry.subscribe(told.append)
    writer = _writer(access, names)
    writer.commit([_out(names, "a", 1)])
    found = registry.wait_for("a", 1, READY)
    assert found is not None
    assert found.generation == 1
    assert registry.wait_for("a", 2, 0.2) is None
    assert [view.generation for view in told] == [1]
    end()
    writer.commit([_out(names, "a", 2, erp=7)])
    assert registry.wait_until("a", lambda view: view.secret_version(Side.ERP) == 7, READY) is not None
    assert [view.generation for view in told] == [1]


def test_another_partition_count_is_refused_with_the_cure(names: Names, start: Callable[[Names], Registry]) -> None:
    """A service set up for another count would send messages astray."""
    registry = start(Names(names.prefix, 8))
    with pytest.raises(TimeoutError, match="TIEOUT_PARTITIONS=4"):
        registry.wait_ready(READY)


def test_a_missing_topic_is_told_with_the_cure(topic_prefix: str, start: Callable[[Names], Registry]) -> None:
    """Before `tieout topics apply` nothing works, and it says so."""
    registry = start(Names(topic_prefix, 4))
    with pytest.raises(TimeoutError, match="tieout topics apply"):
        registry.wait_ready(READY)


def test_a_topic_that_is_deleted_makes_it_unready(
    access: KafkaAccess, names: Names, start: Callable[[Names], Registry]
) -> None:
    """A registry that reads nothing any more must not look healthy."""
    registry = start(names)
    registry.wait_ready(READY)
    topic = names.topic(Topic.CONNECTIONS)
    admin = AdminClient(access.librdkafka())
    admin.delete_topics([topic])[topic].result(20)
    end = time.monotonic() + 60
    while registry.ready() and time.monotonic() < end:
        time.sleep(0.2)
    assert "tieout topics apply" in (registry.problem() or "")


def test_a_type_that_is_not_known_stops_it(
    access: KafkaAccess, names: Names, start: Callable[[Names], Registry]
) -> None:
    """A newer control-plane's settings are not skipped in silence."""
    good = _out(names, "a", 1)
    headers = [(name, b"tieout.connection.v9" if name == "ce_type" else value) for name, value in good.headers]
    unknown = Outgoing(good.topic, good.partition, good.key, good.value, headers)
    _writer(access, names).commit([unknown])
    registry = start(names)
    with pytest.raises(TimeoutError, match="not known to this release"):
        registry.wait_ready(READY)
