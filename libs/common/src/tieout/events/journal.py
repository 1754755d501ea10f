"""The journal: every decision in order, and what it set."""

from typing import Any

from tieout.events.envelope import Payload


class Entry(Payload):
    """One assignment of a decision: ``row`` becomes ``value``, or is removed if that is None.

    ``what`` is a word of the catalogue in ``decide.words``; ``why`` is one sentence for a person. Folding the entries
    of a connection from the start gives its state exactly.
    """

    what: str
    row: str
    value: dict[str, Any] | None
    why: str = ""
