"""Vendor links: one per ERP vendor and currency, because in BILL the currency belongs to the vendor."""

from typing import Any

from tieout.decide import lifecycle, names, rows, waiting
from tieout.decide.frames import frame_of, wanted_hash
from tieout.decide.mapping import VENDOR_SHORT_NAME, Unmappable, fit, map_vendor
from tieout.decide.rows import HoldRow, IndexRow, LinkRow, Phase, RunRow, SettingsRow, VendorRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill import BillVendorContent
from tieout.domain.erp import Blocked, Vendor
from tieout.events.commands import Intent, Priority, VendorCommand
from tieout.events.facts import BillVendorObserved, Candidate, VendorObserved
from tieout.events.identity import digest

KIND = "vendor"


def link_of(vendor: str, currency: str) -> str:
    """The link of a vendor (by the ERP's id) in one currency."""
    return f"{KIND}/{vendor}/{currency}"


def observed(draft: Draft, fact: VendorObserved) -> None:
    """An ERP vendor was seen: what it wants to be in BILL is compared with what BILL last accepted."""
    run = draft.read(rows.run_row(KIND), RunRow)
    if run is not None and fact.run < run.number:
        return
    vendor = fact.vendor
    draft.remove(rows.hold_row(f"unreadable/{KIND}/{vendor.id}"), "hold.gone", "the record can be read again")
    key = rows.vendor_row(vendor.number)
    before = draft.read(key, VendorRow)
    currencies = before.currencies if before is not None and before.vendor.id == vendor.id else ()
    if vendor.currency not in currencies:
        currencies = (*currencies, vendor.currency)
    if before is None:
        currencies = (*currencies, *_asked_for(draft, vendor.number, currencies))
    bare = vendor.model_copy(update={"version": "", "modified": None})
    now = VendorRow(vendor=bare, currencies=currencies)
    if now != before:
        draft.write(key, now, "vendor")
    for currency in currencies:
        _want(draft, bare, currency)


def needed_in(draft: Draft, number: str, currency: str) -> None:
    """A document needs a vendor in a currency: if the vendor is known, its link in that currency is made."""
    row = draft.read(rows.vendor_row(number), VendorRow)
    if row is None or currency in row.currencies:
        return
    row = row.model_copy(update={"currencies": (*row.currencies, currency)})
    draft.write(rows.vendor_row(number), row, "vendor", f"needed in {currency}")
    _want(draft, row.vendor, currency)


def shown(draft: Draft, fact: BillVendorObserved) -> None:
    """BILL showed a vendor: one of ours that a person archived there is held; it is not restored by itself."""
    vendor = fact.vendor
    owner = draft.read(rows.index_row(KIND, vendor.id), IndexRow)
    row = None if owner is None else draft.read(rows.link_row(owner.link), LinkRow)
    if owner is None or row is None or row.command or row.accepted.endswith("-archived"):
        return
    held = draft.read(rows.hold_row(owner.link), HoldRow)
    if vendor.archived and held is None:
        params = {"number": row.number, "target": vendor.id}
        lifecycle.hold_mapping(draft, owner.link, row, Unmappable("vendor.archived_in_bill", params))
    elif not vendor.archived and held is not None and held.reason == "vendor.archived_in_bill":
        draft.remove(rows.hold_row(owner.link), "hold.gone", "restored in BILL")
        lifecycle.settle(draft, owner.link, row)


def _asked_for(draft: Draft, number: str, known: tuple[str, ...]) -> list[str]:
    """Currencies in which documents wait for a vendor that had not been seen."""
    prefix = rows.wait_prefix(names.vendor(number, "")).removesuffix("/")
    found = {key.removeprefix(prefix).split("/", 1)[0] for key in draft.keys(prefix, 50)}
    return sorted(found - set(known))


def _want(draft: Draft, vendor: Vendor, currency: str) -> None:
    link = link_of(vendor.id, currency)
    name = names.vendor(vendor.number, currency)
    usable = vendor.blocked is Blocked.NO
    archived = vendor.blocked is Blocked.ALL
    row = draft.read(rows.link_row(link), LinkRow)
    waiting.claim_name(draft, link, name)
    if row is None:
        row = LinkRow(kind=KIND, phase=Phase.IGNORED, record=vendor.id, priority=Priority.MASTER)
    changes = {"number": vendor.number, "name": name, "usable": usable}
    content = map_vendor(vendor if vendor.currency == currency else vendor.model_copy(update={"currency": currency}))
    original = "" if isinstance(content, Unmappable) or content.name == vendor.name.strip() else vendor.name
    changes["original"] = original
    if any(getattr(row, field) != value for field, value in changes.items()):
        newly_usable = usable and not row.usable
        row = row.model_copy(update=changes)
        draft.write(rows.link_row(link), row, "vendor.seen")
        if newly_usable:
            waiting.arrived(draft, name)
    if archived and not row.target and not row.command:
        # A blocked vendor that BILL does not know stays unknown to it until it is unblocked.
        draft.remove(rows.want_row(link), "want.gone")
        draft.remove(rows.hold_row(link), "hold.gone", "the vendor is blocked")
        if row.phase is not Phase.IGNORED:
            lifecycle.settle(draft, link, row.model_copy(update={"wanted": ""}))
        return
    if isinstance(content, Unmappable):
        lifecycle.hold_mapping(draft, link, row, content)
        return
    data = content.model_dump(mode="json", exclude_defaults=True)
    want = WantRow(content={"content": data, "archived": archived})
    lifecycle.want(draft, link, row, want, wanted_hash(data, archived=archived), build)


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> VendorCommand:
    """The command that makes BILL's vendor be as wanted: ensured while it is unknown, changed once it is linked."""
    data, archived = want.content["content"], want.content["archived"]
    content = BillVendorContent.model_validate(data)
    intent = Intent.VENDOR_UPDATE if row.target else Intent.VENDOR_ENSURE
    lane = f"{KIND}/{digest(content.name.casefold())[:16]}"
    frame = frame_of(draft, link, row, settings, intent, wanted_hash(data, archived=archived), lane)
    return VendorCommand(**frame, content=content, archived=archived)


def fits(row: LinkRow, candidate: Candidate, want: dict[str, Any]) -> bool:
    """Whether a BILL vendor is this ERP vendor: its number and its name; the writer has compared the currency.

    A number alone is not enough: another vendor that happens to carry it would be renamed, and then paid in its place.
    """
    name = str(want.get("content", {}).get("name", ""))
    same_name = candidate.name.strip().casefold() == name.strip().casefold()
    return candidate.number == fit(row.number, VENDOR_SHORT_NAME) and (same_name or candidate.content == row.sent)
