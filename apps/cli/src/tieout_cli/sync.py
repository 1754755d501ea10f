"""``tieout sync``: the ERP is read now, not at its next time."""

from typing import Annotated

import typer

from tieout.domain.records import POLLED, Kind
from tieout_cli.client import TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import OUT, JsonOption

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _polled(text: str) -> Kind:
    if text not in POLLED:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(POLLED)}.")
    return Kind(text)


@app.command(epilog="Example: tieout sync cronus-us --kind vendor --kind account")
def sync(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")],
    kind: Annotated[
        list[Kind] | None,
        typer.Option(
            "--kind",
            parser=_polled,
            metavar="KIND",
            help=f"Only this kind, of {', '.join(POLLED)}; may be given several times.",
        ),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Have the ERP of an active connection read now. Returns once the request is stored, not once it is done."""
    OUT.json = as_json
    body = {"kinds": [each.value for each in kind or []]}
    answer = control_plane(url, token_file).call("POST", path_of(connection, "sync"), body)
    what = ", ".join(answer["kinds"]) or "all kinds"
    OUT.show(answer, f"{connection}: {what} asked for ({answer['request']})")
