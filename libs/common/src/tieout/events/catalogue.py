"""Every message type there is, with its payload model. A type's name ends in its version and is never given twice."""

from typing import Final

from tieout.events import chunks, commands, connections, cursors, effects, facts, journal, raw, requests, tie_outs
from tieout.events.envelope import Payload

TYPES: Final[dict[str, type[Payload]]] = {
    # the connections, as they stand
    "tieout.connection.v1": connections.ConnectionApplied,
    # raw, as the outside showed it
    "tieout.raw.erp.row.v1": raw.ErpRow,
    "tieout.raw.erp.run.v1": raw.ErpRun,
    "tieout.raw.erp.unreadable.v1": raw.ErpUnreadable,
    "tieout.raw.erp.document.v1": raw.ErpDocument,
    "tieout.raw.bill.document.v1": raw.BillDocument,
    # facts
    "tieout.fact.settings.v1": facts.SettingsFact,
    "tieout.fact.tick.v1": facts.TickFact,
    "tieout.fact.run.v1": facts.RunFact,
    "tieout.fact.erp.vendor.v1": facts.VendorObserved,
    "tieout.fact.erp.account.v1": facts.AccountObserved,
    "tieout.fact.erp.dimension.v1": facts.DimensionValueObserved,
    "tieout.fact.erp.invoice.v1": facts.InvoiceObserved,
    "tieout.fact.erp.entry.v1": facts.LedgerEntryObserved,
    "tieout.fact.erp.document.v1": facts.DocumentFetched,
    "tieout.fact.bill.payment.v1": facts.BillPaymentObserved,
    "tieout.fact.bill.bill.v1": facts.BillObserved,
    "tieout.fact.bill.vendor.v1": facts.BillVendorObserved,
    "tieout.fact.unreadable.v1": facts.UnreadableFact,
    "tieout.fact.outcome.v1": facts.OutcomeFact,
    "tieout.fact.side.v1": facts.SideFact,
    "tieout.fact.hold.released.v1": facts.HoldReleased,
    # decisions
    "tieout.journal.entry.v1": journal.Entry,
    "tieout.command.bill.vendor.v1": commands.VendorCommand,
    "tieout.command.bill.classification.v1": commands.ClassificationCommand,
    "tieout.command.bill.bill.v1": commands.BillCommand,
    "tieout.command.bill.payment.v1": commands.PaymentRecordCommand,
    "tieout.command.bill.document.v1": commands.DocumentCommand,
    "tieout.command.erp.order.v1": commands.ErpCommand,
    # effects
    "tieout.effect.intent.v1": effects.IntentLogged,
    "tieout.effect.step.v1": effects.StepLogged,
    "tieout.effect.waiting.v1": effects.WaitingLogged,
    "tieout.effect.refused.v1": effects.RefusedLogged,
    "tieout.effect.doubt.v1": effects.DoubtLogged,
    "tieout.effect.end.v1": effects.EndLogged,
    "tieout.effect.healed.v1": effects.HealedLogged,
    "tieout.effect.reserved.v1": effects.BudgetReserved,
    # reads that somebody asks for, their answers, and where polls go on
    "tieout.request.check.v1": requests.CheckAsked,
    "tieout.request.sync.v1": requests.SyncAsked,
    "tieout.request.rows.v1": requests.RowsAsked,
    "tieout.request.documents.v1": requests.DocumentsAsked,
    "tieout.request.notice.v1": requests.NoticeSeen,
    "tieout.request.snapshot.v1": requests.SnapshotAsked,
    "tieout.answer.check.v1": requests.CheckAnswered,
    "tieout.answer.snapshot.v1": requests.SnapshotAnswered,
    "tieout.cursor.erp.v1": cursors.ErpCursor,
    "tieout.cursor.bill.v1": cursors.BillCursor,
    # what is too large for one message
    "tieout.chunk.document.v1": chunks.DocumentChunk,
    # finished tie-outs
    "tieout.compared.part.v1": tie_outs.TieOutPart,
}
_NAMES: Final = {model: name for name, model in TYPES.items()}


def model_of(type_name: str) -> type[Payload] | None:
    """The payload model of a type, None if this release does not know it."""
    return TYPES.get(type_name)


def name_of(payload: Payload) -> str:
    """The type of a payload. KeyError for a model that is in no topic."""
    return _NAMES[type(payload)]
