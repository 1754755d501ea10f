"""``tieout connections``: the life of a connection."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from tieout.connections.yaml import Document, Problem, Source, WrongYaml, read
from tieout_cli import secret
from tieout_cli.client import Refused, TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import OUT, WRONG_USE, CliError, JsonOption

app = typer.Typer(
    help="Apply, list, show, pause, resume, retire; give credentials.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(secret.app, name="secret")

Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")]


@app.command(epilog="Example: tieout connections apply cronus-us.yaml cronus-de.yaml")
def apply(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="YAML files; - is standard input.")],
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Make connections as the files say: all of them, or none if anything is wrong."""
    OUT.json = as_json
    try:
        documents = read([_source(file) for file in files])
    except WrongYaml as error:
        raise _wrong(error.problems) from None
    body = {"connections": [document.settings.model_dump(mode="json", exclude_none=True) for document in documents]}
    try:
        answer = control_plane(url, token_file).call("POST", "/v1/connections/apply", body)
    except Refused as error:
        if error.refusal.code != "refused":
            raise
        raise _wrong(_placed(error.refusal.problems, documents)) from None
    OUT.show(answer, "\n".join(_applied(each) for each in answer["connections"]))


@app.command(name="list", epilog="Example: tieout connections list")
def list_(as_json: JsonOption = False, url: UrlOption = "", token_file: TokenFileOption = None) -> None:  # noqa: FBT002
    """All connections, retired ones too."""
    OUT.json = as_json
    answer = control_plane(url, token_file).call("GET", "/v1/connections")
    columns = ["connection", "state", "generation", "erp", "company", "organization", "credentials"]
    rows = [
        [each["connection"], each["state"], str(each["generation"]), each["erp"], each["company"], each["organization"],
         _given(each["secrets"])]
        for each in answer["connections"]
    ]  # fmt: skip
    OUT.show(answer, lambda: OUT.table(columns, rows))


@app.command(epilog="Example: tieout connections show cronus-us")
def show(
    connection: Name,
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """One connection with all its settings, defaults too, as YAML that can be applied again."""
    OUT.json = as_json
    answer = control_plane(url, token_file).call("GET", path_of(connection))
    head = f"# generation {answer['generation']}, credentials: {_given(answer['secrets'])}\n"
    OUT.show(answer, head + _yaml(answer["settings"]).rstrip())


@app.command(epilog="Example: tieout connections pause cronus-us")
def pause(
    connection: Name,
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Stop synchronizing until it is resumed; what happens meanwhile is caught up then."""
    _move(connection, "pause", url, token_file, as_json=as_json)


@app.command(epilog="Example: tieout connections resume cronus-us")
def resume(
    connection: Name,
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Synchronize a draft or a paused connection from now on."""
    _move(connection, "resume", url, token_file, as_json=as_json)


@app.command(epilog="Example: tieout connections retire cronus-us --yes")
def retire(
    connection: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """End a connection for good; its organization can then be joined anew under another name."""
    OUT.json = as_json
    if not yes:
        if not sys.stdin.isatty():
            raise CliError("retiring is final", cure="Say so by --yes.", code=WRONG_USE, word="not_confirmed")
        typer.confirm(f"Retire {connection} for good?", abort=True, err=True)
    _move(connection, "retire", url, token_file, as_json=as_json)


def _move(connection: str, verb: str, url: str, token_file: Path | None, *, as_json: bool) -> None:
    OUT.json = as_json
    answer = control_plane(url, token_file).call("POST", path_of(connection, verb))
    OUT.show(answer, _applied(answer))


def _source(file: str) -> Source:
    if file == "-":
        return Source("<standard input>", sys.stdin.read())
    try:
        return Source(file, Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text in UTF-8"
        raise CliError(f"{file} cannot be read: {why}", code=WRONG_USE, word="no_file") from None


def _placed(refusals: Iterable[dict[str, str]], documents: Iterable[Document]) -> list[Problem]:
    """control-plane's refusals with the file and line of each field."""
    by_name = {document.settings.connection: document for document in documents}
    problems = []
    for each in refusals:
        document = by_name[each["connection"]]
        line = document.line_of(each["field"].split("."))
        problems.append(Problem(document.file, line, each["field"], each["message"], each["allowed"]))
    return problems


def _wrong(problems: Iterable[Problem]) -> CliError:
    found = list(problems)
    told = [
        {"file": one.file, "line": one.line, "field": one.field, "message": one.message, "allowed": one.allowed}
        for one in found
    ]
    return CliError(
        f"{len(found)} problem{'' if len(found) == 1 else 's'}; nothing was applied",
        code=WRONG_USE,
        word="wrong_yaml",
        problems=told,
        lines=[str(problem) for problem in found],
    )


def _applied(answer: dict[str, Any]) -> str:
    changed = f": {', '.join(answer['changed'])}" if answer["changed"] else ""
    return f"{answer['connection']} {answer['outcome']}{changed} ({answer['state']}, generation {answer['generation']})"


def _given(secrets: dict[str, int]) -> str:
    return ", ".join(f"{side} {f'version {version}' if version else 'missing'}" for side, version in secrets.items())


def _yaml(settings: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - only here

    return yaml.safe_dump(_without_none(settings), sort_keys=False, allow_unicode=True, width=110)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return value
