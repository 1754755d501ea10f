"""The effects of commands about accounts, departments, locations and jobs. The ERP's number or code is the mark."""

from collections.abc import Awaitable
from typing import TypeVar

from tieout.domain.bill import BillClassification
from tieout.domain.bill_written import classification_as_written
from tieout.domain.errors import Fatal, Reject
from tieout.effects.port import Done
from tieout.events.commands import ClassificationCommand
from tieout.events.facts import Candidate
from tieout.events.identity import content_hash
from tieout_bill_writer.index import plain
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.writes.effect import Freshness, Write, version_of
from tieout_bill_writer.writes.masters import UpdateMaster, Verbs
from tieout_connectors.bill.errors import NO_PERMISSION

T = TypeVar("T")


class EnsureClassification:
    """A classification that BILL is to have."""

    slow = 0.0

    def __init__(self, organization: Organization, command: ClassificationCommand) -> None:
        self.name = f"POST /v3/classifications/{command.content.kind.value}"
        self._calls = organization.client.classifications
        self._index = organization.classifications(command.content.kind)
        self._command = command
        self._fresh = Freshness(command.attempt)

    async def look(self) -> tuple[Candidate, ...]:
        """What has our number, or our name and no number: the latter may have been keyed by hand."""
        content = self._command.content
        await _allowed(self._index.refreshed(self._fresh.within), self._command)
        keys = [f"number/{plain(content.number)}"] if content.number else []
        found = self._index.find(*keys, f"name/{plain(content.name)}")
        ours = {"", plain(content.number)}
        return tuple(
            candidate(one, self._command)
            for one in found
            if plain(one.number) in ours and one.id not in self._command.exclude
        )

    async def perform(self, deadline: float) -> Done:
        """Create it."""
        if self._command.archived:
            raise ValueError("what is not in BILL is not put there to be archived")
        self._fresh.used()
        created = await _allowed(self._calls.create(self._command.content, deadline=deadline), self._command)
        self._index.note(created)
        return Done(created.id, version_of(created.updated))

    async def settle(self) -> tuple[Done, ...]:
        """What has our number and name now, as a list asked for it shows; before the call nothing had."""
        content = self._command.content
        found = await self._calls.find(content.kind, content.name, content.number)
        ours = [
            one for one in found if plain(one.number) == plain(content.number) and one.id not in self._command.exclude
        ]
        for one in ours:
            self._index.note(one)
        return tuple(Done(one.id, version_of(one.updated)) for one in ours)


def update_classification(organization: Organization, command: ClassificationCommand) -> Write:
    """A linked classification that is to become as wanted, in use or archived."""
    calls, kind, target, content = (
        organization.client.classifications,
        command.content.kind,
        command.target,
        command.content,
    )
    verbs = Verbs[BillClassification](
        get=lambda: _allowed(calls.get(kind, target), command),
        patch=lambda _current, deadline: _allowed(calls.patch(target, content, deadline=deadline), command),
        archive=lambda deadline: _allowed(calls.archive(kind, target, deadline=deadline), command),
        restore=lambda deadline: _allowed(calls.restore(kind, target, deadline=deadline), command),
        is_as_wanted=lambda row: classification_as_written(row, content) == content,
        describe=lambda row: candidate(row, command),
        note=organization.classifications(kind).note,
    )
    return UpdateMaster(f"PATCH /v3/classifications/{kind.value}/{{id}}", verbs, archived=command.archived)


def candidate(row: BillClassification, command: ClassificationCommand) -> Candidate:
    """A classification as the decider compares it: its content is the command's hash only if nothing is to do."""
    there = classification_as_written(row, command.content)
    is_as_wanted = there == command.content and row.archived == command.archived
    own = content_hash(there.model_dump(mode="json", exclude_defaults=True) | {"archived": row.archived})
    return Candidate(
        id=row.id,
        number=row.number,
        name=row.name,
        detail="" if row.account_type is None else row.account_type.value,
        archived=row.archived,
        content=command.content_hash if is_as_wanted else own,
    )


async def _allowed(call: Awaitable[T], command: ClassificationCommand) -> T:
    """A kind that is switched off in the organization stops what needs it, and not the whole connection."""
    try:
        return await call
    except Fatal as error:
        if error.code != NO_PERMISSION:
            raise
        cure = f"Switch {command.content.kind.value}s on in BILL, or give the BILL user this permission."
        raise Reject(error.message, code=error.code, call=error.call, status=error.status, cure=cure) from error
