"""``tieout tokens``: who may call control-plane. One token a person, so that what needs two people gets two."""

import os
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from tieout_cli.client import TokenFileOption, UrlOption, control_plane
from tieout_cli.output import OUT, WRONG_USE, CliError, JsonOption

app = typer.Typer(
    help="Who may call control-plane: create, list, revoke. It takes an administrator's token.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

ROLES: Final = ("operator", "admin")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The person, as the history of releases is to name them.")]


@app.command(epilog="Example: tieout tokens create 'Ada Byron' --role operator --file ada.token")
def create(
    name: Name,
    role: Annotated[str, typer.Option(help="operator: everything but tokens; admin: tokens too.")] = ROLES[0],
    file: Annotated[
        Path | None,
        typer.Option("--file", help="New file for the token, readable by its owner only; else it is printed."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Make a person's token. It is shown this once."""
    OUT.json = as_json
    if role not in ROLES:
        cure = f"One of: {', '.join(ROLES)}."
        raise CliError(f"there is no role {role!r}", cure=cure, code=WRONG_USE, word="wrong_use")
    if file is not None and file.exists():
        raise CliError(f"{file} is there already; no token was made", code=WRONG_USE, word="file_exists")
    made = control_plane(url, token_file).call("POST", "/v1/tokens", {"name": name, "role": role})
    if file is None:
        OUT.show(made, str(made["token"]))
        return
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as sink:
        sink.write(made["token"] + "\n")
    told = {"name": made["name"], "role": made["role"], "file": str(file)}
    OUT.show(told, f"{made['name']} ({made['role']}): the token is in {file}")


@app.command(name="list", epilog="Example: tieout tokens list")
def list_(as_json: JsonOption = False, url: UrlOption = "", token_file: TokenFileOption = None) -> None:  # noqa: FBT002
    """Whose tokens there are; the tokens themselves are never shown again."""
    OUT.json = as_json
    answer = control_plane(url, token_file).call("GET", "/v1/tokens")
    rows = [[each["name"], each["role"], each["created"][:19].replace("T", " ")] for each in answer["tokens"]]
    OUT.show(answer, lambda: OUT.table(["name", "role", "created"], rows))


@app.command(epilog="Example: tieout tokens revoke 'Ada Byron'")
def revoke(
    name: Name,
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Refuse a person's token from now on."""
    OUT.json = as_json
    answer = control_plane(url, token_file).call("DELETE", f"/v1/tokens/{quote(name, safe='')}")
    OUT.show(answer, f"{answer['name']}: the token is refused from now on")
