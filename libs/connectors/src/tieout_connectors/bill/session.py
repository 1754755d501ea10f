"""The session of one connection: one sign-in for all who need it, and none that BILL has refused before.

BILL allows 200 sign-ins an hour for a developer key, all organizations together. So a session is kept as long as it
works and survives restarts in a store; several calls that find it expired together sign in once; and after a refused
sign-in, or a fresh session that is refused, nothing is tried again until somebody acts (``reset``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from tieout.domain.errors import Fatal
from tieout_connectors.bill.wire.session import BillSession

# What makes a session: the sign-in call, already through the gate.
SignIn = Callable[[], Awaitable[BillSession]]


class SessionStore(Protocol):
    """Keeps one connection's session across restarts. It holds a secret: keep it encrypted."""

    async def load(self) -> BillSession | None:
        """The session saved last, None if there is none."""
        ...

    async def save(self, session: BillSession | None) -> None:
        """Keep this session instead; None forgets it."""
        ...


class MemoryStore:
    """A store that lives as long as the process."""

    def __init__(self, session: BillSession | None = None) -> None:
        self.session = session

    async def load(self) -> BillSession | None:
        """The session saved last."""
        return self.session

    async def save(self, session: BillSession | None) -> None:
        """Keep this session instead."""
        self.session = session


class Sessions:
    """Hands out the session, makes one where there is none, and remembers that there can be none."""

    def __init__(self, organization: str, sign_in: SignIn, store: SessionStore) -> None:
        self._organization = organization
        self._sign_in = sign_in
        self._store = store
        self._current: BillSession | None = None
        self._loaded = False
        self._signing: asyncio.Task[BillSession] | None = None
        self._refused: Fatal | None = None

    @property
    def current(self) -> BillSession | None:
        """The session in use, None before the first call."""
        return self._current

    async def get(self) -> BillSession:
        """The session in use, the stored one, or a new one.

        Raises:
            Fatal: BILL refused the sign-in, now or before.
            Retry: the sign-in could not be made now.
        """
        if self._refused is not None:
            raise self._again(self._refused)
        if self._current is not None:
            return self._current
        return await self._shared()

    async def renew(self, stale: BillSession) -> BillSession:
        """A session that is not ``stale``: another caller's if one has signed in meanwhile, else a new one.

        Raises:
            Fatal: BILL refused the sign-in, now or before.
            Retry: the sign-in could not be made now.
        """
        if self._current is not None and self._current.id == stale.id:
            self._current = None
        return await self.get()

    async def give_up(self, reason: Fatal) -> Fatal:
        """A session that was just made is refused: no further sign-in until ``reset``. Returns the error to raise."""
        self._refused = reason
        self._current = None
        await self._store.save(None)
        return self._again(reason)

    def reset(self) -> None:
        """Somebody has acted (new credentials, an unlocked user): the next call may sign in again."""
        self._refused = None
        self._current = None

    async def forget(self) -> None:
        """The session has been ended in BILL."""
        self._current = None
        await self._store.save(None)

    async def close(self) -> None:
        """Stop a sign-in that is under way; the session stays in the store."""
        task = self._signing
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _shared(self) -> BillSession:
        """One sign-in for all who wait. It is a task of its own: a caller that gives up does not take it along."""
        if self._signing is None:
            self._signing = asyncio.get_running_loop().create_task(self._obtain())
            self._signing.add_done_callback(self._obtained)
        return await asyncio.shield(self._signing)

    async def _obtain(self) -> BillSession:
        if not self._loaded:
            stored = await self._store.load()
            self._loaded = True
            if stored is not None and stored.organization == self._organization:
                self._current = stored
                return stored
        try:
            session = await self._sign_in()
        except Fatal as error:
            raise await self.give_up(error) from error
        self._current = session
        await self._store.save(session)
        return session

    def _obtained(self, task: asyncio.Task[BillSession]) -> None:
        self._signing = None
        if not task.cancelled():
            task.exception()  # seen here, also when every waiter has given up

    @staticmethod
    def _again(reason: Fatal) -> Fatal:
        """The same refusal as a new error: one instance raised twice would gather both tracebacks."""
        return Fatal(reason.message, code=reason.code, cure=reason.cure, call=reason.call, status=reason.status)
