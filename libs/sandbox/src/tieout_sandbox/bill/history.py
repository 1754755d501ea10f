"""The two lists of the webhook base: subscriptions, and the events of one; pages with ``nextPage`` only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tieout_sandbox.bill.call import Answer, Call
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.lists import Cursor, read_max
from tieout_sandbox.bill.subscriptions import Subscription, show, show_item
from tieout_sandbox.bill.times import read_moment


def subscription_page(call: Call, subscriptions: Sequence[Subscription]) -> Answer:
    """The subscriptions of the organization, oldest first."""
    return _page(call, "subscriptions", [show(one) for one in subscriptions])


def history_page(call: Call, subscription: Subscription) -> Answer:
    """What happened, the newest first; what happens while somebody pages does not shift the pages."""
    query = call.request.query
    entity = query.get("entityId")
    first, last = _moment(query.get("createdTimeFrom")), _moment(query.get("createdTimeTo"))
    cursor = _cursor(call, subscription.id)
    size = read_max(query)
    found = []
    for item in reversed(subscription.history):
        created = item.event.created
        wanted = (entity is None or item.event.entity == entity) and (first is None or created >= first)
        if wanted and (last is None or created <= last) and (cursor is None or item.number < cursor.offset):
            found.append(item)
        if len(found) > size:
            break
    answer: dict[str, Any] = {"results": [show_item(subscription, item) for item in found[:size]]}
    if len(found) > size:
        answer["nextPage"] = call.cursors.give(Cursor(subscription.id, offset=found[size - 1].number))
    return Answer(answer)


def _page(call: Call, name: str, items: list[Any]) -> Answer:
    cursor = _cursor(call, name)
    start = cursor.offset if cursor else 0
    end = start + read_max(call.request.query)
    answer: dict[str, Any] = {"results": items[start:end]}
    if end < len(items):
        answer["nextPage"] = call.cursors.give(Cursor(name, offset=end))
    return Answer(answer)


def _cursor(call: Call, name: str) -> Cursor | None:
    token = call.request.query.get("page")
    return None if token is None else call.cursors.take(token, name)


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else read_moment(text)
    except ValueError as wrong:
        raise refuse("BDC_1129", str(wrong)) from None
