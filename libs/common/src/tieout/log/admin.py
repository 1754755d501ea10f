"""Creating and checking the topics of an installation: ``tieout topics apply`` and ``tieout topics check``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from tieout.log.clients import KafkaAccess
from tieout.log.topics import CATALOGUE, Names, Topic

TIMEOUT: Final = 20.0
# Without it librdkafka tells on standard error of events that nobody wanted when a client goes.
QUIET: Final = {"log_level": 4}


@dataclass(frozen=True)
class TopicProblem:
    """What is wrong with one topic, and what to do about it."""

    topic: str
    problem: str
    cure: str


def apply_topics(access: KafkaAccess, names: Names, *, replication: int = -1) -> list[str]:
    """Create what is missing and return the names created. Existing topics are not touched: ``check_topics`` tells.

    Args:
        access: the brokers.
        names: prefix and partition count of the installation.
        replication: replicas per topic; -1 takes the broker's default.
    """
    admin = AdminClient(access.librdkafka() | QUIET)
    existing = set(admin.list_topics(timeout=TIMEOUT).topics)
    wanted = [
        NewTopic(
            names.topic(topic), num_partitions=names.partitions, replication_factor=replication, config=policy.config()
        )
        for topic, policy in CATALOGUE.items()
        if names.topic(topic) not in existing
    ]
    if not wanted:
        return []
    created = []
    for name, future in admin.create_topics(wanted, operation_timeout=TIMEOUT).items():
        try:
            future.result(TIMEOUT)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    return created


def check_topics(access: KafkaAccess, names: Names) -> list[TopicProblem]:
    """Compare the brokers' topics with the catalogue: existence, partition count, policy."""
    admin = AdminClient(access.librdkafka() | QUIET)
    existing = admin.list_topics(timeout=TIMEOUT).topics
    problems = []
    present: list[Topic] = []
    for topic in CATALOGUE:
        name = names.topic(topic)
        if name not in existing:
            problems.append(TopicProblem(name, "missing", "tieout topics apply"))
            continue
        present.append(topic)
        count = len(existing[name].partitions)
        if count != names.partitions:
            cure = f"the count is chosen once: set TIEOUT_PARTITIONS={count}, or use a new prefix"
            problems.append(TopicProblem(name, f"{count} partitions instead of {names.partitions}", cure))
    resources = [ConfigResource(ResourceType.TOPIC, names.topic(topic)) for topic in present]
    answers = admin.describe_configs(resources, request_timeout=TIMEOUT) if resources else {}
    for topic, resource in zip(present, resources, strict=True):
        actual = answers[resource].result(TIMEOUT)
        for key, value in CATALOGUE[topic].config().items():
            found = actual[key].value if key in actual else None
            if not _same(found, value):
                cure = f"kafka-configs --alter --topic {names.topic(topic)} --add-config {key}={value}"
                problems.append(TopicProblem(names.topic(topic), f"{key} is {found}, not {value}", cure))
    return problems


class WrongTopics(RuntimeError):
    """The installation's topics are not those that this service was told of; it must not start."""


def require_topics(access: KafkaAccess, names: Names, topics: Iterable[Topic]) -> None:
    """For a service's start: its topics are there, with the partition count it was told.

    Raises:
        WrongTopics: names every topic that is missing or counts otherwise, with the cure.
        KafkaException: the brokers do not answer.
    """
    existing = AdminClient(access.librdkafka() | QUIET).list_topics(timeout=TIMEOUT).topics
    problems = []
    for name in map(names.topic, topics):
        if name not in existing:
            problems.append(f"{name} is missing: tieout topics apply")
        elif (count := len(existing[name].partitions)) != names.partitions:
            problems.append(f"{name} has {count} partitions, not {names.partitions}: set TIEOUT_PARTITIONS={count}")
    if problems:
        raise WrongTopics("; ".join(problems))


def _same(found: str | None, wanted: str) -> bool:
    try:
        return found is not None and float(found) == float(wanted)
    except ValueError:
        return found == wanted
