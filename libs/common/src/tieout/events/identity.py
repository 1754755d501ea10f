"""Ids. All are hashes of what they name, so that a repeat has the same id and a replay makes the same ones.

| id | made of | never of |
| --- | --- | --- |
| fact | connection, record, version or (content and run) | the time of polling |
| command | link, intent, target content, attempt | the fact that triggered it |
| tick | connection and time slot | |
| notification, notice | connection and BILL's event id | when it was delivered |
| mark | outside ids: organization, company, source record, intent, ordinal of a reissue | attempt, content |
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

# 20 characters is the shortest reference field of the five ERPs that can carry a mark; 19 characters of base 32 are
# 95 bits, so that two marks of one installation collide with a chance below 1e-18 at a billion documents.
MARK_LENGTH: Final = 20
# Base 32 turns five bytes into eight characters, so these make all characters of a mark, and no more.
_MARK_BYTES: Final = 15
# Made once: `json.dumps` makes one with every call. Every row and every content is hashed or kept in this form.
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(*parts: str) -> str:
    """SHA-256 over parts, each with its length before it, so that no two lists of parts read the same."""
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(content: Mapping[str, Any]) -> str:
    """Content as JSON with sorted keys and no blanks; the text that is hashed."""
    return _ENCODER.encode(content)


def content_hash(content: Mapping[str, Any]) -> str:
    """The hash by which two contents are held equal."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:32]


def fact_id(connection: str, record: str, version: str) -> str:
    """The id of an observed fact; ``version`` is the source's own, or content hash and run where it has none."""
    return "f" + digest("fact", connection, record, version)[:31]


def command_id(link: str, intent: str, content: str, attempt: int) -> str:
    """The id of a command; ``content`` is the target content's hash."""
    return "c" + digest("command", link, intent, content, str(attempt))[:31]


def outcome_id(command: str, result: str, number: int) -> str:
    """The id of an outcome fact; ``number`` counts the outcomes of one command."""
    return "o" + digest("outcome", command, result, str(number))[:31]


def tick_id(connection: str, slot: str) -> str:
    """The id of a tick."""
    return "t" + digest("tick", connection, slot)[:31]


def mark(organization: str, company: str, record: str, intent: str, ordinal: int = 0) -> str:
    """The mark that goes into the outside: upper case and digits only, so unique without regard to case."""
    raw = bytes.fromhex(digest("mark", organization, company, record, intent, str(ordinal)))[:_MARK_BYTES]
    return "T" + base64.b32encode(raw).decode()[: MARK_LENGTH - 1]
