"""What became of one invoice, as control-plane's API tells it: every decision that concerned it, in order."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tieout.decide.rows import ERP_KINDS
from tieout_cli.client import ControlPlane, path_of
from tieout_cli.demo.place import CONNECTION

_SENTENCES: Final[dict[str, str]] = {
    "wanted": "is wanted",
    "waiting": "waits for {why}",
    "ready": "has all it needs, and waits for a free place",
    "requested": "asked of {side}",
    "doubtful": "asked of {side}, the answer was lost",
    "awaited": "recorded in {side}, somebody has to act: {why}",
    "linked": "stands in {side}{target}",
    "held": "is held{reason}",
    "ignored": "needs nothing",
}
"""By the phase in which a step leaves a link."""


_SEEN: Final[dict[str, str]] = {
    "invoice": "seen in the ERP: {amount} {currency}",
    "payment": "shown by BILL: {amount} {currency} {why}",
}
"""By the row that holds what was seen."""


@dataclass(frozen=True)
class Event:
    """One line: when (UTC, as the fact that led to it), about what, what happened."""

    time: str
    about: str
    text: str

    def as_json(self) -> dict[str, str]:
        """For the report."""
        return {"time": self.time, "about": self.about, "text": self.text}


def of_record(api: ControlPlane, link: str) -> list[Event]:
    """The story of a record and of what belongs to it; the beginning of it, if it is a very long one."""
    return list(events(api.call("GET", path_of(CONNECTION, "records", link, "timeline"))["steps"]))


def events(steps: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """What each step made known of the invoice or a payment, and where it left each link; no bookkeeping."""
    for step in steps:
        links: dict[str, Mapping[str, Any]] = {}
        for entry in step["entries"]:
            family = entry["row"].partition("/")[0]
            if family in _SEEN:
                yield Event(step["time"], family, " ".join(_SEEN[family].format_map(entry).split()))
            elif entry["phase"]:
                links[entry["link"]] = entry
        for link, entry in links.items():
            yield Event(step["time"], link.partition("/")[0], _text(step, entry))


def _text(step: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    fact = step["fact"] or {}
    side = "the ERP" if entry["link"].partition("/")[0] in ERP_KINDS else "BILL"
    target = f" as {fact['target']}" if fact.get("target") and fact.get("link") == entry["link"] else ""
    sentence: str = _SENTENCES.get(entry["phase"], entry["phase"])
    reason = f": {entry['why']}" if entry["why"] else ""
    return sentence.format(side=side, why=entry["why"] or entry["what"], reason=reason, target=target)
