"""Funds transfers: what BILL took from a bank, booked once per funding account, process date and currency.

The bank shows one line for all payments of a day, so the transfer waits until that day's payments have been quiet for a
while. A payment that comes later is booked as a further transfer of the remainder, under the next ordinal. An ordinal
that stands in the ERP already, with whatever amount, counts as booked; so a state that was lost books nothing twice.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from tieout.decide import lifecycle, rows
from tieout.decide.frames import frame_of
from tieout.decide.mapping import Unmappable
from tieout.decide.rows import DueRow, IndexRow, LinkRow, Phase, SettingsRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill_payments import BillPayment, FundingType
from tieout.domain.erp_orders import AccountKind, FundsTransferOrder, PostingAccount
from tieout.domain.money import Money, in_minor_units
from tieout.events.commands import ErpCommand, Intent, Priority
from tieout.events.facts import Candidate, OutcomeFact, Result
from tieout.events.identity import content_hash, mark

KIND: Final = "transfer"
QUIET: Final = "quiet/"
# Transfers looked at with one tick; the others have their turn with the next ones.
LOOKED_AT: Final = 20


def due(draft: Draft, payment: BillPayment, cash: Money) -> None:
    """A payment is in the ledger: its cash is due from its bank, counted once."""
    settings = draft.read(rows.SETTINGS, SettingsRow)
    funding = payment.funding
    if settings is None or not settings.settings.policy.funds_transfers or payment.process_date is None:
        return
    if funding is None or funding.type is not FundingType.BANK_ACCOUNT:
        return
    transfer = f"{funding.id}/{payment.process_date.isoformat()}/{cash.currency}"
    row = draft.read(rows.due_row(transfer), DueRow) or DueRow(
        account=funding.id,
        process_date=payment.process_date,
        currency=cash.currency,
        due=Decimal(0),
        touched=draft.origin.time,
    )
    if payment.id in row.payments:
        return
    changes = {
        "due": row.due + cash.amount,
        "payments": (*row.payments, payment.id),
        "touched": draft.origin.time,
    }
    draft.write(rows.due_row(transfer), row.model_copy(update=changes), "transfer.due")
    draft.write(QUIET + transfer, IndexRow(link=f"{KIND}/{transfer}"), "transfer.open")


def tick(draft: Draft) -> None:
    """Ask for the transfers whose day has been quiet long enough."""
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is None:
        return
    quiet = timedelta(seconds=settings.settings.policy.transfer_quiet_seconds)
    for key in draft.keys(QUIET, LOOKED_AT):
        transfer = key.removeprefix(QUIET)
        row = draft.read(rows.due_row(transfer), DueRow)
        if row is not None and draft.origin.time - row.touched >= quiet:
            _ask(draft, transfer, row, settings)


def _ask(draft: Draft, transfer: str, row: DueRow, settings: SettingsRow) -> None:
    remainder = row.due - sum(row.booked, Decimal(0))
    if remainder <= 0:
        draft.remove(QUIET + transfer, "transfer.closed")
        return
    link = f"{KIND}/{transfer}"
    own = draft.read(rows.link_row(link), LinkRow)
    if own is None:
        own = LinkRow(kind=KIND, phase=Phase.IGNORED, record=transfer, number=transfer, priority=Priority.PAYMENT)
    if own.command:
        return
    if row.account not in settings.settings.accounts.banks:
        params = {"amount": f"{remainder:f} {row.currency}", "account": row.account}
        lifecycle.hold_mapping(draft, link, own, Unmappable("transfer.bank_missing", params))
        return
    content = {"ordinal": len(row.booked), "amount": format(in_minor_units(remainder, row.currency), "f")}
    lifecycle.want(draft, link, own, WantRow(content=content), content_hash(content), build)


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> ErpCommand:
    """The command that books the remainder under its ordinal's mark."""
    owed = draft.read(rows.due_row(row.record), DueRow)
    if owed is None:
        raise LookupError(f"nothing is due for {link}")
    chosen = settings.settings
    order = FundsTransferOrder(
        mark=mark(chosen.bill.organization, chosen.erp.identity, link, KIND, want.content["ordinal"]),
        amount=Money(amount=Decimal(want.content["amount"]), currency=owed.currency),
        process_date=owed.process_date,
        posting_date=owed.process_date,
        clearing=PostingAccount(kind=AccountKind.GENERAL, number=chosen.accounts.clearing),
        bank=PostingAccount(kind=AccountKind.BANK, number=chosen.accounts.banks[owed.account]),
        reference=row.record,
        description=f"BILL {owed.process_date.isoformat()}",
    )
    frame = frame_of(
        draft, link, row, settings, Intent.ERP_TRANSFER, content_hash(want.content), f"{KIND}/{row.record}"
    )
    return ErpCommand(**(frame | {"mark": order.mark}), order=order)


def fits(_row: LinkRow, _candidate: Candidate, _want: dict[str, Any]) -> bool:
    """Only the mark tells a transfer; what looks like one is a person's to judge."""
    return False


def reconsider(draft: Draft, row: LinkRow) -> None:
    """A refused transfer is decided anew, from what is due by now and under the settings of now."""
    settings = draft.read(rows.SETTINGS, SettingsRow)
    owed = draft.read(rows.due_row(row.record), DueRow)
    if settings is not None and owed is not None:
        _ask(draft, row.record, owed, settings)


def linked(draft: Draft, row: LinkRow, want: WantRow, _candidate: Candidate) -> None:
    """A person chose a posting of the wanted amount, made by somebody, as this transfer: that much is booked."""
    _book(draft, row.record, Decimal(want.content["amount"]))


def answered(draft: Draft, _before: LinkRow, row: LinkRow, fact: OutcomeFact) -> None:
    """A transfer stands in the ERP, with the amount its ledger shows: the remainder is looked at with the next tick."""
    if fact.result is not Result.APPLIED or fact.transfer is None:
        return
    _book(draft, row.record, fact.transfer.amount.amount)


def _book(draft: Draft, transfer: str, amount: Decimal) -> None:
    owed = draft.read(rows.due_row(transfer), DueRow)
    if owed is not None:
        booked = owed.model_copy(update={"booked": (*owed.booked, amount)})
        draft.write(rows.due_row(transfer), booked, "transfer.booked")
