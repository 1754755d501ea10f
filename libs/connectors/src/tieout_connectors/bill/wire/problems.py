"""What BILL says when it refuses: a list of problems, an object, several inside an object, or no JSON at all."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, loads
from typing import Any, Final

# Enough for every message seen, little enough for a log line and a page.
LONGEST: Final = 1000
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """One problem. Only ``message`` can be relied on to be there; ``timestamp`` is BILL's clock, as text."""

    code: str
    message: str
    severity: str = ""
    timestamp: str = ""


def read_problems(body: bytes) -> tuple[Problem, ...]:
    """All problems of an answer, in its order; none for an empty body or for JSON that tells nothing.

    A body that is not JSON (a gateway's page) gives one problem without code whose message is its visible text.
    """
    try:
        raw = loads(body)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        text = " ".join(_TAG.sub(" ", body.decode("utf-8", "replace")).split())[:LONGEST]
        return (Problem("", text),) if text else ()
    return tuple(_problems(raw, depth=0))


def _problems(raw: Any, depth: int) -> Iterator[Problem]:
    if depth > 3:
        return
    if isinstance(raw, list):
        for one in raw:
            yield from _problems(one, depth + 1)
    elif isinstance(raw, str) and raw:
        yield Problem("", raw[:LONGEST])
    elif isinstance(raw, dict):
        code, message = _plain(raw.get("code")), _plain(raw.get("message"))
        if code or message:
            yield Problem(code, message[:LONGEST], _plain(raw.get("severity")), _plain(raw.get("timestamp")))
        for key in ("errors", "error"):
            yield from _problems(raw.get(key), depth + 1)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""
