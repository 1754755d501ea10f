"""BILL sessions, kept encrypted so that a restart spends no sign-in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tieout.connections.secrets import Purpose, Secret, SecretStore, SecretUnreadable, StoreNotReady
from tieout.domain.settings import Side
from tieout.observability.logging import logger
from tieout_connectors.bill.wire.session import BillSession

log = logger(__name__)

T = TypeVar("T")


class StoredSessions:
    """The session of one connection. It fits one developer key and one set of credentials: another is no use.

    A store that does not answer costs a sign-in at the next start and nothing else, so it stops no call.
    """

    def __init__(self, store: SecretStore, connection: str, credentials_version: int) -> None:
        self._store = store
        self._connection = connection
        self._fits = str(credentials_version)

    async def load(self) -> BillSession | None:
        """The session saved last, if it was made with today's credentials."""
        secret = await self._tried(self._get)
        if secret is None or secret["credentials"] != self._fits:
            return None
        return BillSession(
            id=secret["id"],
            organization=secret["organization"],
            user=secret["user"],
            trusted=secret["trusted"] == "true",
        )

    async def save(self, session: BillSession | None) -> None:
        """Keep this session instead; None forgets it."""
        await self._tried(lambda: self._put(session))

    async def _get(self) -> Secret | None:
        return await asyncio.to_thread(self._store.get, self._connection, Side.BILL, Purpose.SESSION)

    async def _put(self, session: BillSession | None) -> None:
        if session is None:
            await asyncio.to_thread(self._store.delete, self._connection, Side.BILL, Purpose.SESSION)
            return
        values = {
            "id": session.id,
            "organization": session.organization,
            "user": session.user,
            "trusted": "true" if session.trusted else "false",
            "credentials": self._fits,
        }
        await asyncio.to_thread(self._store.put, self._connection, Side.BILL, Purpose.SESSION, values)

    async def _tried(self, work: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await work()
        except (StoreNotReady, SecretUnreadable) as error:
            log.warning("BILL session is not kept", connection=self._connection, reason=str(error))
            return None
