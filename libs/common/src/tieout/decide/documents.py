"""The files of an invoice, put on its bill: asked for once the bill is there, uploaded once each, blocking nothing."""

from typing import Any

from tieout.decide import lifecycle, names, rows, waiting
from tieout.decide.frames import frame_of
from tieout.decide.mapping import Unmappable
from tieout.decide.rows import LinkRow, Phase, SettingsRow, WantRow
from tieout.decide.state import Draft
from tieout.events.commands import DocumentCommand, DocumentPlace, Intent, Priority
from tieout.events.facts import Candidate, DocumentFetched, OutcomeFact
from tieout.events.identity import content_hash, digest
from tieout.events.requests import DocumentsAsked

KIND = "document"
# What was read is kept for some days only. A file that was lost meanwhile is read again, but not for ever by itself:
# every so many attempts a person has to look.
LOOKED_AT = 4
LOST = "document_lost"
REASONS = {"missing": "document.missing", "too_large": "document.too_large"}


def ask(draft: Draft, bill: LinkRow) -> None:
    """Ask the ERP's side for the files of a bill's invoice."""
    _ask(draft, f"{bill.kind}/{bill.record}", bill.record)


def _ask(draft: Draft, link: str, invoice: str) -> None:
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is not None:
        connection, generation = draft.origin.connection, settings.generation
        draft.requests.append(DocumentsAsked(connection=connection, generation=generation, link=link, invoice=invoice))


def fetched(draft: Draft, fact: DocumentFetched) -> None:
    """A file was read, or could not be: it is wanted on the bill, or shown as missing."""
    document = fact.document
    link = f"{KIND}/{document.id}"
    row = draft.read(rows.link_row(link), LinkRow)
    if row is None:
        row = LinkRow(
            kind=KIND, phase=Phase.IGNORED, record=document.id, number=document.name, priority=Priority.DOCUMENT
        )
    if row.target or row.command:
        return
    if fact.place is None:
        reason = REASONS.get(fact.problem, "document.missing")
        why = Unmappable(reason, {"name": document.name, "invoice": fact.invoice})
        lifecycle.hold_mapping(draft, link, row, why)
        return
    bill = names.bill(fact.invoice)
    # The hash leaves the place out: the same file read again lies elsewhere and is still the same file.
    hashed = content_hash({"bill": bill, "name": document.name, "sha256": fact.place.sha256})
    place = fact.place.model_dump(mode="json")
    content = {"bill": bill, "name": document.name, "place": place, "hash": hashed, "invoice": fact.invoice}
    lifecycle.want(draft, link, row, WantRow(content=content, needs=(bill,)), hashed, build)


def answered(draft: Draft, before: LinkRow, now: LinkRow, fact: OutcomeFact) -> None:
    """A file that lay too long to be still there is asked for again; it is no refusal of BILL's."""
    want = draft.read(rows.want_row(fact.link), WantRow)
    if fact.code != LOST or want is None or before.attempt % LOOKED_AT == 0:
        return
    invoice = want.content["invoice"]
    draft.remove(rows.hold_row(fact.link), "hold.gone", "read again")
    draft.remove(rows.want_row(fact.link), "want.gone")
    lifecycle.settle(draft, fact.link, now.model_copy(update={"wanted": ""}))
    _ask(draft, f"bill/{invoice}", invoice)


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> DocumentCommand:
    """The command that uploads it."""
    plan = want.content
    bill = waiting.target_of(draft, plan["bill"])
    lane = f"{KIND}/{bill}/{digest(plan['name'])[:16]}"
    frame = frame_of(draft, link, row, settings, Intent.DOCUMENT_UPLOAD, plan["hash"], lane)
    place = DocumentPlace.model_validate(plan["place"])
    return DocumentCommand(**frame, bill=bill, name=plan["name"], place=place)


def fits(row: LinkRow, candidate: Candidate, _want: dict[str, Any]) -> bool:
    """A file of that name is on the bill already."""
    return candidate.name == row.number
