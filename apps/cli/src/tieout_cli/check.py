"""``tieout check``: both real systems, asked with real calls."""

import sys
from typing import Annotated, Any, Final

import typer

from tieout_cli.client import TIMEOUT, TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import FOUND, OUT, JsonOption

app = typer.Typer(rich_markup_mode=None, add_completion=False)
MARKS: Final = {"ok": "ok  ", "warning": "WARN", "failed": "FAIL"}


@app.command(epilog="Example: tieout check cronus-us")
def check(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")],
    seconds: Annotated[float, typer.Option(min=1, max=300, help="How long to wait for both systems.")] = 30.0,
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Ask both real systems of a connection whether it would work; a draft may be asked for too.

    Exit code 1 if anything failed; warnings alone are 0.
    """
    OUT.json = as_json
    api = control_plane(url, token_file)
    answer = api.call("POST", path_of(connection, "check"), {"seconds": seconds}, timeout=seconds + TIMEOUT)
    OUT.show(answer, lambda: _tell(answer))
    if answer["status"] == "failed":
        sys.exit(FOUND)


def _tell(answer: dict[str, Any]) -> None:
    for side in answer["sides"]:
        typer.echo(f"{side['side']}: {side['status']}")
        for line in side["lines"]:
            codes = [f"HTTP {line['http_status']}" if line["http_status"] else "", line["code"]]
            told = " ".join(code for code in codes if code)
            typer.echo(f"  {MARKS[line['status']]} {line['name']}: {line['detail']}{f' ({told})' if told else ''}")
            if line["cure"] and line["status"] != "ok":
                typer.echo(f"       cure: {line['cure']}")
