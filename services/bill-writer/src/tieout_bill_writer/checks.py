"""Whether a connection's BILL side would work: asked of BILL itself, for drafts and for sick connections too."""

import asyncio
from datetime import UTC, datetime

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.errors import RecoveryError
from tieout.domain.settings import Side, State
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.identity import digest
from tieout.events.requests import CheckAnswered, CheckAsked, CheckLine, CheckStatus
from tieout.observability.crash_points import reach
from tieout_bill_writer.healing import Healing
from tieout_bill_writer.organizations import Organizations


class Checks:
    """Use from the event loop."""

    def __init__(self, service: str, registry: Registry, organizations: Organizations, healing: Healing) -> None:
        self._source = f"/{service}"
        self._registry = registry
        self._organizations = organizations
        self._healing = healing

    async def handle(self, request: Message[CheckAsked]) -> Message[Payload] | None:
        """The answer to a request; None if it is another side's, or nobody waits for it any more."""
        asked = request.data
        if asked.side is not Side.BILL or datetime.now(UTC) >= asked.deadline:
            return None
        data = CheckAnswered(
            request=request.id, connection=asked.connection, side=Side.BILL, lines=await self.answer(asked)
        )
        return Message(
            id="a" + digest("answer", request.id)[:31],
            source=self._source,
            type=catalogue.name_of(data),
            subject=request.subject,
            time=datetime.now(UTC),
            partitionkey=asked.connection,
            data=data,
            causationid=request.id,
            correlationid=request.correlationid,
            traceparent=request.traceparent,
        )

    async def answer(self, asked: CheckAsked) -> tuple[CheckLine, ...]:
        """The lines of the answer, at the deadline at the latest; a refusal of BILL is an answer, not a failure."""
        seconds = (asked.deadline - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                view = await self._view(asked)
                if view.settings.state is State.RETIRED:
                    return (_failed("connection", "it is retired, and not read any more", "", "retired"),)
                return await self._lines(asked.connection)
        except TimeoutError:
            return (self._late(asked),)
        except RecoveryError as error:
            return (
                CheckLine(
                    name="sign-in",
                    status=CheckStatus.FAILED,
                    detail=error.message,
                    cure=error.cure,
                    code=error.code,
                    http_status=error.status,
                ),
            )

    async def _view(self, asked: CheckAsked) -> ConnectionView:
        """The settings and credentials that the asker knows, or newer ones; waits for them until it is cancelled."""
        while True:
            view = await asyncio.to_thread(
                self._registry.wait_until, asked.connection, lambda view: _is_there(view, asked), 0.5
            )
            if view is not None:
                return view

    async def _lines(self, connection: str) -> tuple[CheckLine, ...]:
        client = (await self._organizations.organization(connection)).client
        if client.sessions.current is None:
            # A sign-in refused before is asked again: somebody may have acted, and wants to see it.
            client.sessions.reset()
        reach("bill-writer.check.before")
        found = await client.check()
        reach("bill-writer.check.after")
        if all(line.status != "failed" for line in found):
            self._healing.wake(connection)
        return tuple(
            CheckLine(
                name=line.name,
                status=CheckStatus(line.status),
                detail=line.detail,
                cure=line.cure,
                code=line.code,
                http_status=line.http_status,
            )
            for line in found
        )

    def _late(self, asked: CheckAsked) -> CheckLine:
        view = self._registry.get(asked.connection)
        cure = "Look at the readiness of bill-writer and control-plane, then check again."
        if view is None or view.generation < asked.generation:
            detail = f"the settings of {asked.connection} (generation {asked.generation}) did not reach bill-writer"
            return _failed("bill", detail, cure, "not_there")
        if not _is_there(view, asked):
            return _failed("bill", "the credentials did not reach bill-writer", cure, "not_there")
        cure = "Is BILL reachable from bill-writer? Check again; the next answer may come sooner."
        return _failed("bill", "no answer in time", cure, "no_answer")


def _is_there(view: ConnectionView, asked: CheckAsked) -> bool:
    known = view.secret_version(Side.BILL)
    return view.generation >= asked.generation and known >= asked.secret_version


def _failed(name: str, detail: str, cure: str, code: str) -> CheckLine:
    return CheckLine(name=name, status=CheckStatus.FAILED, detail=detail, cure=cure, code=code)
