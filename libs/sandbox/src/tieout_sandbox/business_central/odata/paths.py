"""The path of a request as segments: ``vendors(6f1a...)``, ``Company('CRONUS')``, ``Microsoft.NAV.post``."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_SEGMENT = re.compile(r"(?P<name>[^(]+)(?:\((?P<key>.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Segment:
    """A step of a path. ``key`` is None where there are no parentheses; quotes are taken off and un-doubled."""

    name: str
    key: str | None = None
    quoted: bool = False


def parse_path(path: str) -> list[Segment]:
    """The segments of an encoded path. A slash inside quotes or encoded as %2F is part of a key."""
    segments: list[Segment] = []
    for raw in _split(path):
        text = unquote(raw)
        found = _SEGMENT.fullmatch(text)
        if found is None:
            continue
        key = found.group("key")
        quoted = bool(key) and len(key) > 1 and key[0] == key[-1] == "'"
        if key is not None and quoted:
            key = key[1:-1].replace("''", "'")
        segments.append(Segment(found.group("name"), key, quoted))
    return segments


def _split(path: str) -> list[str]:
    parts, current, quoted = [], "", False
    for character in path.replace("%27", "'"):
        if character == "'":
            quoted = not quoted
        if character == "/" and not quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part for part in [*parts, current] if part]
