"""Checks: one question to the real system, for drafts too, answered on ``snapshots`` before its deadline."""

from collections.abc import Sequence
from datetime import datetime

from tieout.connections.registry import ConnectionView
from tieout.domain.errors import RecoveryError
from tieout.domain.settings import Side
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.identity import digest
from tieout.events.requests import CheckAnswered, CheckAsked, CheckLine, CheckStatus
from tieout.observability.crash_points import reach
from tieout_connectors.spi.erp import CheckLine as FoundLine
from tieout_erp_poller import metrics
from tieout_erp_poller.connection import Readers
from tieout_erp_poller.raw import SOURCE

_WORST = (CheckStatus.FAILED, CheckStatus.WARNING, CheckStatus.OK)


async def check(view: ConnectionView, readers: Readers) -> tuple[CheckLine, ...]:
    """All that the connector asks; a refusal of the ERP is an answer, not a failure."""
    try:
        reach("erp-poller.check.before")
        reader = await readers.open(view)
        try:
            lines = tuple(map(_line, await reader.check()))
        finally:
            await reader.close()
        reach("erp-poller.check.after")
    except RecoveryError as error:
        lines = (refused(error),)
    worst = next((status for status in _WORST if any(line.status is status for line in lines)), CheckStatus.OK)
    metrics.CHECKS.labels(view.settings.erp.kind, worst).inc()
    return lines


def refused(error: RecoveryError) -> CheckLine:
    """A refusal as the one line of an answer."""
    return CheckLine(
        name="erp",
        status=CheckStatus.FAILED,
        detail=error.message,
        cure=error.cure,
        code=error.code,
        http_status=error.status,
    )


def not_there(question: CheckAsked, view: ConnectionView | None) -> CheckLine:
    """What is said when settings or credentials that the asker knows did not reach us before the deadline."""
    if view is None or view.generation < question.generation:
        detail = f"the settings of {question.connection} (generation {question.generation}) did not reach erp-poller"
    else:
        detail = "the credentials did not reach erp-poller"
    cure = "Look at the readiness of erp-poller and control-plane, then check again."
    return CheckLine(name="erp", status=CheckStatus.FAILED, detail=detail, cure=cure, code="not_there")


def late() -> CheckLine:
    """What is said when the ERP took longer than the asker waits."""
    cure = "Is the ERP reachable from erp-poller? Check again; the next answer may come sooner."
    return CheckLine(name="erp", status=CheckStatus.FAILED, detail="no answer in time", cure=cure, code="no_answer")


def answer(request: Message[Payload], connection: str, lines: Sequence[CheckLine], now: datetime) -> Message[Payload]:
    """The answer to a request."""
    data = CheckAnswered(request=request.id, connection=connection, side=Side.ERP, lines=tuple(lines))
    return Message(
        id="a" + digest("answer", request.id)[:31],
        source=SOURCE,
        type=catalogue.name_of(data),
        subject=request.subject,
        time=now,
        partitionkey=connection,
        data=data,
        causationid=request.id,
        correlationid=request.correlationid,
        traceparent=request.traceparent,
    )


def _line(found: FoundLine) -> CheckLine:
    return CheckLine(
        name=found.name,
        status=CheckStatus(found.status),
        detail=found.detail,
        cure=found.cure,
        code=found.code,
        http_status=found.http_status,
    )
