"""What became of one invoice, from the journal: every decision that concerned it, in order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json import dumps
from typing import Any, Final

from tieout_cli.demo.logview import Step

_SENTENCES: Final[dict[str, str]] = {
    "requested": "asked of {side}",
    "linked": "stands in {side}",
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
    """The events of an invoice by the ERP's id, with those of its documents and payments.

    Steps of one fact about one thing are one event: the last of them.
    """
    steps = list(journal)
    rows = {f"invoice/{invoice}"}
    for link in {f"bill/{invoice}", *_links_naming(steps, invoice)}:
        rows |= {f"link/{link}", f"hold/{link}", f"task/{link}"}
    events: dict[tuple[str, str], Event] = {}
    for step in steps:
        if step.row in rows:
            about = _about(step.row)
            events[(step.fact, about)] = Event(step.time, about, _text(step))
    return list(events.values())


def _links_naming(steps: Iterable[Step], invoice: str) -> set[str]:
    """Links that wanted something for the invoice: a document on its bill, a payment applied to it."""
    wanting = (step for step in steps if step.row.startswith("want/") and step.value is not None)
    return {step.row.removeprefix("want/") for step in wanting if invoice in dumps(step.value)}


def _about(row: str) -> str:
    parts = row.split("/")
    return parts[0] if parts[0] == "invoice" else parts[1]


def _text(step: Step) -> str:
    value: Mapping[str, Any] = step.value or {}
    if step.row.startswith("link/"):
        sentence = _SENTENCES.get(value.get("phase", ""), step.what)
        target = f" as {value['target']}" if value.get("phase") == "linked" and value.get("target") else ""
        side = "the ERP" if value.get("kind") in ("payment", "transfer", "reversal") else "BILL"
        return sentence.format(side=side, why=value.get("waits") or step.why or step.what) + target
    if step.row.startswith("hold/"):
        return f"held: {value['reason']}" if value else f"the hold is gone: {step.why}"
    if step.row.startswith("invoice/"):
        return f"seen in the ERP: {value.get('number')} over {value.get('total')} {value.get('currency')}"
    return f"a person has to act: {value['action'] or value['why']}" if value else "nobody has to act any more"
