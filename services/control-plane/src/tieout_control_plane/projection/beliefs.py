"""What Tieout believes, for a tie-out: its links as they stand at one moment, with the marks they have in the ERP."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, select, text

from tieout.connections.secrets import told_plainly
from tieout.decide.rows import DueRow, InvoiceRow, LinkRow, OrderRow, PaymentRow, Phase
from tieout.domain.erp_orders import part_mark
from tieout.domain.erp_outcomes import Waiting
from tieout.domain.settings import ConnectionSettings
from tieout.events.facts import OutcomeFact, Result
from tieout.events.identity import mark
from tieout.tie_out.inputs import BillLink, Links, PartLink, PaymentLink, State, TransferLink
from tieout_control_plane.projection.folding import QUOTED
from tieout_control_plane.projection.tables import FACTS, HOLDS, LINKS, PAYMENTS, ROWS, TASKS

KINDS: Final = ("bill", "paid", "payment", "reversal", "transfer", "vendor", "account", "dimension")
STATES: Final[dict[Phase, State]] = {
    Phase.WAITING: State.UNDERWAY,
    Phase.READY: State.UNDERWAY,
    Phase.REQUESTED: State.UNDERWAY,
    Phase.DOUBTFUL: State.UNDERWAY,
    Phase.AWAITED: State.AWAITED,
    Phase.LINKED: State.DONE,
    Phase.HELD: State.HELD,
    Phase.IGNORED: State.NONE,
}
WAITINGS: Final[dict[str, State]] = {Waiting.STEPS: State.UNDERWAY, Waiting.DECISION: State.HELD}
"""Causes of a task that are none for a person in the ERP."""
# A year of a large company's links stands in memory for seconds; reading them takes longer than a single row may.
READING_MS: Final = 120_000


@dataclass
class _Tables:
    """The tables' rows of one connection."""

    settings: ConnectionSettings
    links: dict[str, LinkRow] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    holds: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, InvoiceRow] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    dues: dict[str, DueRow] = field(default_factory=dict)
    payments: dict[str, PaymentRow] = field(default_factory=dict)

    def of_kind(self, kind: str) -> Iterable[tuple[str, LinkRow]]:
        """Links of one kind, by name."""
        return ((link, row) for link, row in self.links.items() if row.kind == kind)

    def moved(self, link: str) -> bool:
        """Whether a command of Tieout's may have changed a ledger while both were read."""
        row = self.links.get(link)
        return link in self.answered or (row is not None and is_out(row, self.tasks.get(link, "")))

    def mark(self, link: str, kind: str, ordinal: int = 0) -> str:
        """The mark by which the ERP knows what a link asked for."""
        return mark(self.settings.bill.organization, self.settings.erp.identity, link, kind, ordinal)


def is_out(row: LinkRow, task: str) -> bool:
    """Whether a link's command is on its way; not so while it waits for a person outside. ``task``: the cause of that.

    A link that was only put on hold, released or looked at again is not: what people did stands in both ledgers alike.
    """
    return bool(row.command) and (row.phase is not Phase.AWAITED or task == Waiting.STEPS)


def beliefs(engine: Engine, connection: str, settings: ConnectionSettings, begun: datetime) -> Links:
    """A connection's links, all from one moment. Blocks; StoreNotReady if the database does not answer.

    ``begun`` is when the reading of the ledgers began, UTC: a link whose command was answered later, or is still out,
    is marked as moved.
    """
    with told_plainly(), engine.execution_options(isolation_level="REPEATABLE READ").connect() as database:
        database.execute(text(f"SET LOCAL statement_timeout = {READING_MS}"))
        tables = _read(database, connection, settings)
        tables.answered = _answered(database, connection, begun)
    names = {row.name: link for link, row in tables.links.items() if row.name and row.kind != "bill"}
    bills = tuple(_bill(tables, names, link, row) for link, row in tables.of_kind("bill"))
    invoices = {bill.target: bill for bill in bills if bill.target}
    currencies = {row.target: link.rpartition("/")[2] for link, row in tables.of_kind("vendor") if row.target}
    return Links(
        bills=tuple(bill for bill in bills if bill.number),
        payments=tuple(_payment(tables, invoices, identity, row) for identity, row in tables.payments.items()),
        transfers=tuple(_transfer(tables, transfer, due) for transfer, due in tables.dues.items()),
        currencies=currencies,
    )


def _answered(database: Connection, connection: str, begun: datetime) -> set[str]:
    """Links whose commands ended since then. An answer that only says what is waited for ends nothing."""
    answers = select(FACTS.c.link).where(
        FACTS.c.connection == connection,
        FACTS.c.time >= begun,
        FACTS.c.kind == QUOTED[OutcomeFact],
        FACTS.c.value["result"].astext != Result.WAITING,
    )
    return set(database.execute(answers).scalars())


def _read(database: Connection, connection: str, settings: ConnectionSettings) -> _Tables:
    tables = _Tables(settings)
    of_links = select(LINKS.c.link, LINKS.c.value).where(LINKS.c.connection == connection, LINKS.c.kind.in_(KINDS))
    for link, value in database.execute(of_links.order_by(LINKS.c.link)):
        tables.links[link] = LinkRow.model_validate(value)
    for table, column, found in ((HOLDS, "reason", tables.holds), (TASKS, "why", tables.tasks)):
        words = select(table.c.link, table.c[column]).where(table.c.connection == connection)
        found.update((link, word) for link, word in database.execute(words))
    wanted = select(ROWS.c.row, ROWS.c.value).where(ROWS.c.connection == connection)
    for name, value in database.execute(wanted.order_by(ROWS.c.row)):
        table, _, rest = name.partition("/")
        if table == "invoice":
            tables.invoices[rest] = InvoiceRow.model_validate(value)
        elif table == "order":
            tables.orders[rest] = OrderRow.model_validate(value)
        elif table == "due":
            tables.dues[rest] = DueRow.model_validate(value)
    paid = select(PAYMENTS.c.payment, PAYMENTS.c.value).where(PAYMENTS.c.connection == connection)
    for payment, value in database.execute(paid.order_by(PAYMENTS.c.payment)):
        tables.payments[payment] = PaymentRow.model_validate(value)
    return tables


def _state(tables: _Tables, names: Mapping[str, str], link: str) -> tuple[State, str]:
    """Where a link stands, and why: its own hold or task, or that of what it waits for."""
    row = tables.links.get(link)
    if row is None:
        return State.NONE, ""
    why = tables.holds.get(link) or tables.tasks.get(link, "")
    if row.target:
        return State.DONE, why
    if row.phase is Phase.WAITING:
        other = names.get(row.waits, "")
        held = tables.holds.get(other, "")
        return (State.HELD, held) if held else (State.UNDERWAY, f"waits for {row.waits}")
    if row.phase is Phase.AWAITED:
        return WAITINGS.get(why, State.AWAITED), why
    return STATES[row.phase], why


def _bill(tables: _Tables, names: Mapping[str, str], link: str, row: LinkRow) -> BillLink:
    invoice = tables.invoices.get(row.record)
    state, why = _state(tables, names, link)
    told, _ = _state(tables, names, f"paid/{row.record}")
    return BillLink(
        link=link,
        invoice=row.record,
        number="" if invoice is None else invoice.number,
        vendor_number="" if invoice is None else invoice.vendor_number,
        currency="" if invoice is None else invoice.currency,
        total=0 if invoice is None else invoice.total,
        ledger_entry="" if invoice is None else invoice.ledger_entry,
        target=row.target,
        state=state,
        why=why,
        told=told,
        moved=tables.moved(link) or tables.moved(f"paid/{row.record}"),
    )


def _payment(tables: _Tables, invoices: Mapping[str, BillLink], identity: str, row: PaymentRow) -> PaymentLink:
    link = f"payment/{identity}"
    state, why = _state(tables, {}, link)
    reversal, _ = _state(tables, {}, f"reversal/{identity}")
    own = tables.links.get(link)
    order = tables.orders.get(link)
    base = tables.mark(link, "payment") if order is None else order.order.mark
    bills = [invoices.get(part.bill) for part in row.payment.parts]
    marks = {}
    if order is not None:
        marks = {application.document: order.order.mark_of(application) for application in order.order.applications}
    elif len(bills) > 1:
        marks = {bill.invoice: part_mark(base, f"invoice:{bill.invoice}:") for bill in bills if bill is not None}
    parts = tuple(
        PartLink(bill=part.bill, amount=part.amount, mark=base if bill is None else marks.get(bill.invoice, base))
        for part, bill in zip(row.payment.parts, bills, strict=True)
    )
    currency = next((bill.currency for bill in bills if bill is not None), "")
    return PaymentLink(
        link=link,
        payment=identity,
        number=identity if own is None else own.number,
        currency=currency if order is None else order.order.cash.currency,
        stage=row.payment.stage,
        parts=parts,
        state=state,
        why=why,
        reversal=reversal,
        moved=tables.moved(link) or tables.moved(f"reversal/{identity}"),
    )


def _transfer(tables: _Tables, transfer: str, due: DueRow) -> TransferLink:
    link = f"transfer/{transfer}"
    marks: list[Any] = [tables.mark(link, "transfer", ordinal) for ordinal in range(len(due.booked) + 1)]
    return TransferLink(
        link=link,
        currency=due.currency,
        due=due.due,
        payments=due.payments,
        booked=due.booked,
        marks=tuple(marks),
        moved=tables.moved(link),
    )
