"""Commands in documents: what somebody copies from a page is a command that `tieout` has, with options it knows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperArgument, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from tieout_cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in ROOT.glob("**/*.md")
    if not {".venv", ".tieout", ".git", "node_modules"} & set(path.relative_to(ROOT).parts)
)
FENCE = re.compile(r"^```[a-z]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
# A command stands at the begin of a line, after another program that runs it, or alone between backticks.
LINE = re.compile(r"^(?:\$ |docker compose exec .*?)?(?:\.venv/bin/)?(tieout(?: .*)?)$")
PROGRAM = get_command(app)


def documented() -> Iterator[tuple[str, str]]:
    """Every command of every page, with its place."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        blocks = [line for block in FENCE.findall(text) for line in block.splitlines()]
        spans = re.findall(r"`([^`]+)`", FENCE.sub("", text))
        for piece in blocks + [" ".join(span.split()) for span in spans]:
            found = LINE.match(piece.strip())
            if found is not None:
                yield str(path.relative_to(ROOT)), found[1]


def words(line: str) -> list[str]:
    """The words of a command as a shell takes them: without its comment, redirection and what may be left out."""
    lexer = shlex.shlex(re.sub(r"[\[\]]", " ", line), posix=True, punctuation_chars="<>|;&")
    lexer.whitespace_split = True
    taken = []
    for word in lexer:
        if set(word) <= set("<>|;&"):
            break
        taken.append(word)
    return taken[1:]


def problem(line: str) -> str | None:
    """What ``tieout`` would refuse of it, None if nothing. A command named without its arguments is no mistake."""
    given, command = words(line), PROGRAM
    context = typer.Context(command, info_name="tieout")
    while isinstance(command, TyperGroup):
        if not given or given == ["--help"]:
            return None
        inner = command.get_command(context, given[0])
        if inner is None:
            return f"{given[0]} is no command of {context.command_path}"
        context = typer.Context(inner, info_name=given.pop(0), parent=context)
        command = inner
    try:
        # Values are checked when a command is called; many of a page stand for the reader's own.
        _, extra, _ = command.make_parser(context).parse_args(list(given))
    except TyperException as error:
        return str(error)
    many = any(isinstance(one, TyperArgument) and one.nargs == -1 for one in command.params)
    if extra and not many:
        return f"too many words: {' '.join(extra)}"
    return None


COMMANDS = sorted(set(documented()))


def test_the_pages_are_read() -> None:
    """The commands of the README of the command line, of operating and of deployment are among what is looked at."""
    assert {"apps/cli/README.md", "docs/operating.md", "docs/deployment.md"} <= {place for place, _ in COMMANDS}
    assert len(COMMANDS) > 30


@pytest.mark.parametrize(("place", "line"), COMMANDS)
def test_a_documented_command_is_one(place: str, line: str) -> None:
    """Command and options exist, and it takes as many words as are written."""
    assert problem(line) is None, place


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tieout --url http://127.0.0.1:8080 connections list", "--url is no command of tieout"),
        ("tieout connections lst", "lst is no command of tieout connections"),
        ("tieout check cronus-us --secnds 3", "No such option: --secnds"),
        ("tieout check cronus-us cronus-de", "too many"),
        ("tieout compare cronus-us --as-of   # a day", "--as-of"),
    ],
)
def test_a_wrong_one_is_found(line: str, said: str) -> None:
    """An option before its command, a misspelling, a word too many and an option without its value are told."""
    assert said in (problem(line) or "nothing")
