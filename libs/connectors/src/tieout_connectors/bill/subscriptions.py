"""Webhook subscriptions. BILL switches one off after some 30 seconds of answers that are not 200, and says nothing.

Creating one and making a new key take a key against repetition: with the same one BILL gives the same answer for 24
hours, so keep it with the intent and use it again if the answer was lost.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from tieout.domain.bill_events import BillSubscription, DeliveredEvent, SubscribedEvent
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.wire.subscriptions import (
    CatalogEntry,
    NewSubscription,
    read_catalog,
    read_delivered,
    read_new_subscription,
    read_security_key,
    read_subscription,
    write_enabled,
    write_subscription,
    write_test,
)

# An organization has no more, and BILL refuses a second one with the same events and address.
MOST: Final = 10

KEY_HEADER: Final = "X-Idempotent-Key"


class Subscriptions:
    """The calls about subscriptions. Every one may raise Retry, Reject or Fatal; those that write, InDoubt as well."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def catalog(self, *, deadline: float | None = None) -> tuple[CatalogEntry, ...]:
        """What can be subscribed to. Payment events may be missing or refused in some organizations."""
        return await self._caller.read(Call("GET /v3/events/catalog", events=True, deadline=deadline), read_catalog)

    def all(self, *, deadline: float | None = None) -> AsyncIterator[BillSubscription]:
        """All subscriptions of the organization, other programs' too."""
        call = Call("GET /v3/subscriptions", events=True, deadline=deadline)
        return self._caller.records(call, read_subscription)

    async def get(self, subscription: str, *, deadline: float | None = None) -> BillSubscription:
        """One subscription; Reject if it is gone."""
        call = Call("GET /v3/subscriptions/{id}", (subscription,), events=True, deadline=deadline)
        return await self._caller.read(call, read_subscription)

    async def create(
        self,
        name: str,
        events: Sequence[SubscribedEvent],
        url: str,
        *,
        key: UUID,
        enabled: bool = True,
        deadline: float | None = None,
    ) -> NewSubscription:
        """A new subscription with its security key, which is shown here and never again: store it at once.

        BILL delivers to ``url``, which is https, once it is enabled. ``key`` is a UUID of version 4.
        """
        body = write_subscription(name, events, url, enabled=enabled)
        headers = {KEY_HEADER: _version_4(key)}
        call = Call("POST /v3/subscriptions", body=body, headers=headers, events=True, deadline=deadline)
        return await self._caller.read(call, read_new_subscription)

    async def replace(
        self,
        subscription: str,
        name: str,
        events: Sequence[SubscribedEvent],
        url: str,
        *,
        enabled: bool = True,
        deadline: float | None = None,
    ) -> BillSubscription:
        """Give a subscription other events, name and address, and switch it on or off."""
        body = write_subscription(name, events, url, enabled=enabled)
        call = Call("PUT /v3/subscriptions/{id}", (subscription,), body=body, events=True, deadline=deadline)
        return await self._caller.read(call, read_subscription)

    async def enable(
        self, subscription: str, *, enabled: bool = True, deadline: float | None = None
    ) -> BillSubscription:
        """Switch a subscription on or off. What was missed meanwhile is not delivered: read it from the history."""
        body = write_enabled(enabled=enabled)
        call = Call("PATCH /v3/subscriptions/{id}", (subscription,), body=body, events=True, deadline=deadline)
        return await self._caller.read(call, read_subscription)

    async def new_key(self, subscription: str, *, key: UUID, deadline: float | None = None) -> str:
        """A new security key, shown here and never again.

        Accept the old one too for a while: BILL does not say when it stops signing with it.
        """
        headers = {KEY_HEADER: _version_4(key)}
        name = "POST /v3/subscriptions/{id}/security_key"
        call = Call(name, (subscription,), headers=headers, events=True, deadline=deadline)
        return await self._caller.read(call, read_security_key)

    async def test(self, subscription: str, event: SubscribedEvent, *, deadline: float | None = None) -> DeliveredEvent:
        """Ask for a test notification; its content names records that exist nowhere."""
        call = Call(
            "POST /v3/subscriptions/{id}/test",
            (subscription,),
            body=write_test(event),
            events=True,
            deadline=deadline,
        )
        return await self._caller.read(call, read_delivered)

    async def delete(self, subscription: str, *, deadline: float | None = None) -> None:
        """End a subscription."""
        await self._caller.answer(
            Call("DELETE /v3/subscriptions/{id}", (subscription,), events=True, deadline=deadline)
        )


def _version_4(key: UUID) -> str:
    if key.version != 4:
        raise ValueError(f"BILL takes a UUID of version 4 as idempotency key, not of version {key.version}")
    return str(key)
