"""Two sets of books in agreement, as a tie-out's inputs, and hands that put something wrong into them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tieout.domain.bill_payments import PaymentStage
from tieout.domain.erp_ledger import AccountBalance, AccountRole, BalanceQuery, EntryType
from tieout.domain.snapshots import AccountPosting, BillSeen, OpenEntry, PartSeen, PaymentSeen, StrayDocument
from tieout.tie_out.inputs import (
    BillLink,
    BillSide,
    ErpSide,
    Inputs,
    Links,
    PartLink,
    PaymentLink,
    Scope,
    State,
    TransferLink,
)

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZERO = Decimal(0)
RATE = {"USD": Decimal(1), "EUR": Decimal(2)}


@dataclass
class Invoice:
    """An invoice with its bill; ``open`` in the ERP."""

    number: int
    currency: str
    total: Decimal
    open: Decimal
    bill: BillSeen | None
    link: BillLink | None
    posting_date: date = date(2026, 5, 4)
    on_hold: str = ""

    @property
    def name(self) -> str:
        """Its posted number."""
        return f"{108000 + self.number}"


@dataclass
class Agreement:
    """Both books and Tieout's links. Every hand keeps the ERP's own ledgers balanced unless it says otherwise."""

    invoices: list[Invoice] = field(default_factory=list)
    payments: dict[str, PaymentSeen] = field(default_factory=dict)
    links: dict[str, PaymentLink] = field(default_factory=dict)
    transfers: list[TransferLink] = field(default_factory=list)
    postings: list[AccountPosting] = field(default_factory=list)
    strays: list[StrayDocument] = field(default_factory=list)
    others: list[OpenEntry] = field(default_factory=list)
    recorded: list[PaymentSeen] = field(default_factory=list)
    loose: list[BillSeen] = field(default_factory=list)
    off: Decimal = ZERO
    opening: Decimal = Decimal(17)
    count: int = 0

    def invoice(self, total: Decimal, currency: str = "USD") -> Invoice:
        """An open invoice whose bill stands in BILL."""
        number = len(self.invoices) + 1
        link = BillLink(
            link=f"bill/i-{number}", invoice=f"i-{number}", number=f"{108000 + number}", vendor_number="10000",
            currency=currency, total=total, ledger_entry=f"{900 + number}", target=f"00n{number}", state=State.DONE,
        )  # fmt: skip
        bill = BillSeen(id=link.target, vendor="009A", invoice_number=f"INV-{number}", invoice_date=DAY, amount=total)
        made = Invoice(number, currency, total, total, bill, link)
        self.invoices.append(made)
        return made

    def pay(self, amounts: dict[int, Decimal], *, posted: bool = True, state: State = State.DONE) -> PaymentLink:
        """BILL pays parts of some invoices (by place); posted in the ERP, or not."""
        self.count += 1
        payment = f"stp{self.count}"
        of = [(self.invoices[place], amount) for place, amount in amounts.items()]
        currency = of[0][0].currency
        parts = tuple(
            PartLink(bill=f"00n{invoice.number}", amount=amount, mark=f"T{self.count:03}{invoice.number:04}")
            for invoice, amount in of
        )
        self.payments[payment] = PaymentSeen(
            id=payment, vendor="009A", amount=sum(amounts.values(), ZERO), stage=PaymentStage.TAKEN, online=True,
            process_date=DAY, parts=tuple(PartSeen(bill=part.bill, amount=part.amount) for part in parts),
        )  # fmt: skip
        link = PaymentLink(
            link=f"payment/{payment}", payment=payment, number=f"P{self.count}", currency=currency,
            stage=PaymentStage.TAKEN, parts=parts, state=state,
        )  # fmt: skip
        self.links[payment] = link
        if posted:
            for part, (invoice, amount) in zip(parts, of, strict=True):
                invoice.open -= amount
                self.post(part.mark, -amount * RATE[currency])
        return link

    def post(self, document: str, amount: Decimal, description: str = "", account: str = "2950") -> None:
        """An entry on the clearing account, or another one that payments are posted against; debit positive."""
        self.postings.append(
            AccountPosting(
                id=str(len(self.postings) + 1), account=account, posting_date=DAY, document_number=document,
                description=description, amount=amount,
            )
        )  # fmt: skip

    def transfer(self, link: PaymentLink) -> None:
        """A payment's cash is booked from the bank."""
        due = sum((part.amount for part in link.parts), ZERO)
        marks = (f"X{link.payment}", f"Y{link.payment}")
        self.transfers.append(
            TransferLink(
                link=f"transfer/{link.payment}", currency=link.currency, due=due, payments=(link.payment,),
                booked=(due,), marks=marks,
            )
        )  # fmt: skip
        self.post(marks[0], due * RATE[link.currency])

    def void(self, link: PaymentLink, *, reversed_in_erp: bool) -> None:
        """BILL undoes a payment; somebody has reversed it in the ERP, or has it in a task."""
        seen = self.payments[link.payment]
        self.payments[link.payment] = seen.model_copy(update={"stage": PaymentStage.UNDONE})
        reversal = State.DONE if reversed_in_erp else State.AWAITED
        self.links[link.payment] = link.model_copy(update={"stage": PaymentStage.UNDONE, "reversal": reversal})
        if reversed_in_erp:
            self.reverse(link)

    def reverse(self, link: PaymentLink) -> None:
        """A person reverses a posted payment in the ERP: its invoices are open again."""
        for part in link.parts:
            invoice = self.invoices[int(part.bill.removeprefix("00n")) - 1]
            invoice.open += part.amount
            self.post(part.mark, part.amount * RATE[invoice.currency])

    def other(self, kind: EntryType, amount: Decimal, posting_date: date = DAY) -> None:
        """An open entry that no bill is for."""
        self.others.append(
            OpenEntry(
                id=f"o{len(self.others)}", type=kind, vendor_number="20000", document_number=f"O{len(self.others)}",
                posting_date=posting_date, currency="USD", amount=amount, open=amount, local_open=amount,
            )
        )  # fmt: skip

    def inputs(self, **changes: Any) -> Inputs:
        """All of it as a run's inputs."""
        entries = [*(_entry(invoice) for invoice in self.invoices if invoice.open != 0), *self.others]
        owed = sum((entry.local_open or ZERO for entry in entries), ZERO)
        clearing = self.opening + sum((one.amount for one in self.postings if one.account == "2950"), ZERO)
        base = Inputs(
            connection="acme",
            as_of=DAY,
            begun=NOON,
            taken=NOON,
            scope=Scope(cutover=date(2026, 1, 1), control=("2110", "2120"), clearing="2950"),
            erp=ErpSide(
                currency="USD",
                open_entries=tuple(entries),
                balances=(
                    _balance(AccountRole.SUBLEDGER, "", -owed),
                    _balance(AccountRole.CONTROL, "2110", Decimal(5)),
                    _balance(AccountRole.CONTROL, "2120", -owed + self.off - Decimal(5)),
                    _balance(AccountRole.CLEARING, "2950", clearing),
                    _balance(AccountRole.CLEARING, "2950", self.opening, date(2025, 12, 31)),
                ),
                strays=tuple(self.strays),
                postings=tuple(self.postings),
            ),
            bill=BillSide(
                bills=tuple(invoice.bill for invoice in self.invoices if invoice.bill is not None) + tuple(self.loose),
                payments=(*self.payments.values(), *self.recorded),
            ),
            links=Links(
                bills=tuple(invoice.link for invoice in self.invoices if invoice.link is not None),
                payments=tuple(self.links.values()),
                transfers=tuple(self.transfers),
                currencies={"009A": "USD"},
            ),
        )
        return base.model_copy(update=changes)


def _entry(invoice: Invoice) -> OpenEntry:
    return OpenEntry(
        id=f"{900 + invoice.number}", type=EntryType.INVOICE, vendor_number="10000", document_number=invoice.name,
        posting_date=invoice.posting_date, currency=invoice.currency, amount=invoice.total, open=invoice.open,
        local_open=invoice.open * RATE[invoice.currency], on_hold=invoice.on_hold,
    )  # fmt: skip


def _balance(role: AccountRole, account: str, amount: Decimal, as_of: date | None = None) -> AccountBalance:
    return AccountBalance(query=BalanceQuery(role=role, account=account), currency="USD", balance=amount, as_of=as_of)
