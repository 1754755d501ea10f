"""Funds transfers: one general journal batch each, the bank account against the clearing account.

The line is the bank's, and the clearing account balances it: a balancing account of type bank cannot be set through
the API. Bank account ledger entries are not shown, so a transfer is proved from the general ledger, in local currency.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from functools import partial
from typing import Final

from tieout.domain.erp import ZERO
from tieout.domain.erp_orders import AccountKind, EntryRef, FundsTransferOrder, PostingAccount
from tieout.domain.erp_outcomes import Found, FoundBy, NotYet, PostedTransfer, Standing, Step, StepResult
from tieout.domain.errors import Reject
from tieout.domain.money import Money
from tieout_connectors.business_central import batches, drafts
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.drafts import Draft, Wanted
from tieout_connectors.business_central.evidence import Evidence
from tieout_connectors.business_central.payments import not_yet, steps_done
from tieout_connectors.business_central.refusals import unknown_account
from tieout_connectors.business_central.wire import journals as wire
from tieout_connectors.business_central.wire import questions
from tieout_connectors.business_central.wire.postings import Posting, is_mark

_KINDS: Final = {AccountKind.BANK: wire.BANK, AccountKind.GENERAL: wire.GENERAL}


def draft_of(order: FundsTransferOrder) -> Draft:
    """The journal batch of a transfer."""
    bank = (_KINDS[order.bank.kind], order.bank.number)
    clearing = (wire.GENERAL, order.clearing.number)
    said = {
        wire.ACCOUNT: wire.named(*bank),
        wire.BALANCING: wire.named(*clearing),
        wire.POSTING_DATE: order.posting_date,
        wire.EXTERNAL_NO: order.mark,
        wire.AMOUNT: -order.amount.amount,
    }
    body = wire.new_journal_line(order.mark, said, bank, clearing, order.description)
    dimensions = {one.dimension: one.value for one in order.dimensions}
    return Draft(
        journal=drafts.GENERAL,
        mark=order.mark,
        balancing=order.clearing.number,
        lines=(Wanted(mark=order.mark, said=said, dimensions=tuple(dimensions.items()), body=body),),
    )


class Transfers:
    """The verbs for funds transfers."""

    def __init__(self, client: Client, evidence: Evidence) -> None:
        self._client = client
        self._evidence = evidence

    def plan(self, order: FundsTransferOrder) -> tuple[Step, ...]:
        """See ``ErpWriter.plan``."""
        if order.clearing.kind is not AccountKind.GENERAL:
            raise Reject(
                f"the clearing account {order.clearing.number} is a bank account",
                code="bank_clearing",
                cure="Give the connection a general ledger account for clearing: a journal batch takes no other one.",
            )
        return drafts.plan(draft_of(order))

    async def perform(
        self, order: FundsTransferOrder, step: Step, done: Sequence[StepResult], deadline: float
    ) -> Mapping[str, str]:
        """See ``ErpWriter.perform``; what comes back are the handles."""
        ledger = batches.Ledger(partial(self._must_fit, order), partial(self._is_posted, order))
        return await batches.take(self._client, draft_of(order), step, done, ledger, deadline)

    async def _must_fit(self, order: FundsTransferOrder) -> None:
        """General document numbers may be used twice, so that nothing but this look keeps a mark from it."""
        if await self._is_posted(order):
            raise Reject(f"{order.mark} is posted already", code="posted", duplicate=True)
        local = (await self._evidence.context()).local_currency
        currency = await self._currency(order.bank)
        if order.amount.currency != local or currency != local:
            message = (
                f"{order.bank.number} is in {currency}, the transfer in {order.amount.currency}, the ledger in {local}"
            )
            cure = "Enter this transfer by hand: one in a foreign currency could be posted here, but never be proved."
            raise Reject(message, code="currency_differs", cure=cure)

    async def _currency(self, bank: PostingAccount) -> str:
        context = await self._evidence.context()
        if bank.kind is AccountKind.GENERAL:
            return context.local_currency
        call = "GET bankAccounts"
        answer = await self._client.get(await self._client.api("bankAccounts"), call, questions.bank_named(bank.number))
        with understood(call):
            code = wire.bank_currency(answer)
        if code is None:
            raise unknown_account(bank.number)
        return self._client.settings.currencies.get(code, code) if code else context.local_currency

    async def _is_posted(self, order: FundsTransferOrder) -> bool:
        return bool(await self._evidence.postings([order.mark]))

    async def find(self, order: FundsTransferOrder, taken: AbstractSet[str]) -> Found:
        """See ``ErpWriter.find``. A mark that is posted counts as booked, with whatever amount."""
        draft = draft_of(order)
        recorded = await batches.look(self._client, draft)
        postings = await self._evidence.postings([order.mark])
        if postings:
            undone = not any(_nets(postings).values())
            return Found(
                standing=Standing.UNDONE if undone else Standing.POSTED,
                by=FoundBy.MARK,
                done=steps_done(draft, recorded),
                candidates=tuple(one.number for one in postings),
                detail="posted and reversed" if undone else "",
            )
        found = drafts.judge(draft, recorded)
        return await self._alike(order, taken) if found.standing is Standing.ABSENT else found

    async def _alike(self, order: FundsTransferOrder, taken: AbstractSet[str]) -> Found:
        """Debits of clearing by hand that may be this one: same amount, about the same day."""
        near = await self._evidence.postings_about(order.clearing.number, order.process_date, order.posting_date)
        alike = [
            one
            for one in near
            if one.amount == order.amount.amount
            and not is_mark(one.document)
            and not taken & {one.number, one.document}
        ]
        if not alike:
            return Found(standing=Standing.ABSENT)
        told = ", ".join(f"{one.document} on {one.day}" for one in alike)
        return Found(
            standing=Standing.POSTED if len(alike) == 1 else Standing.SEVERAL,
            by=FoundBy.NATURAL_KEY,
            candidates=tuple(one.number for one in alike),
            detail=f"posted by somebody on {order.clearing.number}: {told}",
        )

    async def prove(self, order: FundsTransferOrder) -> PostedTransfer | NotYet:
        """See ``ErpWriter.prove``.

        Raises:
            Reject: ``not_provable``, in a foreign currency.
        """
        found = await self.find(order, frozenset())
        if found.by is not FoundBy.MARK or found.standing is not Standing.POSTED:
            return not_yet(draft_of(order), found)
        local = (await self._evidence.context()).local_currency
        if order.amount.currency != local:
            message = f"bank ledger entries are not shown, and the general ledger is in {local}"
            raise Reject(message, code="not_provable", cure="Compare it with the bank account's ledger entries.")
        return _proof(order, await self._evidence.postings([order.mark]))


def _nets(postings: Sequence[Posting]) -> dict[str, Decimal]:
    nets: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in postings:
        nets[one.account] += one.amount
    return dict(nets)


def _proof(order: FundsTransferOrder, postings: Sequence[Posting]) -> PostedTransfer:
    """The bank's own general ledger account is not shown: the one other account that was credited stands for it."""
    nets = {account: amount for account, amount in _nets(postings).items() if amount}
    debited = max(nets, key=lambda account: (nets[account], account))
    clearing = order.clearing if nets.get(order.clearing.number, ZERO) > 0 else _general(debited)
    amount = nets[clearing.number]
    credited = sorted(account for account in nets if account != clearing.number)
    is_one = clearing == order.clearing and len(credited) == 1 and nets[credited[0]] == -amount
    is_bank = order.bank.kind is AccountKind.BANK or credited == [order.bank.number]
    return PostedTransfer(
        mark=order.mark,
        entries=tuple(EntryRef(ledger="general", id=one.number) for one in postings),
        document_number=order.mark,
        posting_date=next((one.day for one in postings if one.day != order.posting_date), order.posting_date),
        amount=Money(amount=amount, currency=order.amount.currency),
        clearing=clearing,
        bank=order.bank if is_one and is_bank else _general(" and ".join(credited) or "none"),
    )


def _general(number: str) -> PostingAccount:
    return PostingAccount(kind=AccountKind.GENERAL, number=number)
