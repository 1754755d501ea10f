"""The ``tieout`` command: a table of its commands, each loaded when it is called.

Exit codes: 0 done, 1 a problem was found (or something does not answer), 2 wrong use or wrong input.
"""

import importlib
import sys
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tieout_cli.output import OUT, CliError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("tieout_cli.demo.command", "Run the main job between two simulated companies, and show the result."),
    "dev": ("tieout_cli.dev", "Kafka and PostgreSQL on this machine: up, down, status."),
    "topics": ("tieout_cli.topics", "Create and check the topics of an installation."),
    "connections": ("tieout_cli.connections", "Apply, list, show, pause, resume, retire; give credentials."),
    "check": ("tieout_cli.check", "Ask both real systems of a connection whether it would work."),
    "sync": ("tieout_cli.sync", "Have the ERP of a connection read now."),
    "records": ("tieout_cli.records", "One record with its story, or a list of them."),
    "holds": ("tieout_cli.holds", "What waits for a person: list, show, release."),
    "tasks": ("tieout_cli.tasks", "What somebody has to do in one of the two systems."),
    "compare": ("tieout_cli.compare", "Tie both ledgers out, and name every difference."),
    "tokens": ("tieout_cli.tokens", "Who may call control-plane: create, list, revoke."),
    "sandbox": ("tieout_cli.sandbox", "Serve the simulator of an outside system."),
    "inspect": ("tieout_cli.inspect", "Show how Tieout reads a raw payload or an error of an outside system."),
}
"""Name of each command: the module with its ``app``, and its line in the help."""


class LazyGroup(TyperGroup):
    """Loads a command's module when it is called; the help shows the table without loading any."""

    helping = False

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, None if there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, text = COMMANDS[cmd_name]
        if self.helping:
            return TyperCommand(cmd_name, help=text, short_help=text)
        command = get_command(importlib.import_module(module).app)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help of the whole."""
        self.helping = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self.helping = False


app = typer.Typer(
    cls=LazyGroup,
    help="Tieout keeps an ERP and BILL in agreement.",
    epilog="Example: tieout connections apply cronus.yaml",
    no_args_is_help=True,
    rich_markup_mode=None,
    # Its traceback would print local variables, and one of them may be a secret.
    pretty_exceptions_enable=False,
)


@app.callback()
def tieout() -> None:
    """Tieout keeps an ERP and BILL in agreement."""


def main() -> None:
    """The entry point of the installed program."""
    try:
        app()
    except CliError as error:
        sys.exit(OUT.fail(error))
