"""Turns changes of the books into notifications, thirty seconds after the first, and ends dead subscriptions."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Document, Line
from tieout_sandbox.business_central.books.entries import JournalLine
from tieout_sandbox.business_central.books.store import Row
from tieout_sandbox.business_central.odata.query import Options
from tieout_sandbox.business_central.odata.render import Renderer
from tieout_sandbox.business_central.odata.sets import Scope
from tieout_sandbox.business_central.odata.values import show_time
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.registry import REGISTRY
from tieout_sandbox.business_central.webhooks.sender import Sender
from tieout_sandbox.business_central.webhooks.subscriptions import Subscription
from tieout_sandbox.kernel.clock import Clock

# table → the set whose subscribers hear of it
_SETS = {
    "Vendor": "vendors",
    "G/L Account": "accounts",
    "Purchase Header": "purchaseInvoices",
    "Purchase Line": "purchaseInvoices",
    "G/L Entry": "generalLedgerEntries",
    "Dimension": "dimensions",
    "Payment Terms": "paymentTerms",
    "Payment Method": "paymentMethods",
    "Currency": "currencies",
    "Unit of Measure": "unitsOfMeasure",
    "Gen. Journal Batch": "journals",
    "Gen. Journal Line": "journals",
    "General Ledger Setup": "companyInformation",
}
# The server steps back by so much in the filter of a collection, because stamps are rounded.
_STEP_BACK = timedelta(milliseconds=50)
_RETRIED = (0, 408, 429)
_MERGED = {
    ("created", "updated"): "created",
    ("created", "deleted"): "",
    ("updated", "deleted"): "deleted",
    ("deleted", "created"): "updated",
}


@dataclass(frozen=True)
class Delivery:
    """One attempt to notify."""

    time: str
    url: str
    status: int
    attempt: int
    items: list[dict[str, Any]]


class Hub:
    """All subscriptions of the environment."""

    def __init__(self, clock: Clock, switches: Mapping[str, Any], companies: list[Books], sender: Sender) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.deliveries: list[Delivery] = []
        self._clock = clock
        self._switches = switches
        self._companies = {books.id: books for books in companies}
        self._sender = sender
        self._renderer = Renderer(REGISTRY)
        self._seen: dict[tuple[str, str, str], bytes] = {}
        self._waiting: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        for books in companies:
            books.store.listeners.append(partial(self._changed, books))

    async def stop(self) -> None:
        """Nothing goes out any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, subscription: Subscription) -> None:
        """A subscription whose handshake has succeeded."""
        most = int(self._switches["subscription_limit"])
        if len(self.subscriptions) >= most:
            raise Refusal("subscription_limit", most=most)
        self.subscriptions[subscription.id] = subscription
        books, entity_set = self._companies[subscription.company], REGISTRY[subscription.entity_set]
        scope = Scope(books, self._switches, "").by_key()
        for row in entity_set.table(books) if entity_set.table else ():
            if entity_set.hidden is None or not entity_set.hidden(scope, row):
                self._seen[books.id, entity_set.name, row.id] = self._print(scope, entity_set.name, row)

    def expire(self) -> None:
        """Forget subscriptions that nobody renewed."""
        now = self._clock.now()
        for one in [each for each in self.subscriptions.values() if each.expires <= now]:
            del self.subscriptions[one.id]

    def _print(self, scope: Scope, name: str, row: Row) -> bytes:
        """What of an entity is visible, as a hash: a change that leaves it is not told."""
        shown = self._renderer.entity(REGISTRY[name], scope, row, Options())
        for volatile in ("@odata.etag", "lastModifiedDateTime"):
            shown.pop(volatile, None)
        return hashlib.blake2b(repr(sorted(shown.items())).encode(), digest_size=16).digest()

    def _changed(self, books: Books, table: str, row: Row, kind: str) -> None:
        name = _SETS.get(table)
        if name is None or not self.subscriptions:
            return
        told = _header(books, row)
        if told is None:
            return
        if told is not row:
            kind = "updated"
        for one in self.subscriptions.values():
            if one.company == books.id and one.entity_set == name:
                self._note(one, told.id, kind)

    def _note(self, subscription: Subscription, identity: str, kind: str) -> None:
        now = self._clock.now()
        known = subscription.changes.get(identity)
        merged = _MERGED.get((known[0], kind), known[0]) if known else kind
        if merged:
            subscription.changes[identity] = (merged, now)
        else:
            subscription.changes.pop(identity, None)
        if subscription.first_change is None:
            subscription.first_change = now
        if subscription.url not in self._waiting:
            self._waiting.add(subscription.url)
            self._spawn(subscription.url)

    def _spawn(self, url: str) -> None:
        task = asyncio.get_running_loop().create_task(self._later(url))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _later(self, url: str) -> None:
        """Wait out the delay, then tell everything there is for the address in one call."""
        delay = timedelta(seconds=float(self._switches["webhook_delay_seconds"]))
        await self._clock.sleep_until(self._clock.now() + delay)
        self._waiting.discard(url)
        self.expire()
        items: list[dict[str, Any]] = []
        for one in self.subscriptions.values():
            if one.url == url:
                items += self._items(one)
        if items:
            await self._deliver(url, items)

    def _items(self, subscription: Subscription) -> list[dict[str, Any]]:
        first, changes = subscription.first_change, subscription.changes
        subscription.first_change, subscription.changes = None, {}
        books = self._companies[subscription.company]
        told = {
            identity: change for identity, change in changes.items() if self._visible(books, subscription, identity)
        }
        base = f"api/v2.0/companies({books.id})/{subscription.entity_set}"
        if first is not None and len(told) > int(self._switches["webhook_collection_threshold"]):
            gone = any(kind == "deleted" for kind, _ in told.values())
            since = show_time(first - _STEP_BACK)
            resource = base if gone else f"{base}?$filter=lastModifiedDateTime%20gt%20{since}"
            return [self._item(subscription, resource, "collection", show_time(self._clock.now()))]
        return [
            self._item(subscription, f"{base}({identity})", kind, show_time(time))
            for identity, (kind, time) in told.items()
        ]

    def _visible(self, books: Books, subscription: Subscription, identity: str) -> bool:
        """Whether anything changed that the API shows; remembers what it shows now."""
        entity_set = REGISTRY[subscription.entity_set]
        key = (books.id, entity_set.name, identity)
        row = entity_set.table(books).get(identity) if entity_set.table else None
        if row is None:
            return self._seen.pop(key, None) is not None
        now = self._print(Scope(books, self._switches, "").by_key(), entity_set.name, row)
        before, self._seen[key] = self._seen.get(key), now
        return before != now

    @staticmethod
    def _item(subscription: Subscription, resource: str, kind: str, time: str) -> dict[str, Any]:
        return {
            "subscriptionId": subscription.id,
            "clientState": subscription.client_state,
            "expirationDateTime": show_time(subscription.expires),
            "resource": resource,
            "changeType": kind,
            "lastModifiedDateTime": time,
        }

    async def _deliver(self, url: str, items: list[dict[str, Any]]) -> None:
        """Try, and try again on the schedule; the last failure and every other refusal end the subscriptions."""
        pauses = [float(minutes) * 60 for minutes in self._switches["webhook_retry_minutes"]]
        for attempt in range(1, len(pauses) + 2):
            items = [item for item in items if item["subscriptionId"] in self.subscriptions]
            if not items:
                return
            status = await self._sender.notify(url, items, float(self._switches["webhook_timeout_seconds"]))
            self.deliveries.append(Delivery(show_time(self._clock.now()), url, status, attempt, items))
            if 200 <= status < 300:
                return
            if status not in _RETRIED and status < 500:
                break
            if attempt <= len(pauses):
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=pauses[attempt - 1]))
        for item in items:
            self.subscriptions.pop(item["subscriptionId"], None)


def _header(books: Books, row: Row) -> Row | None:
    """What a change is told of: lines report as their header, documents other than invoices not at all."""
    if isinstance(row, Line):
        row = books.documents.get(row.document) or row
    if isinstance(row, Document):
        return row if row.kind == "Invoice" else None
    if isinstance(row, JournalLine):
        return books.batches.get(row.batch)
    return None if isinstance(row, Line) else row
