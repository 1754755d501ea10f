"""``tieout dev``: real Kafka and PostgreSQL on this machine."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tieout_cli.output import FOUND, OUT, CliError, JsonOption
from tieout_devstack.errors import DevstackError
from tieout_devstack.stack import Stack

app = typer.Typer(
    help="Kafka and PostgreSQL on this machine: up, down, status.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Folder = Annotated[Path | None, typer.Option("--folder", help="Where data and logs are; else the project's .tieout.")]


@app.command(epilog="Example: tieout dev up")
def up(folder: Folder = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - typer declares options so
    """Start what does not run yet, and keep it running. The first time it downloads Kafka."""
    OUT.json = as_json
    try:
        stack = Stack.up(folder)
        _show(stack)
    except DevstackError as error:
        raise CliError(str(error), word="devstack") from None


@app.command(epilog="Example: tieout dev down")
def down(folder: Folder = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Stop what ``dev up`` started. The data stays."""
    OUT.json = as_json
    try:
        stack = Stack.at(folder)
        stopped = [] if stack is None else stack.down()
    except DevstackError as error:
        raise CliError(str(error), word="devstack") from None
    OUT.show({"stopped": stopped}, f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@app.command(epilog="Example: tieout dev status")
def status(folder: Folder = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """What runs, and where. Exit code 1 if something does not."""
    OUT.json = as_json
    try:
        stack = Stack.at(folder)
        if stack is None:
            raise CliError("no dev stack was started here", cure="tieout dev up", word="not_running")
        running = _show(stack)
    except DevstackError as error:
        raise CliError(str(error), word="devstack") from None
    if not running:
        sys.exit(FOUND)


def _show(stack: Stack) -> bool:
    components = stack.status()
    data: dict[str, Any] = {
        "folder": str(stack.folder),
        "components": [
            {"name": one.name, "source": one.source, "address": one.address, "running": one.running}
            for one in components
        ],
    }
    rows = [[one.name, "running" if one.running else "DOWN", one.address, one.source] for one in components]
    OUT.show(data, lambda: OUT.table(["server", "state", "address", "from"], rows))
    return all(one.running for one in components)
