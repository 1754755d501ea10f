"""What a command prints: text for people, or one JSON document with ``--json``; errors with their cure."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

FOUND: Final = 1
WRONG_USE: Final = 2

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


class CliError(Exception):
    """Ends the command. ``problems`` are printed one a line; ``data`` goes into the JSON beside them."""

    def __init__(
        self,
        message: str,
        *,
        cure: str = "",
        code: int = FOUND,
        word: str = "failed",
        problems: Sequence[Mapping[str, Any]] = (),
        lines: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.code = code
        self.word = word
        self.problems = [dict(problem) for problem in problems]
        self.lines = list(lines)


class Output:
    """Where results go; ``json`` is set by each command from its option."""

    def __init__(self) -> None:
        self.json = False

    def show(self, data: Any, text: str | Callable[[], None]) -> None:
        """The result, in the form that was asked for."""
        if self.json:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        elif callable(text):
            text()
        else:
            sys.stdout.write(text + "\n")
        # Who reads a pipe waits for it, and a server goes on without another word.
        sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows below their columns, as wide as they are when nobody's terminal limits them."""
        from rich.box import SIMPLE  # noqa: PLC0415 - loading rich takes longer than most commands
        from rich.console import Console  # noqa: PLC0415 - the same
        from rich.table import Table  # noqa: PLC0415 - the same
        from rich.text import Text  # noqa: PLC0415 - the same

        table = Table(*columns, box=SIMPLE, pad_edge=False)
        for row in rows:
            # Cells are data: a company called [red] is not a colour.
            table.add_row(*(Text(cell) for cell in row))
        Console(width=None if sys.stdout.isatty() else 200, soft_wrap=not sys.stdout.isatty()).print(table)

    def fail(self, error: CliError) -> int:
        """Print an error; returns the exit code."""
        if self.json:
            body = {"code": error.word, "message": error.message, "cure": error.cure, "problems": error.problems}
            sys.stdout.write(json.dumps({"error": body}, indent=2, ensure_ascii=False) + "\n")
        else:
            for line in error.lines:
                sys.stderr.write(line + "\n")
            sys.stderr.write(f"error: {error.message}\n")
            if error.cure:
                sys.stderr.write(f"cure: {error.cure}\n")
        return error.code


OUT: Final = Output()
