"""What links of all kinds share when a command is built."""

from typing import Any

from tieout.decide.rows import LinkRow, SettingsRow
from tieout.decide.state import Draft
from tieout.events.commands import Intent
from tieout.events.identity import content_hash, mark


def wanted_hash(content: dict[str, Any], *, archived: bool) -> str:
    """The hash of a content that is in use, or archived."""
    return content_hash(content) + ("-archived" if archived else "")


def frame_of(
    draft: Draft, link: str, row: LinkRow, settings: SettingsRow, intent: Intent, hashed: str, lane: str
) -> dict[str, Any]:
    """The fields that every command has."""
    bill, erp = settings.settings.bill, settings.settings.erp
    return {
        "connection": draft.origin.connection,
        "organization": bill.organization,
        "link": link,
        "intent": intent,
        "attempt": row.attempt,
        "generation": settings.generation,
        "content_hash": hashed,
        "mark": mark(bill.organization, erp.identity, link, row.kind),
        "lane": lane,
        "priority": row.priority,
        "issued": draft.origin.time,
        "target": row.target,
        "exclude": row.excluded,
    }
