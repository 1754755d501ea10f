"""``tieout connections secret``: credentials go in, and never come out again."""

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tieout.connections import credentials
from tieout.domain.settings import Side
from tieout_cli.client import TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import OUT, WRONG_USE, CliError, JsonOption

app = typer.Typer(
    help="Give the credentials of a side.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)
# Credentials with a certificate take some kilobytes; more is a file given by mistake.
LARGEST: Final = 128 * 1024


@app.callback()
def secret() -> None:
    """Give the credentials of a side."""


@app.command(name="set", epilog="Example: tieout connections secret set cronus-us bill --file bill-credentials.json")
def set_(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")],
    side: Annotated[Side, typer.Argument(metavar="bill|erp", help="Which side they are for.")],
    file: Annotated[Path | None, typer.Option("--file", help="File with them; else standard input.")] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Store one side's credentials, encrypted, from a file or standard input: JSON, or a line ``field: value`` each.

    BILL needs user, password and developer_key (user and password may be a sync token's name and value);
    Business Central needs client_id and client_secret. On a terminal each is asked for without being shown.
    """
    OUT.json = as_json
    api = control_plane(url, token_file)
    erp = api.call("GET", path_of(connection))["settings"]["erp"]["kind"]
    fields = credentials.fields_of(side, erp)
    if file is None and sys.stdin.isatty():
        values: dict[str, Any] = {field: getpass.getpass(f"{field} ({meaning}): ") for field, meaning in fields.items()}
    else:
        values = parsed(_text(file))
    problems = credentials.problems(side, erp, values)
    if problems:
        raise CliError(
            "these are not the credentials of that side; nothing was stored",
            cure=f"The {side} side needs: {', '.join(fields)}.",
            code=WRONG_USE,
            word="wrong_credentials",
            problems=[{"message": problem} for problem in problems],
            lines=problems,
        )
    answer = api.call("PUT", path_of(connection, "secrets", side), {"values": values})
    OUT.show(answer, f"{connection}: credentials of side {side} stored, version {answer['version']}")


def parsed(text: str) -> dict[str, Any]:
    """Credentials from JSON or from lines. No error repeats any of it.

    Raises:
        CliError: it is neither.
    """
    if text.lstrip().startswith("{"):
        try:
            values = json.loads(text)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            raise _unreadable(f"no JSON object can be read from line {line} on") from None
        return dict(values)
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        field, colon, value = line.partition(":")
        if not colon:
            raise _unreadable(f"line {number} is not `field: value`")
        if field.strip() in values:
            raise _unreadable(f"line {number} gives a field a second time")
        values[field.strip()] = value.strip()
    return values


def _text(file: Path | None) -> str:
    try:
        text = sys.stdin.read(LARGEST + 1) if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text in UTF-8"
        raise CliError(f"the credentials cannot be read: {why}", code=WRONG_USE, word="no_file") from None
    if len(text) > LARGEST:
        raise _unreadable(f"it is longer than {LARGEST} characters")
    return text


def _unreadable(why: str) -> CliError:
    cure = 'Write JSON such as {"user": …}, or one line `field: value` for each field.'
    return CliError(f"the credentials cannot be read: {why}", cure=cure, code=WRONG_USE, word="unreadable")
