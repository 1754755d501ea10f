"""The connector's write side of the ERP that exists in tests only: a journal per order, a line per invoice."""

import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, Final

from support.fake_erp.books import Books, Erp
from tieout.domain.capabilities import Ability, ErpCapabilities, HandWork, MarkField, Polling
from tieout.domain.erp_orders import (
    EntryRef,
    ErpOrder,
    FundsTransferOrder,
    PaymentOrder,
    ReversalOrder,
)
from tieout.domain.erp_outcomes import (
    Applied,
    Found,
    FoundBy,
    NotYet,
    OpenAmount,
    PostedPayment,
    PostedTransfer,
    Proof,
    ReversalState,
    Standing,
    Step,
    StepEffect,
    StepResult,
    Undone,
    Waiting,
)
from tieout.domain.errors import Reject, Retry
from tieout.domain.money import Money
from tieout.domain.records import Kind

WORK: Final = HandWork(page="Journals", action="Do it by hand.", until="The ledger shows it.")
MARK: Final = MarkField(field="No.", length=20, searchable=True, where_posted="No.")
CAN: Final = frozenset(
    {
        Ability.RECORD_PAYMENT, Ability.POST, Ability.SEVERAL_INVOICES, Ability.ALL_OR_NONE, Ability.WITHDRAW,
        Ability.FUNDS_TRANSFER, Ability.OPEN_AMOUNT, Ability.REVERSE,
    }
)  # fmt: skip
Lines = dict[str, dict[str, Any]]


def capabilities(*, posts: bool = True, reverses: bool = False) -> ErpCapabilities:
    """What this ERP can do."""
    can = CAN - (frozenset() if posts else {Ability.POST}) - (frozenset() if reverses else {Ability.REVERSE})
    return ErpCapabilities(
        erp="fake",
        can=can,
        lacking={ability: WORK for ability in Ability if ability not in can},
        polling=dict.fromkeys(Kind, Polling.WHOLE),
        payment_mark=MARK,
        transfer_mark=MARK,
    )


class FakeWriter:
    """``clock`` is the one that deadlines are told by."""

    def __init__(self, erp: Erp, clock: Callable[[], float] = time.monotonic) -> None:
        self._erp = erp
        self._clock = clock

    async def close(self) -> None:
        """Nothing to give back."""

    def lane(self, order: ErpOrder) -> str:
        """The journal."""
        return order.payment.mark if isinstance(order, ReversalOrder) else order.mark

    def plan(self, order: ErpOrder) -> tuple[Step, ...]:
        """Journal, lines, posting, and the journal taken away."""
        if isinstance(order, ReversalOrder):
            return tuple(self._undoing(order))
        steps = [Step(name="journal", call="create_journal", effect=StepEffect.PREPARE, mark=order.mark, settle=0)]
        for number, mark in enumerate(_lines(order), 1):
            effect = StepEffect.PREPARE
            steps.append(Step(name=f"line/{number}", call="add_line", effect=effect, mark=mark, settle=0))
        if self._books().posts:
            steps.append(Step(name="post", call="post", effect=StepEffect.POST, mark=order.mark, settle=0))
            steps.append(_gone(order.mark))
        return tuple(steps)

    def _undoing(self, order: ReversalOrder) -> Iterator[Step]:
        if not order.posted:
            for number, mark in enumerate(_lines(order.payment), 1):
                effect = StepEffect.PREPARE
                yield Step(name=f"line-gone/{number}", call="delete_line", effect=effect, mark=mark, settle=0)
            yield _gone(order.payment.mark, StepEffect.PREPARE)
        elif self._books().reverses:
            yield Step(name="reverse", call="reverse", effect=StepEffect.POST, mark=order.mark, settle=0)

    async def perform(self, order: ErpOrder, step: Step, done: Sequence[StepResult], deadline: float) -> StepResult:
        """One call."""
        if self._clock() > deadline:
            raise Retry("too late", code="late")
        record = order.payment if isinstance(order, ReversalOrder) else order
        journal, lines = record.mark, _lines(record)
        if step.name == "post":
            if self._books().journals.get(journal) != lines:
                raise Reject("the journal is not the order", code="altered")
            self._erp.change("post", journal)
        elif step.name == "reverse":
            self._erp.change("reverse", list(lines))
        elif step.name == "journal":
            self._erp.change("create_journal", journal)
        elif step.name == "journal-gone":
            self._erp.change("delete_journal", journal)
        elif step.name.startswith("line-gone"):
            self._erp.change("delete_line", journal, step.mark)
        else:
            assert any(each.handles.get("journal") == journal for each in done)
            self._erp.change("add_line", journal, step.mark, lines[step.mark])
        return StepResult(step=step.name, handles={"journal": journal})

    async def find(self, order: ErpOrder, taken: AbstractSet[str] = frozenset()) -> Found:
        """By mark, else by vendor, document and amount."""
        books = self._books()
        if isinstance(order, ReversalOrder):
            return self._find_reversal(books, order)
        lines, opened = _lines(order), _open(books, order)
        entries = [entry for entry in books.entries if entry["mark"] in lines]
        journal = books.journals.get(order.mark)
        if entries:
            gone = any(entry["reversed"] for entry in entries)
            steps = [step for step in self.plan(order) if step.effect is not StepEffect.TIDY or journal is None]
            return Found(
                standing=Standing.UNDONE if gone else Standing.POSTED, by=FoundBy.MARK, done=_done(order.mark, steps),
                candidates=tuple(entry["id"] for entry in entries), open=opened,
            )  # fmt: skip
        if journal is not None:
            return self._find_journal(books, order, journal, opened)
        natural = [entry["id"] for entry in books.entries if _is_like(order, entry) and entry["id"] not in taken]
        if natural:
            by = FoundBy.NATURAL_KEY
            return Found(standing=Standing.POSTED, by=by, candidates=tuple(natural), open=opened, detail="by hand")
        return Found(standing=Standing.ABSENT, open=opened)

    def _find_journal(
        self, books: Books, order: PaymentOrder | FundsTransferOrder, journal: Lines, opened: tuple[OpenAmount, ...]
    ) -> Found:
        lines = _lines(order)
        shown = [step for step in self.plan(order) if step.name not in books.hidden]
        done = [step for step in shown if step.name == "journal" or step.mark in journal]
        if any(lines.get(mark) != line for mark, line in journal.items()):
            standing, detail = Standing.ALTERED, "a line is not ours or was changed"
        elif journal == lines and (not books.posts or order.mark in books.waiting):
            standing, detail = Standing.WAITING, ""
        else:
            standing, detail = Standing.PARTIAL, ""
        steps = [step for step in done if step.effect is StepEffect.PREPARE]
        return Found(
            standing=standing, by=FoundBy.MARK, done=_done(order.mark, steps), candidates=(order.mark,), open=opened,
            detail=detail,
        )  # fmt: skip

    def _find_reversal(self, books: Books, order: ReversalOrder) -> Found:
        plan, payment = self.plan(order), order.payment
        opened = _open(books, payment)
        if order.posted:
            entries = [entry for entry in books.entries if entry["mark"] in _lines(payment)]
            if all(entry["reversed"] for entry in entries):
                return Found(standing=Standing.POSTED, by=FoundBy.MARK, done=_done(order.mark, plan), open=opened)
            standing = Standing.ABSENT if books.reverses else Standing.WAITING
            return Found(standing=standing, by=FoundBy.MARK, open=opened)
        journal = books.journals.get(payment.mark)
        gone = [step for step in plan if step.name != "journal-gone" and step.mark not in (journal or {})]
        if journal is None:
            return Found(standing=Standing.POSTED, by=FoundBy.MARK, done=_done(order.mark, plan), open=opened)
        done = _done(order.mark, gone)
        return Found(standing=Standing.PARTIAL if gone else Standing.ABSENT, by=FoundBy.MARK, done=done, open=opened)

    async def prove(self, order: ErpOrder, before: Sequence[OpenAmount]) -> Proof | NotYet:
        """From the entries; what it was measured from is noted."""
        books = self._books()
        with self._erp.open() as noting:
            noting.measured.append({one.document: str(one.open) for one in before})
        if books.unprovable:
            raise Reject("not shown here", code="not_provable")
        if isinstance(order, ReversalOrder):
            return self._prove_reversal(books, order)
        entries = [entry for entry in books.entries if entry["mark"] in _lines(order)]
        if not entries:
            if not books.posts:
                return NotYet(why=Waiting.PERSON, detail=books.detail or "to be posted", work=WORK)
            return NotYet(why=Waiting.ERP if order.mark in books.waiting else Waiting.STEPS, detail=books.detail)
        if isinstance(order, FundsTransferOrder):
            return PostedTransfer(
                mark=order.mark, entries=_refs(entries), document_number=order.mark, clearing=order.clearing,
                posting_date=entries[0]["date"], bank=order.bank,
                amount=Money(amount=entries[0]["amount"], currency=order.amount.currency),
            )  # fmt: skip
        total = sum((Decimal(entry["amount"]) for entry in entries), Decimal(0))
        now = {one.document: one.open for one in _open(books, order)}
        return PostedPayment(
            mark=order.mark, entries=_refs(entries), document_numbers=tuple(entry["mark"] for entry in entries),
            vendor_number=entries[0]["vendor"], posting_date=entries[0]["date"],
            cash=Money(amount=total, currency=order.cash.currency), unapplied=Decimal(0), clearing=order.clearing,
            cleared=total,
            applied=tuple(
                Applied(document=entry["document"], amount=entry["amount"], open_after=now[entry["document"]])
                for entry in entries
            ),
        )  # fmt: skip

    def _prove_reversal(self, books: Books, order: ReversalOrder) -> ReversalState | NotYet:
        lines, payment = _lines(order.payment), order.payment
        if not order.posted:
            if payment.mark in books.journals:
                return NotYet(why=Waiting.STEPS)
            return ReversalState(mark=order.mark, state=Undone.WITHDRAWN, reopened=_open(books, payment))
        entries = [entry for entry in books.entries if entry["mark"] in lines]
        undone = [entry for entry in entries if entry["reversed"]]
        if not undone:
            return NotYet(why=Waiting.PERSON, detail="reversal due", work=WORK)
        state = Undone.REVERSED if len(undone) == len(entries) else Undone.PARTLY
        return ReversalState(
            mark=order.mark, state=state, entries=_refs(undone), posting_date=order.posting_date,
            reopened=_open(books, payment),
        )  # fmt: skip

    def _books(self) -> Books:
        return self._erp.read()


def _lines(order: PaymentOrder | FundsTransferOrder) -> Lines:
    """What the journal has to hold, by mark."""
    date = order.posting_date.isoformat()
    if isinstance(order, FundsTransferOrder):
        line = {"kind": "transfer", "amount": format(order.amount.amount, "f"), "date": date}
        return {order.mark: line | {"clearing": order.clearing.number, "bank": order.bank.number}}
    return {
        order.mark_of(each): {
            "kind": "payment", "vendor": order.vendor.number, "document": each.document, "date": date,
            "amount": format(each.amount, "f"), "clearing": order.clearing.number,
        }
        for each in order.applications
    }  # fmt: skip


def _gone(mark: str, effect: StepEffect = StepEffect.TIDY) -> Step:
    return Step(name="journal-gone", call="delete_journal", effect=effect, mark=mark, settle=0)


def _done(mark: str, steps: Sequence[Step]) -> tuple[StepResult, ...]:
    return tuple(StepResult(step=step.name, handles={"journal": mark}) for step in steps)


def _open(books: Books, order: PaymentOrder | FundsTransferOrder) -> tuple[OpenAmount, ...]:
    if isinstance(order, FundsTransferOrder):
        return ()
    found = [(each.document, books.invoices.get(each.document)) for each in order.applications]
    return tuple(OpenAmount(document=name, open=None if row is None else row["open"]) for name, row in found)


def _is_like(order: PaymentOrder | FundsTransferOrder, entry: dict[str, Any]) -> bool:
    if isinstance(order, FundsTransferOrder) or entry["kind"] != "payment" or not entry["mark"].startswith("HAND"):
        return False
    documents = {each.document for each in order.applications}
    return entry["document"] in documents and Decimal(entry["amount"]) == order.cash.amount


def _refs(entries: list[dict[str, Any]]) -> tuple[EntryRef, ...]:
    return tuple(EntryRef(ledger="vendor", id=entry["id"]) for entry in entries)
