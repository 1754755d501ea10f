"""Which connection a command means, where it is not said."""

from typing import Annotated, Any

import typer

from tieout_cli.client import ControlPlane
from tieout_cli.output import WRONG_USE, CliError

ConnectionOption = Annotated[
    str, typer.Option("--connection", "-c", help="The connection's name; not needed where there is only one.")
]


def chosen(api: ControlPlane, name: str) -> str:
    """The name, or that of the only connection that is not retired.

    Raises:
        CliError: there is none, or there are several.
    """
    if name:
        return name
    known: list[dict[str, Any]] = api.call("GET", "/v1/connections")["connections"]
    open_ones = [each["connection"] for each in known if each["state"] != "retired"]
    if len(open_ones) == 1:
        return str(open_ones[0])
    if not open_ones:
        raise CliError(
            "there is no connection yet", cure="tieout connections apply FILE", code=WRONG_USE, word="no_connection"
        )
    raise CliError(
        "there are several connections",
        cure=f"Say which one by --connection: {', '.join(open_ones)}.",
        code=WRONG_USE,
        word="which_connection",
    )
