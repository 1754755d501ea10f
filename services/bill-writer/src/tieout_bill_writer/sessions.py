"""BILL sessions, kept encrypted so that a restart spends no sign-in."""

import asyncio

from tieout.connections.secrets import Purpose, SecretStore
from tieout.domain.settings import Side
from tieout_connectors.bill.wire.session import BillSession


class StoredSessions:
    """The session of one connection. It fits one developer key and one set of credentials: another is no use."""

    def __init__(self, store: SecretStore, connection: str, credentials_version: int) -> None:
        self._store = store
        self._connection = connection
        self._fits = str(credentials_version)

    async def load(self) -> BillSession | None:
        """The session saved last, if it was made with today's credentials."""
        secret = await asyncio.to_thread(self._store.get, self._connection, Side.BILL, Purpose.SESSION)
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


def authority_of(path: str | None) -> str | None:
    """The PEM text of a connection's own authority."""
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - read once, at start
        return file.read()
