"""Equation (c): what stands on the clearing account, payment by payment."""

from dataclasses import dataclass, field
from decimal import Decimal

from tieout.domain.erp_ledger import AccountRole
from tieout.domain.snapshots import AccountPosting
from tieout.tie_out.classes import Class
from tieout.tie_out.inputs import Inputs, State, TransferLink
from tieout.tie_out.paying import ZERO, Paying, Posted, by_document
from tieout.tie_out.results import Clearing, Difference, Equation, Standing, Status, difference, status_of, tidy

NOT_CONFIGURED = (
    "accounts.clearing names no account: name the one that payments are posted on, and apply the connection"
)
NO_BALANCES = "the ERP did not give the balance of the clearing account, now and before the cut-over: tieout check"


@dataclass
class _Work:
    """The comparison in progress. ``documents`` loses what an owner was found for; ``first``: their first entries."""

    inputs: Inputs
    documents: dict[str, Posted]
    first: dict[str, AccountPosting]
    posted: dict[str, Decimal] = field(default_factory=dict)
    reversed: dict[str, Decimal] = field(default_factory=dict)
    transferred: dict[str, Decimal] = field(default_factory=dict)
    transfers: Decimal = ZERO
    refunded: Decimal = ZERO
    found: list[Difference] = field(default_factory=list)

    def name(self, kind: Class, documents: tuple[str, ...], amount: Decimal, link: str = "", detail: str = "") -> None:
        """Name a difference."""
        currency = self.inputs.erp.currency
        self.found.append(difference(Equation.CLEARING, kind, documents, amount, currency, link=link, detail=detail))


def compare_clearing(inputs: Inputs, payings: tuple[Paying, ...]) -> tuple[Clearing, tuple[Difference, ...]]:
    """Equation (c) with its differences."""
    account = inputs.scope.clearing
    if not account:
        return Clearing(status=Status.UNKNOWN, problem=NOT_CONFIGURED), ()
    of_account = [each for each in inputs.erp.balances if each.query.role is AccountRole.CLEARING]
    now = [each.balance for each in of_account if each.as_of is None]
    before = [each.balance for each in of_account if each.as_of is not None]
    if len(now) != 1 or len(before) != 1:
        return Clearing(status=Status.UNKNOWN, problem=NO_BALANCES, account=account), ()
    work = _work(inputs, [posting for posting in inputs.erp.postings if posting.account == account])
    # What cards and wallet paid stands elsewhere: people settle those accounts, but nothing may stand there twice.
    elsewhere = _work(inputs, [posting for posting in inputs.erp.postings if posting.account != account])
    for paying in payings:
        marks = dict.fromkeys(part.link.mark for part in paying.parts if part.link.mark)
        for mark in marks:
            _document(work, paying, mark)
            _document(elsewhere, paying, mark)
    for transfer in inputs.links.transfers:
        _transfer(work, transfer)
    _strays(work)
    posted, taken_back = sum(work.posted.values(), ZERO), sum(work.reversed.values(), ZERO)
    refunds_due = taken_back - work.refunded
    expected = before[0] - posted + work.transfers + refunds_due
    rest = now[0] - expected - sum((each.amount or ZERO for each in work.found), ZERO)
    if rest != 0:
        work.name(Class.UNEXPLAINED, (account,), rest, detail="The account moved while it was read; compare again.")
    currency = inputs.erp.currency
    return (
        Clearing(
            status=status_of([*work.found, *elsewhere.found]),
            account=account,
            currency=currency,
            opening=tidy(before[0], currency),
            balance=tidy(now[0], currency),
            payments_posted=tidy(posted, currency),
            transfers_booked=tidy(work.transfers, currency),
            refunds_due=tidy(refunds_due, currency),
            difference=tidy(now[0] - expected, currency),
            payments=_standing(work, payings),
        ),
        (*work.found, *elsewhere.found),
    )


def _work(inputs: Inputs, postings: list[AccountPosting]) -> _Work:
    first = {posting.document_number.upper(): posting for posting in reversed(postings)}
    return _Work(inputs, by_document(postings), first)


def _document(work: _Work, paying: Paying, mark: str) -> None:
    """What the account shows of one document of a payment; twice of what was paid is posted twice."""
    posted = work.documents.pop(mark.upper(), None)
    if posted is None:
        return
    payment, amount = paying.link.payment, posted.credit
    parts = [part.link.amount for part in paying.parts if part.link.mark == mark]
    if paying.link.state is State.DONE and not paying.link.moved:
        local = not paying.link.currency or paying.link.currency == work.inputs.erp.currency
        expected = sum(parts, ZERO) if local else amount - _surplus(posted, len(parts))
        if amount != expected:
            kind = Class.POSTED_TWICE if amount >= 2 * expected or not local else Class.AMOUNT_DIFFERS
            documents = (mark, payment)
            work.name(kind, documents, expected - amount, paying.link.link, f"{amount} posted, {expected} paid.")
            amount = expected
    work.posted[payment] = work.posted.get(payment, ZERO) + amount
    if posted.debit:
        work.reversed[payment] = work.reversed.get(payment, ZERO) + posted.debit


def _surplus(posted: Posted, parts: int) -> Decimal:
    """What stands of a payment beyond one entry for each part: in another currency the amounts themselves tell nothing.

    The first entries are taken for the payment's own.
    """
    standing = len(posted.credits) - posted.debits
    return sum(posted.credits[len(posted.credits) - (standing - parts) :], ZERO) if standing > parts else ZERO


def _transfer(work: _Work, transfer: TransferLink) -> None:
    """The postings of one transfer, by ordinal, shared out to its payments in their order."""
    shown = [work.documents.pop(mark.upper(), Posted()) for mark in transfer.marks]
    local = transfer.currency == work.inputs.erp.currency
    for place, booked in enumerate(transfer.booked):
        stands = shown[place].debit - shown[place].credit if place < len(shown) else ZERO
        if local and stands != booked and not transfer.moved:
            documents = (transfer.marks[place] if place < len(transfer.marks) else transfer.link,)
            detail = f"{stands} stands in the ledger, {booked} was booked."
            work.name(Class.TRANSFER_DIFFERS, documents, stands - booked, transfer.link, detail)
            shown[place] = Posted(debit=booked)
    left = sum((posted.debit - posted.credit for posted in shown), ZERO)
    work.transfers += left
    for payment in transfer.payments:
        share = min(left, work.posted.get(payment, ZERO))
        work.transferred[payment] = work.transferred.get(payment, ZERO) + share
        left -= share


def _strays(work: _Work) -> None:
    """What nobody owns: BILL's refunds, transfers that people book where Tieout does not, and what is unexplained."""
    due = sorted(amount for amount in work.reversed.values() if amount)
    for key, posted in sorted(work.documents.items()):
        amount = posted.debit - posted.credit
        if -amount in due:
            due.remove(-amount)
            work.refunded += -amount
        elif amount > 0 and not work.inputs.scope.transfers:
            work.transfers += amount
        elif amount != 0:
            posting = work.first[key]
            detail = f"{posting.posting_date}: {posting.description}".rstrip(": ")
            work.name(Class.DIRECT_POSTING_ON_CLEARING, (posting.document_number,), amount, detail=f"{detail}.")


def _standing(work: _Work, payings: tuple[Paying, ...]) -> tuple[Standing, ...]:
    numbers = {paying.link.payment: paying.link.number for paying in payings}
    rows, currency = [], work.inputs.erp.currency
    for payment, posted in sorted(work.posted.items()):
        refund = work.reversed.get(payment, ZERO)
        transferred = work.transferred.get(payment, ZERO)
        standing = posted - refund - transferred
        if standing != 0:
            rows.append(
                Standing(
                    payment=payment,
                    number=numbers[payment],
                    posted=tidy(posted, currency),
                    transferred=tidy(transferred, currency),
                    refund_due=tidy(refund, currency),
                    standing=tidy(standing, currency),
                )
            )
    return tuple(rows)
