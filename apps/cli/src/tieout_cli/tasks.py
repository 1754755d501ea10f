"""``tieout tasks``: what somebody has to do in one of the two systems."""

import typer

from tieout_cli.choosing import ConnectionOption, chosen
from tieout_cli.client import TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import OUT, JsonOption

app = typer.Typer(
    help="What somebody has to do in one of the two systems.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def tasks() -> None:
    """What somebody has to do in one of the two systems."""


@app.command(name="list", epilog="Example: tieout tasks list")
def list_(
    connection: ConnectionOption = "",
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """All tasks, with page and action; each closes by itself once the ledger shows it done."""
    OUT.json = as_json
    api = control_plane(url, token_file)
    answer = api.call("GET", f"{path_of(chosen(api, connection), 'tasks')}?limit=1000")
    columns = ["link", "number", "since", "page", "what to do", "until"]
    rows = [
        [
            each["link"],
            each["number"],
            each["since"][:19].replace("T", " "),
            each["page"],
            each["action"],
            each["until"],
        ]
        for each in answer["tasks"]
    ]
    OUT.show(answer, (lambda: OUT.table(columns, rows)) if rows else "nothing is to be done by hand")
