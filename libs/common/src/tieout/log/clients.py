"""Settings of Kafka clients: one model of how to reach the brokers, rendered for librdkafka and for aiokafka."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, SecretStr

# A stalled transaction hides everything behind it from readers of the committed, so it may live this long at most;
# a healthy commit takes milliseconds, a broker's restart a few seconds.
TRANSACTION_TIMEOUT_MS: Final = 15_000
# Must stay below the transaction's time-out, else a message could be delivered after its transaction was aborted.
MESSAGE_TIMEOUT_MS: Final = 12_000
# Long enough for a pause of the process (garbage collection and CPU throttling stay below 2 s at p99.9), short
# enough for a takeover; a static member that restarts needs none of it.
SESSION_TIMEOUT_MS: Final = 10_000


class KafkaAccess(BaseModel):
    """How to reach the brokers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ca_file: str = ""

    def librdkafka(self) -> dict[str, Any]:
        """For confluent-kafka."""
        settings: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security_protocol,
        }
        if self.sasl_mechanism:
            settings |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.sasl_username,
                "sasl.password": self.sasl_password.get_secret_value(),
            }
        if self.ca_file:
            settings["ssl.ca.location"] = self.ca_file
        return settings

    def producer(self) -> dict[str, Any]:
        """An idempotent producer that waits for all replicas."""
        return self.librdkafka() | {
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "linger.ms": 2,
            "message.timeout.ms": MESSAGE_TIMEOUT_MS,
            "message.max.bytes": 2 * 1024 * 1024,
        }

    def transactional(self, transactional_id: str) -> dict[str, Any]:
        """A transactional producer; the short back-off is what makes a batch of 500 take milliseconds."""
        return self.producer() | {
            "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "linger.ms": 5,
            "retry.backoff.ms": 5,
            "retry.backoff.max.ms": 200,
        }

    def consumer(self, group: str, *, instance: str = "", committed: bool = True) -> dict[str, Any]:
        """A group consumer without automatic commits. ``instance`` makes it a static member."""
        settings = self.librdkafka() | {
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": SESSION_TIMEOUT_MS // 5,
            "fetch.wait.max.ms": 50,
            "fetch.message.max.bytes": 4 * 1024 * 1024,
        }
        if instance:
            settings["group.instance.id"] = instance
        return settings
