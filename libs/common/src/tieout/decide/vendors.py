"""Vendor links: one per ERP vendor and currency, because in BILL the currency belongs to the vendor."""

from tieout.decide import lifecycle, rows
from tieout.decide.mapping import VENDOR_SHORT_NAME, Unmappable, fit, map_vendor
from tieout.decide.rows import HoldRow, LinkRow, Phase, RunRow, SettingsRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill import BillVendorContent
from tieout.domain.erp import Blocked, Vendor
from tieout.events.commands import Intent, Priority, VendorCommand
from tieout.events.facts import Candidate, VendorObserved
from tieout.events.identity import content_hash, digest, mark

KIND = "vendor"


def link_of(vendor: Vendor) -> str:
    """The link of a vendor in its own currency."""
    return f"{KIND}/{vendor.id}/{vendor.currency}"


def observed(draft: Draft, fact: VendorObserved) -> None:
    """An ERP vendor was seen: what it wants to be in BILL is compared with what BILL last accepted."""
    run = draft.read(rows.run_row(KIND), RunRow)
    if run is not None and fact.run < run.number:
        return
    vendor = fact.vendor
    link = link_of(vendor)
    draft.remove(rows.hold_row(f"unreadable/{KIND}/{vendor.id}"), "hold.gone", "the record can be read again")
    row = draft.read(rows.link_row(link), LinkRow)
    if row is None:
        row = LinkRow(kind=KIND, phase=Phase.READY, record=vendor.id, number=vendor.number, priority=Priority.MASTER)
        if vendor.blocked is Blocked.ALL:
            # A blocked vendor that BILL does not know stays unknown to it until it is unblocked.
            return
    content = map_vendor(vendor)
    if isinstance(content, Unmappable):
        _unmappable(draft, link, row, content)
        return
    wanted = content.model_dump(mode="json", exclude_defaults=True)
    original = vendor.name if content.name != vendor.name.strip() else ""
    row = row.model_copy(update={"number": vendor.number, "original": original})
    lifecycle.want(draft, link, row, WantRow(content=wanted), content_hash(wanted), build)


def _unmappable(draft: Draft, link: str, row: LinkRow, why: Unmappable) -> None:
    held = draft.read(rows.hold_row(link), HoldRow)
    if held is not None and (held.reason, held.params) == (why.reason, why.params):
        return
    draft.remove(rows.want_row(link), "want.gone")
    origin = draft.origin
    new = HoldRow(reason=why.reason, params=why.params, since=origin.time, fact=origin.fact, mapping=True)
    lifecycle.hold(draft, link, row.model_copy(update={"wanted": ""}), new)


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> VendorCommand:
    """The command that makes BILL's vendor be as wanted: ensured while it is unknown, changed once it is linked."""
    content = BillVendorContent.model_validate(want.content)
    bill, erp = settings.settings.bill, settings.settings.erp
    return VendorCommand(
        connection=draft.origin.connection,
        organization=bill.organization,
        link=link,
        intent=Intent.VENDOR_UPDATE if row.target else Intent.VENDOR_ENSURE,
        attempt=row.attempt,
        generation=settings.generation,
        content_hash=content_hash(want.content),
        mark=mark(bill.organization, erp.identity, link, "vendor"),
        lane=f"{KIND}/{digest(content.name.casefold())[:16]}",
        priority=row.priority,
        issued=draft.origin.time,
        target=row.target,
        content=content,
        exclude=row.excluded,
    )


def fits(row: LinkRow, candidate: Candidate) -> bool:
    """Whether a BILL vendor carries this ERP vendor's number; the writer has compared the currency."""
    return candidate.number == fit(row.number, VENDOR_SHORT_NAME)
