"""Long transactions: what is written at a stamp of now and is seen by others only later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.people import act
from tieout_sandbox.business_central.refusals import Refusal


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

    def commit(self) -> str:
        """Make it visible; the reason if it was refused, then nothing is written."""
        store = self.books.store
        before, store.fixed_stamp = store.fixed_stamp, self.stamp
        try:
            act(self.books, self.order)
        except (Refusal, ValueError) as refused:
            return str(refused)
        finally:
            store.fixed_stamp = before
        return ""


class Waiting:
    """The orders that have begun and not committed, and what became of those that could not."""

    def __init__(self) -> None:
        self.orders: list[Deferred] = []
        self.failed: list[dict[str, Any]] = []

    def commit_due(self, now: datetime) -> None:
        """Commit what is due, in the order of its beginning."""
        due = [one for one in self.orders if one.due <= now]
        self.orders = [one for one in self.orders if one.due > now]
        for one in due:
            reason = one.commit()
            if reason:
                self.failed.append({"order": one.order, "error": reason})
