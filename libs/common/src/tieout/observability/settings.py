"""Settings of a service: environment variables with the prefix ``TIEOUT_``, one model per service.

A variable that the model does not know is an error with its name, since a misspelt limit is worse than none. Every
secret may come from a file instead: ``TIEOUT_X_FILE`` for ``TIEOUT_X``. ``--print-config`` shows all of it, redacted.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names

PREFIX = "TIEOUT_"
EXIT_WRONG_USE = 2


class ServiceSettings(BaseModel):
    """What every service needs. Subclasses add their own fields; a field's name in upper case is its variable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka_bootstrap: str
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_sasl_mechanism: str = ""
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ca_file: str = ""
    prefix: str = "tieout"
    partitions: int = 24
    instance: str = ""
    """Name of this replica, stable across restarts; makes it a static member of its consumer group."""
    http_host: str = "127.0.0.1"
    http_port: int = 0
    """For /healthz, /readyz and /metrics; 0 takes a free one."""
    log_level: str = "INFO"
    crash_list: Path | None = None
    crash_at: str = ""
    """For tests of recovery only: see ``observability.crash_points``."""

    def kafka(self) -> KafkaAccess:
        """How to reach the brokers."""
        return KafkaAccess(
            bootstrap=self.kafka_bootstrap,
            security_protocol=self.kafka_security_protocol,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_sasl_username,
            sasl_password=self.kafka_sasl_password,
            ca_file=self.kafka_ca_file,
        )

    def names(self) -> Names:
        """Topic, group and transactional names of the installation."""
        return Names(self.prefix, self.partitions)


S = TypeVar("S", bound=ServiceSettings)


class WrongSettings(ValueError):
    """The environment does not describe a service; one line per problem."""


def from_environment(model: type[S], environment: Mapping[str, str]) -> S:
    """Read the settings of a service.

    Raises:
        WrongSettings: unknown, missing or unreadable variables, all of them named; secrets are not shown.
    """
    values: dict[str, Any] = {}
    problems = []
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        field = variable[len(PREFIX) :].lower()
        base = field.removesuffix("_file")
        if field in model.model_fields:
            values[field] = value
        elif base != field and base in model.model_fields:
            try:
                values[base] = Path(value).read_text(encoding="utf-8").strip()
            except OSError as error:
                problems.append(f"{variable}: cannot read {value}: {error.strerror}")
        else:
            known = ", ".join(PREFIX + name.upper() for name in model.model_fields)
            problems.append(f"{variable} is not known; this service knows: {known}")
    if problems:
        raise WrongSettings("\n".join(problems))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
        raise WrongSettings("\n".join(lines)) from None


def printed(settings: BaseModel) -> str:
    """All settings, one a line, secrets redacted."""
    return "\n".join(f"{PREFIX}{name.upper()}={_shown(value)}" for name, value in settings)


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "**********" if value.get_secret_value() else ""
    return "" if value is None else str(value)


def load_or_exit(model: type[S], argv: list[str] | None = None) -> S:
    """For ``__main__``: the settings, or exit 2 with what is wrong; ``--print-config`` prints them and exits 0."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        settings = from_environment(model, os.environ)
    except WrongSettings as error:
        sys.stderr.write(f"wrong settings:\n{error}\n")
        raise SystemExit(EXIT_WRONG_USE) from None
    if "--print-config" in arguments:
        sys.stdout.write(printed(settings) + "\n")
        raise SystemExit(0)
    if arguments:
        sys.stderr.write(f"unknown arguments: {' '.join(arguments)}; there is only --print-config\n")
        raise SystemExit(EXIT_WRONG_USE)
    return settings
