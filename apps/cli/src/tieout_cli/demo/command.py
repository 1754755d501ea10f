"""The command line of ``tieout demo``."""

import os
import sys
from json import dumps
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from tieout_cli.client import DEMO_STACK, TOKEN, URL
from tieout_cli.demo import plan
from tieout_cli.demo.place import CONNECTION
from tieout_cli.demo.progress import Progress
from tieout_cli.demo.report import tell
from tieout_cli.demo.running import ERPS, SIZES, Wish, run, stop
from tieout_cli.demo.scene import Scene
from tieout_cli.output import FOUND, OUT, WRONG_USE, CliError
from tieout_devstack.errors import DevstackError
from tieout_devstack.files import state_folder

# Of tables that no terminal limits.
WIDTH: Final = 150
app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: tieout demo --erp business-central --seed 7 --json demo.json")
def demo(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    erp: Annotated[str, typer.Option(help=f"The ERP: {', '.join(ERPS)}.")] = ERPS[0],
    seed: Annotated[int | None, typer.Option(min=0, help="What the company is made from; else by chance.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Synchronize once more, a kept demo if there is.")] = False,  # noqa: FBT002 - typer declares options so
    cold: Annotated[bool, typer.Option("--cold", help="With --again: first lose Kafka and PostgreSQL.")] = False,  # noqa: FBT002
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running, and say where.")] = False,  # noqa: FBT002
    stop_it: Annotated[bool, typer.Option("--stop", help="Only stop what was kept running.")] = False,  # noqa: FBT002
    size: Annotated[str, typer.Option(hidden=True)] = "full",
    folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the main job between two simulated companies, on real Kafka and PostgreSQL, and show the result.

    Exit code 0 only if nothing is unexplained.
    """
    if erp not in ERPS:
        raise _wrong(f"there is no demo of {erp!r}", f"One of: {', '.join(ERPS)}.")
    if size not in SIZES:
        raise _wrong(f"there is no size {size!r}", f"One of: {', '.join(SIZES)}.")
    if cold and not again:
        raise _wrong("--cold says how to synchronize again", "Add --again.")
    try:
        if stop_it:
            stopped = stop(folder)
            OUT.show({"stopped": stopped}, f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
            return
        wish = Wish(erp, seed, size, again, cold, keep, folder)
        with Progress() as progress:
            report, left = run(wish, progress)
    except DevstackError as error:
        raise CliError(str(error), word="demo") from None
    if json_file is not None:
        json_file.write_text(dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    tell(report, console)
    _where_next(left, console)
    if report.differences:
        sys.exit(FOUND)


def _where_next(left: Scene | None, console: Console) -> None:
    tieout = _program()
    if left is None:
        console.print(Text(f"Next: {tieout} demo --keep leaves it running; docs/architecture.md says how it works."))
        return
    api = plan.url_of(plan.CONTROL_PLANE, left.ports)
    lines = [
        f"Still running, logs in {left.place.logs}. Look around:",
        *([] if _is_found(left) else [f"  export TIEOUT_API_URL={api} TIEOUT_API_TOKEN_FILE={left.place.token_file}"]),
        f"  {tieout} connections show {CONNECTION}    (as it was applied: {left.place.connection})",
        f"  {tieout} check {CONNECTION}",
        f"  {tieout} holds list; {tieout} records show NUMBER; {tieout} compare {CONNECTION}",
        f"  {api}/openapi.json    Kafka {left.ground.stack.kafka_bootstrap}, prefix {left.ground.prefix}",
        *(f"  {world.url}/_sandbox/ledger    {world.name}'s own books" for world in (left.erp, left.bill)),
        f"  {tieout} demo --again [--cold] goes on with it; {tieout} demo --stop ends it.",
    ]
    console.print(Text("\n".join(lines)))


def _is_found(left: Scene) -> bool:
    """Whether the other commands find this demo by themselves."""
    return left.place.stack == (state_folder() / DEMO_STACK).resolve() and not {URL, TOKEN} & set(os.environ)


def _program() -> str:
    """How the command is called from here: a virtual environment need not be on the path."""
    program = Path(sys.executable).with_name("tieout")
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)


def _wrong(message: str, cure: str) -> CliError:
    return CliError(message, cure=cure, code=WRONG_USE, word="wrong_use")
