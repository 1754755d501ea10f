"""``tieout topics``: talks to Kafka itself, since control-plane needs its topics to start."""

import json
import os
import sys
from typing import Annotated, Final

import typer
from confluent_kafka import KafkaException

from tieout.log.admin import apply_topics, check_topics
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names
from tieout.observability.settings import PREFIX, ServiceSettings, WrongSettings, from_environment
from tieout_cli.output import FOUND, OUT, WRONG_USE, CliError, JsonOption

app = typer.Typer(
    help="Create and check the topics of an installation.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

# A laptop's broker has files and threads per partition; a company's installation gets the default of the services.
DEV_PARTITIONS: Final = "4"
_FIELDS: Final = [*(name for name in ServiceSettings.model_fields if name.startswith("kafka_")), "prefix", "partitions"]

Bootstrap = Annotated[
    str, typer.Option("--bootstrap", help="Brokers as host:port; else TIEOUT_KAFKA_BOOTSTRAP, else the dev stack's.")
]
PrefixOption = Annotated[str, typer.Option("--prefix", help="Prefix of all names; else TIEOUT_PREFIX, else tieout.")]
Partitions = Annotated[
    int | None,
    typer.Option(
        "--partitions", min=1, max=1000, help="Chosen once; else TIEOUT_PARTITIONS, else 24 (4 on a dev stack)."
    ),
]


@app.command(epilog="Example: tieout topics apply --bootstrap kafka:9092 --partitions 24")
def apply(
    bootstrap: Bootstrap = "",
    prefix: PrefixOption = "",
    partitions: Partitions = None,
    replication: Annotated[int, typer.Option(help="Replicas per topic; -1 takes the brokers' default.")] = -1,
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
) -> None:
    """Create the topics that are missing; those that are there are checked and not touched."""
    OUT.json = as_json
    access, names = installation(bootstrap, prefix, partitions)
    try:
        created = apply_topics(access, names, replication=replication)
    except KafkaException as error:
        raise _unreachable(access, error) from None
    data = {"prefix": names.prefix, "partitions": names.partitions, "created": sorted(created)}
    OUT.show(data, f"{len(created)} topics created with {names.partitions} partitions each, prefix {names.prefix}")


@app.command(epilog="Example: tieout topics check")
def check(
    bootstrap: Bootstrap = "",
    prefix: PrefixOption = "",
    partitions: Partitions = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Compare the brokers' topics with the catalogue. Exit code 1 if anything differs."""
    OUT.json = as_json
    access, names = installation(bootstrap, prefix, partitions)
    try:
        problems = check_topics(access, names)
    except KafkaException as error:
        raise _unreachable(access, error) from None
    told = [{"topic": each.topic, "problem": each.problem, "cure": each.cure} for each in problems]
    lines = [f"{each.topic}: {each.problem}; cure: {each.cure}" for each in problems]
    OUT.show({"prefix": names.prefix, "problems": told}, "\n".join(lines) or "all topics are as they should be")
    if problems:
        sys.exit(FOUND)


def installation(bootstrap: str, prefix: str, partitions: int | None) -> tuple[KafkaAccess, Names]:
    """Brokers and names from options, else the environment, else the dev stack.

    Raises:
        CliError: no broker is named anywhere, or a variable is wrong.
    """
    values = {}
    for field in _FIELDS:
        for variable in (PREFIX + field.upper(), f"{PREFIX}{field.upper()}_FILE"):
            if os.environ.get(variable):
                values[variable] = os.environ[variable]
    if not bootstrap and f"{PREFIX}KAFKA_BOOTSTRAP" not in values:
        bootstrap = _dev_broker()
        values.setdefault(f"{PREFIX}PARTITIONS", DEV_PARTITIONS)
    given = {"KAFKA_BOOTSTRAP": bootstrap, "PREFIX": prefix, "PARTITIONS": str(partitions or "")}
    values |= {PREFIX + name: value for name, value in given.items() if value}
    try:
        settings = from_environment(ServiceSettings, values)
    except WrongSettings as error:
        raise CliError(str(error), code=WRONG_USE, word="wrong_settings") from None
    return settings.kafka(), settings.names()


def _dev_broker() -> str:
    from tieout_devstack.files import state_folder  # noqa: PLC0415 - where nothing else names a broker

    try:
        return str(json.loads((state_folder() / "state.json").read_text(encoding="utf-8"))["kafka"]["address"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CliError(
            "no broker is known",
            cure="Give --bootstrap or TIEOUT_KAFKA_BOOTSTRAP, or start one: tieout dev up.",
            code=WRONG_USE,
            word="no_broker",
        ) from None


def _unreachable(access: KafkaAccess, error: KafkaException) -> CliError:
    cure = "Are the brokers up, and is their address right?"
    return CliError(f"Kafka at {access.bootstrap} refused: {error.args[0].str()}", cure=cure, word="kafka")
