"""What became of one invoice, from the journal: every decision that concerned it, in order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tieout_cli.demo.logview import Step

# Rows that tell a person nothing: places in queues and bookkeeping.
_SILENT: Final = ("ready/", "todo/", "window/", "want/", "index/", "name/", "wait/", "key/", "entry/")
_SENTENCES: Final[dict[str, str]] = {
    "requested": "asked of BILL",
    "linked": "stands in BILL",
    "ready": "has all it needs, and waits for a free place",
    "waiting": "waits for {why}",
    "held": "is held: {why}",
    "ignored": "needs nothing",
}


@dataclass(frozen=True)
class Event:
    """One line: when (UTC, as the fact that led to it), about what, what happened."""

    time: str
    about: str
    text: str

    def as_json(self) -> dict[str, str]:
        """For the report."""
        return {"time": self.time, "about": self.about, "text": self.text}


def timeline(journal: Iterable[Step], invoice: str) -> list[Event]:
    """The events of an invoice by the ERP's id, with those of its documents and of payments made before.

    Steps of one fact about one thing are one event: the last of them.
    """
    events: dict[tuple[str, str], Event] = {}
    for step in journal:
        if invoice not in step.row or step.row.startswith(_SILENT):
            continue
        about = _about(step.row)
        events[(step.fact, about)] = Event(step.time, about, _text(step))
    return list(events.values())


def _about(row: str) -> str:
    parts = row.split("/")
    return parts[1] if parts[0] in ("link", "hold") and len(parts) > 1 else parts[0]


def _text(step: Step) -> str:
    value: Mapping[str, Any] = step.value or {}
    if step.row.startswith("link/"):
        sentence = _SENTENCES.get(value.get("phase", ""), step.what)
        target = f" as {value['target']}" if value.get("phase") == "linked" and value.get("target") else ""
        return sentence.format(why=value.get("waits") or step.why or step.what) + target
    if step.row.startswith("hold/"):
        return f"held: {value['reason']}" if value else f"the hold is gone: {step.why}"
    if step.row.startswith("invoice/"):
        return f"seen in the ERP: {value.get('number')} over {value.get('total')} {value.get('currency')}"
    return f"{step.what} {step.why}".strip()
