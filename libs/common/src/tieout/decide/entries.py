"""Vendor ledger entries: where a part payment, a hold, another due date or a reversal shows first.

No ERP promises to stamp the invoice for them.
"""

from tieout.decide import rows
from tieout.decide.rows import IndexRow, InvoiceRow, RunRow
from tieout.decide.state import Draft
from tieout.domain.records import Kind
from tieout.events.facts import LedgerEntryObserved
from tieout.events.requests import RowsAsked


def observed(draft: Draft, fact: LedgerEntryObserved) -> None:
    """An entry was seen: if it tells something new of an invoice Tieout knows, that invoice is read again whole."""
    newest = draft.read(rows.run_row(Kind.LEDGER_ENTRY), RunRow)
    entry = fact.entry
    owner = draft.read(rows.entry_row(entry.id), IndexRow)
    if owner is None or (newest is not None and fact.run < newest.number):
        return
    invoice = draft.read(rows.invoice_row(owner.link), InvoiceRow)
    if invoice is None:
        return
    # Remembered at once, so that the entry seen again before the invoice was read asks nothing twice.
    due = entry.due_date or invoice.due
    said = {"open": entry.open, "due": due, "on_hold": entry.on_hold, "terms": entry.terms}
    told = invoice.model_copy(update=said)
    if told == invoice:
        return
    draft.write(rows.invoice_row(owner.link), told, "invoice", "its ledger entry changed")
    asked = RowsAsked(connection=draft.origin.connection, kind=Kind.PURCHASE_INVOICE, keys=(owner.link,))
    draft.requests.append(asked)
