"""The effects of vendor commands. A vendor's mark is the ERP's number in the short name, with the currency."""

from datetime import timedelta

from tieout.domain.bill import BillVendor
from tieout.domain.bill_written import vendor_as_written
from tieout.effects.port import Done
from tieout.events.commands import VendorCommand
from tieout.events.facts import Candidate
from tieout.events.identity import content_hash
from tieout_bill_writer.index import plain
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.writes.effect import Freshness, Write, version_of
from tieout_bill_writer.writes.masters import UpdateMaster, Verbs

# Before the command was decided nothing of it can have been created; both clocks are a minute apart at the worst.
MARGIN = timedelta(minutes=10)


class EnsureVendor:
    """A vendor that BILL is to have."""

    name = "POST /v3/vendors"
    slow = 0.0

    def __init__(self, organization: Organization, command: VendorCommand) -> None:
        self._client = organization.client
        self._index = organization.vendors
        self._command = command
        self._fresh = Freshness(command.attempt)

    async def look(self) -> tuple[Candidate, ...]:
        """Vendors with our number, or of our name without any number: the latter may have been keyed by hand."""
        content = self._command.content
        await self._index.refreshed(self._fresh.within)
        found = self._index.find(f"number/{plain(content.short_name)}", f"name/{plain(content.name)}")
        ours = ("", plain(content.short_name))
        return tuple(
            candidate(one, self._command) for one in found if plain(one.short_name) in ours and self._may_be(one)
        )

    async def perform(self, deadline: float) -> Done:
        """Create it."""
        if self._command.archived:
            raise ValueError("what is not in BILL is not put there to be archived")
        self._fresh.used()
        vendor = await self._client.vendors.create(self._command.content, deadline=deadline)
        self._index.note(vendor)
        return Done(vendor.id, version_of(vendor.updated))

    async def settle(self) -> tuple[Done, ...]:
        """What carries our number and was created since; a list asked for it, so that no gap of the index matters."""
        content = self._command.content
        since = self._command.issued - MARGIN
        found = await self._client.vendors.find(content.name, content.short_name, created_since=since)
        ours = [one for one in found if plain(one.short_name) == plain(content.short_name) and self._may_be(one)]
        for vendor in ours:
            self._index.note(vendor)
        return tuple(Done(one.id, version_of(one.updated)) for one in ours)

    def _may_be(self, vendor: BillVendor) -> bool:
        same_currency = vendor.currency in ("", self._command.content.currency)
        return same_currency and vendor.id not in self._command.exclude


def update_vendor(organization: Organization, command: VendorCommand) -> Write:
    """A linked vendor that is to become as wanted, in use or archived."""
    vendors, target, content = organization.client.vendors, command.target, command.content
    verbs = Verbs[BillVendor](
        get=lambda: vendors.get(target),
        patch=lambda current, deadline: vendors.patch(target, content, current=current, deadline=deadline),
        archive=lambda deadline: vendors.archive(target, deadline=deadline),
        restore=lambda deadline: vendors.restore(target, deadline=deadline),
        is_as_wanted=lambda vendor: vendor_as_written(vendor, content) == content,
        describe=lambda vendor: candidate(vendor, command),
        note=organization.vendors.note,
    )
    return UpdateMaster("PATCH /v3/vendors/{id}", verbs, archived=command.archived)


def candidate(vendor: BillVendor, command: VendorCommand) -> Candidate:
    """A BILL vendor as the decider compares it: its content is the command's hash only if nothing is to do."""
    there = vendor_as_written(vendor, command.content)
    is_as_wanted = there == command.content and vendor.archived == command.archived
    own = content_hash(there.model_dump(mode="json", exclude_defaults=True) | {"archived": vendor.archived})
    return Candidate(
        id=vendor.id,
        number=vendor.short_name,
        name=vendor.name,
        detail=vendor.currency,
        archived=vendor.archived,
        content=command.content_hash if is_as_wanted else own,
    )
