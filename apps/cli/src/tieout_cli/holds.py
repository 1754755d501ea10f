"""``tieout holds``: what waits for a person."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from tieout_cli.choosing import ConnectionOption, chosen
from tieout_cli.client import TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import OUT, JsonOption

app = typer.Typer(
    help="What waits for a person: list, show, release.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Ref = Annotated[
    str, typer.Argument(metavar="REF", help="The hold's name, or whatever names its record: number, id, link.")
]


@app.command(name="list", epilog="Example: tieout holds list --reason bill.duplicate")
def list_(
    reason: Annotated[str, typer.Option(help="Only these, such as bill.duplicate.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    connection: ConnectionOption = "",
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Everything that waits for a person: why, since when, who mends it."""
    OUT.json = as_json
    api = control_plane(url, token_file)
    query = {"limit": str(limit)} | ({"reason": reason} if reason else {})
    answer = api.call("GET", f"{path_of(chosen(api, connection), 'holds')}?{urlencode(query)}")
    columns = ["name", "reason", "since", "who", "what"]
    rows = [
        [each["ref"], each["reason"], each["since"][:19].replace("T", " "), each["who"], each["sentence"]]
        for each in answer["holds"]
    ]
    OUT.show(answer, (lambda: OUT.table(columns, rows)) if rows else "nothing is held")


@app.command(epilog="Example: tieout holds show bill/6f1a…")
def show(
    ref: Ref,
    connection: ConnectionOption = "",
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """One hold: what is wrong, who mends it where, what to do, and what may be chosen."""
    OUT.json = as_json
    api = control_plane(url, token_file)
    name = chosen(api, connection)
    answer = api.call("GET", path_of(name, "holds", ref))
    OUT.show(answer, lambda: _tell(answer))


@app.command(epilog='Example: tieout holds release bill/6f1a… --reason "both are owed, confirmed by the vendor"')
def release(
    ref: Ref,
    reason: Annotated[str, typer.Option("--reason", help="Why you release it; kept for ever with your name.")],
    choice: Annotated[str, typer.Option("--choice", help="A candidate's id, or create; see `tieout holds show`.")] = "",
    connection: ConnectionOption = "",
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Release a hold that does not go by itself, in your name. Returns once it is written, not once it is decided."""
    OUT.json = as_json
    api = control_plane(url, token_file)
    body = {"reason": reason, "choice": choice}
    answer = api.call("POST", path_of(chosen(api, connection), "holds", ref, "release"), body)
    OUT.show(answer, f"{answer['ref']}: released by {answer['person']} ({answer['fact']})")


def _tell(hold: dict[str, Any]) -> None:
    typer.echo(f"{hold['ref']}  {hold['number']}".rstrip())
    typer.echo(f"  {hold['sentence']} ({hold['reason']})")
    typer.echo(f"  since {hold['since'][:19].replace('T', ' ')} UTC, by fact {hold['fact']}")
    typer.echo(f"  cure: {hold['cure']}")
    typer.echo(f"  who: {hold['who']}; where: {hold['where']}")
    for each in hold["candidates"]:
        marked = " (archived)" if each["archived"] else ""
        typer.echo(f"  choice {each['id']}: {each['number']} {each['name']}{marked} {each['detail']}".rstrip())
    if hold["candidates"]:
        typer.echo("  choice create: make a new one, whatever these are")
    for person in hold["approvals"]:
        typer.echo(f"  released by {person} already; a second person is needed")
    if hold["by_itself"]:
        typer.echo("  It goes by itself once that is mended.")
    else:
        typer.echo(f'  then: tieout holds release {hold["ref"]} --connection {hold["connection"]} --reason "…"')
