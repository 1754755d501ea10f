"""Accounts, departments, locations, jobs and classes in BILL. All kinds are called alike.

A kind that is switched off in the organization is refused with ``BDC_1145``, as a missing permission is.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from tieout.domain.bill import BillClassification, BillClassificationContent, ClassificationKind
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.query import (
    OLDEST_CHANGE_FIRST,
    OLDEST_FIRST,
    changes,
    safe_prefix,
    same_text,
    starts_with,
)
from tieout_connectors.bill.wire.classifications import (
    COLLECTIONS,
    read_classification,
    read_classifications,
    write_classification,
)
from tieout_connectors.bill.wire.lists import RawPage

MOST_AT_ONCE: Final = 50


class Classifications:
    """The calls about one kind and the other. Each may raise Retry, Reject or Fatal; those that write, InDoubt too."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(
        self, kind: ClassificationKind, classification: str, *, deadline: float | None = None
    ) -> BillClassification:
        """One by BILL's id, archived or not."""
        return await self._one("GET", kind, classification, "", deadline)

    async def create(self, content: BillClassificationContent, *, deadline: float | None = None) -> BillClassification:
        """A new one, also where there is one of the same name or number."""
        call = Call(f"POST {_path(content.kind)}", body=write_classification(content), deadline=deadline)
        return await self._caller.read(call, partial(read_classification, content.kind))

    async def create_many(
        self, contents: Sequence[BillClassificationContent], *, deadline: float | None = None
    ) -> tuple[BillClassification, ...]:
        """Up to 50 new ones of one kind in one call, all or none; the answer is in their order.

        Raises:
            ValueError: for none, too many, or of several kinds.
        """
        kinds = {content.kind for content in contents}
        if len(kinds) != 1:
            raise ValueError(f"one call creates one kind of classification, not {sorted(kinds)}")
        kind = kinds.pop()
        body = [write_classification(content) for content in contents]
        call = Call(f"POST {_path(kind)}/bulk", body=body, deadline=deadline)
        return await self._caller.create_many(call, partial(read_classifications, kind), most=MOST_AT_ONCE)

    async def patch(
        self, classification: str, content: BillClassificationContent, *, deadline: float | None = None
    ) -> BillClassification:
        """Change one to this content; what is empty in it stays as it is."""
        body = write_classification(content)
        return await self._one("PATCH", content.kind, classification, "", deadline, body)

    async def archive(
        self, kind: ClassificationKind, classification: str, *, deadline: float | None = None
    ) -> BillClassification:
        """Take one out of use; doing it twice changes nothing."""
        return await self._one("POST", kind, classification, "/archive", deadline)

    async def restore(
        self, kind: ClassificationKind, classification: str, *, deadline: float | None = None
    ) -> BillClassification:
        """Take an archived one into use again; doing it twice changes nothing."""
        return await self._one("POST", kind, classification, "/restore", deadline)

    async def find(
        self, kind: ClassificationKind, name: str, number: str = "", *, deadline: float | None = None
    ) -> tuple[BillClassification, ...]:
        """Those of this name or with this number, archived ones too, oldest first.

        BILL cannot be asked for a number, so only those whose name begins alike are seen; ``by_number`` sees all.
        """
        prefix = safe_prefix(name)
        narrow = [starts_with("name", prefix)] if prefix else []
        rows = await self._caller.find(
            Call(f"GET {_path(kind)}", deadline=deadline),
            partial(read_classification, kind),
            narrow=narrow,
            sort=OLDEST_FIRST,
        )
        return tuple(row for row in rows if same_text(row.name, name) or _has_number(row, number))

    async def by_number(
        self, kind: ClassificationKind, number: str, *, deadline: float | None = None
    ) -> tuple[BillClassification, ...]:
        """Those with this account number or short name, archived ones too. The whole list is read, 100 a call."""
        return tuple([row async for row in self.all(kind, deadline=deadline) if _has_number(row, number)])

    def all(
        self,
        kind: ClassificationKind,
        *,
        archived: bool | None = None,
        updated_since: datetime | None = None,
        sort: str = OLDEST_CHANGE_FIRST,
        deadline: float | None = None,
    ) -> AsyncIterator[BillClassification]:
        """All of a kind, by the time of their last change unless sorted otherwise. ``archived`` None gives both."""
        call = Call(f"GET {_path(kind)}", deadline=deadline)
        filters = changes(archived, updated_since)
        reader = partial(read_classification, kind)
        return self._caller.records(call, reader, filters=filters, sort=sort)

    def pages(
        self,
        kind: ClassificationKind,
        *,
        archived: bool | None = None,
        updated_since: datetime | None = None,
        deadline: float | None = None,
    ) -> AsyncIterator[RawPage]:
        """The same as received, page by page, for the log of raw messages."""
        call = Call(f"GET {_path(kind)}", deadline=deadline)
        return self._caller.pages(call, filters=changes(archived, updated_since), sort=OLDEST_CHANGE_FIRST)

    async def _one(
        self,
        method: str,
        kind: ClassificationKind,
        classification: str,
        verb: str,
        deadline: float | None,
        body: Any = None,
    ) -> BillClassification:
        call = Call(f"{method} {_path(kind)}/{{id}}{verb}", (classification,), body=body, deadline=deadline)
        return await self._caller.read(call, partial(read_classification, kind))


def _path(kind: ClassificationKind) -> str:
    return f"/v3/classifications/{COLLECTIONS[kind].path}"


def _has_number(row: BillClassification, number: str) -> bool:
    return bool(number) and same_text(row.number, number)
