"""Snapshots on their way: an answer cut into messages small enough for the log, and put together again. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tieout.domain.erp_ledger import AccountBalance
from tieout.domain.snapshots import AccountPosting, BillSeen, OpenEntry, PaymentSeen, StrayDocument
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.identity import digest
from tieout.events.requests import CheckLine, CheckStatus, SnapshotAnswered, SnapshotAsked

# Rows in one message, by field. A row is below 600 bytes, a payment below 4 KB (a hundred bills), so a message stays
# below half of the 1 MiB that the topic's messages are meant to have.
ROWS: Final[dict[str, int]] = {
    "entries": 500,
    "unreadable": 500,
    "balances": 500,
    "strays": 500,
    "postings": 500,
    "bills": 500,
    "payments": 100,
}
# Parts that an answer may have: a million rows. More is no answer that anybody can compare.
MOST_PARTS: Final = 10_000


@dataclass(frozen=True)
class Snapshot:
    """What one side answered; the other side's fields are empty."""

    currency: str = ""
    entries: Sequence[OpenEntry] = ()
    unreadable: Sequence[str] = ()
    balances: Sequence[AccountBalance] = ()
    strays: Sequence[StrayDocument] = ()
    postings: Sequence[AccountPosting] = ()
    bills: Sequence[BillSeen] = ()
    payments: Sequence[PaymentSeen] = ()


class Incomplete(Exception):
    """The side's owner could not answer; ``line`` says why, and the cure."""

    def __init__(self, line: CheckLine) -> None:
        super().__init__(line.detail)
        self.line = line


def answers(
    request: Message[Payload], asked: SnapshotAsked, found: Snapshot | CheckLine, source: str, now: datetime
) -> Iterator[Message[Payload]]:
    """The messages that answer a request, in order; a ``CheckLine`` says why there is no snapshot."""
    parts: list[dict[str, Any]] = []
    if isinstance(found, CheckLine):
        parts.append({"problem": found})
    else:
        for name, most in ROWS.items():
            rows = getattr(found, name)
            parts += [{name: tuple(rows[at : at + most])} for at in range(0, len(rows), most)]
    parts = parts or [{}]
    currency = "" if isinstance(found, CheckLine) else found.currency
    for number, part in enumerate(parts):
        data = SnapshotAnswered(
            request=request.id,
            connection=asked.connection,
            side=asked.side,
            number=number,
            last=number == len(parts) - 1,
            currency=currency,
            **part,
        )
        yield Message(
            id="a" + digest("snapshot", request.id, str(number), data.model_dump_json())[:31],
            source=source,
            type=catalogue.name_of(data),
            subject=request.subject,
            time=now,
            partitionkey=asked.connection,
            data=data,
            causationid=request.id,
            correlationid=request.correlationid,
            traceparent=request.traceparent,
        )


@dataclass
class Joining:
    """Parts as they come, in whatever order and however often."""

    _parts: dict[int, SnapshotAnswered] = field(default_factory=dict)
    _count: int | None = None

    def add(self, part: SnapshotAnswered) -> bool:
        """Take a part; whether all are there now.

        Raises:
            Incomplete: the owner says why it does not answer, or answers with more than can be compared.
        """
        if part.problem is not None:
            raise Incomplete(part.problem)
        if part.number >= MOST_PARTS:
            cure = "Move the connection's cut-over to a later date."
            detail = "the ledgers hold more than a million rows since the cut-over"
            raise Incomplete(
                CheckLine(name="snapshot", status=CheckStatus.FAILED, detail=detail, cure=cure, code="too_large")
            )
        self._parts[part.number] = part
        if part.last:
            self._count = part.number + 1
        return len(self._parts) == self._count

    def snapshot(self) -> Snapshot:
        """The whole of it; KeyError before all parts are there."""
        parts = [self._parts[number] for number in range(self._count or 0)]
        rows = {name: tuple(row for part in parts for row in getattr(part, name)) for name in ROWS}
        return Snapshot(currency=parts[0].currency, **rows)
