"""What was asked of the outside worlds: calls, log-ins, and what of it wrote accounting records. Pure.

Every simulator logs each call it saw. A call that is no GET counts as a write of accounting records unless it is a
log-in or concerns subscriptions to notifications, which are counted apart.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOGIN: Final = "/connect/v3/login"
# BILL's events API has subscriptions only; Business Central's are a set of their own.
SUBSCRIPTIONS: Final = ("/connect-events/", "/subscriptions")
# Not part of what a ledger holds: what was used and sent, and the time.
NO_RECORDS: Final = frozenset({"usage", "webhooks", "now"})


def is_login(call: Json) -> bool:
    """Whether it asks for a session or a token."""
    return bool(call["method"] == "POST" and (call["path"] == LOGIN or call["path"].endswith("/oauth2/v2.0/token")))


def is_subscription(call: Json) -> bool:
    """Whether it changes a subscription."""
    return call["method"] not in READING and any(part in call["path"] for part in SUBSCRIPTIONS)


def writes(calls: Iterable[Json]) -> list[str]:
    """The calls that write accounting records or documents, as method and path."""
    return [
        f"{call['method']} {call['path']}"
        for call in calls
        if call["method"] not in READING and not is_login(call) and not is_subscription(call)
    ]


def spent(calls: list[dict[str, Any]]) -> dict[str, int]:
    """Counts of one side's calls."""
    return {
        "calls": len(calls),
        "logins": sum(map(is_login, calls)),
        "subscription_calls": sum(map(is_subscription, calls)),
        "writes": len(writes(calls)),
        "refused": sum(call["status"] >= 400 for call in calls),
    }


def changed(before: Any, after: Any, path: str = "") -> list[str]:
    """The parts of two ledgers that differ, by their place; at most one per list."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in {**before, **after} if path or key not in NO_RECORDS]
        return [place for key in keys for place in changed(before.get(key), after.get(key), f"{path}/{key}")]
    if isinstance(before, list) and isinstance(after, list):
        return [f"{path}: {len(before)} before, {len(after)} after"] if len(before) != len(after) else [path]
    return [f"{path}: {json.dumps(before)[:80]} before, {json.dumps(after)[:80]} after"]
