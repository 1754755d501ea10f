"""Long transactions: what is written at a stamp of now and is seen by others only later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.people import act


@dataclass(frozen=True)
class Deferred:
    """A person's order that commits at ``due`` with the stamp it began with."""

    books: Books
    order: dict[str, Any]
    stamp: datetime
    due: datetime

    @classmethod
    def of(cls, books: Books, order: dict[str, Any], seconds: float) -> "Deferred":
        """An order that began now."""
        now = books.store.clock.now()
        return cls(books, order, now, now + timedelta(seconds=seconds))

    def commit(self) -> None:
        """Make it visible; a refusal then is the person's to see, nothing is written."""
        store = self.books.store
        before, store.fixed_stamp = store.fixed_stamp, self.stamp
        try:
            act(self.books, self.order)
        finally:
            store.fixed_stamp = before


def commit_due(waiting: list[Deferred], now: datetime) -> list[Deferred]:
    """Commit what is due; the rest goes on waiting."""
    for one in [each for each in waiting if each.due <= now]:
        one.commit()
    return [each for each in waiting if each.due > now]
