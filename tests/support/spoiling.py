"""Two companies that agree, and somebody who spoils them: what is drawn from a seed, and from which documents.

All is read from the simulators' own ledgers; nothing here knows how a tie-out is made. Every document is used once,
every amount too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

from support.simulators import Running

CLEARING: Final = "2950"
CONTROL: Final = ("2110", "2120")
EXPENSE: Final = "6150"
LOCAL: Final = "USD"


class Named(NamedTuple):
    """How a difference has to be named."""

    kind: str
    documents: tuple[str, ...]
    amount: Decimal
    currency: str = LOCAL


@dataclass(frozen=True)
class Bill:
    """An invoice that is open in full, with its bill: ``number`` the ERP's, ``original`` the vendor's."""

    number: str
    original: str
    vendor: str
    total: Decimal
    currency: str
    id: str
    payee: str
    line: str

    @property
    def documents(self) -> tuple[str, str]:
        """Both sides' names of it."""
        return self.number, self.id


@dataclass(frozen=True)
class Part:
    """What of a payment went to one bill, posted in the ERP as the document ``entry``; ``local`` is what it cost."""

    number: str
    bill: str
    amount: Decimal
    entry: str
    local: Decimal


@dataclass(frozen=True)
class Paid:
    """A payment of BILL's that stands in the ERP."""

    id: str
    currency: str
    parts: tuple[Part, ...]

    def named(self, kind: str, sign: int, parts: Sequence[Part]) -> Named:
        """A difference about these of its parts."""
        documents = (*sorted(part.number for part in parts), self.id)
        return Named(kind, documents, sign * sum((part.amount for part in parts), Decimal(0)), self.currency)


@dataclass
class Company:
    """Both simulators, and what in them nobody has spoiled yet."""

    bill: Running
    erp: Running
    bills: list[Bill] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)
    amounts: set[Decimal] = field(default_factory=set)
    count: int = 0

    def look(self) -> None:
        """Take stock of what stands on both sides."""
        (books,) = self.bill.ledger()["organizations"].values()
        ledger = self.erp.ledger()["companies"][0]
        self.bills = list(_open_bills(books, ledger))
        self.paid = list(_paid(books, ledger))
        of_bank = {one["transaction"] for one in ledger["bank_entries"]}
        into_clearing = (one for one in ledger["entries"] if one["account"] == CLEARING and one["amount"][0] != "-")
        self.transfers = [one["document_number"] for one in into_clearing if one["transaction"] in of_bank]
        self.amounts = {one.total for one in self.bills}
        for one in books["payments"]:
            of = [Decimal(part["amount"]) for part in one["billPayments"]]
            self.amounts |= {*of, sum(of, Decimal(0))}
        for paid in self.paid:
            local = [part.local for part in paid.parts]
            self.amounts |= {*local, sum(local, Decimal(0))}

    def in_erp(self, do: str, **order: Any) -> Any:
        """What somebody does in the ERP."""
        return self.erp.ask("/_sandbox/people", {"do": do, **order})

    def in_bill(self, do: str, **order: Any) -> Any:
        """What somebody does in BILL."""
        return self.bill.ask("/_sandbox/people", {"do": do, **order})

    def pay(self, action: str, **order: Any) -> Any:
        """What somebody does with payments in BILL; the payments."""
        return self.bill.ask("/_sandbox/payments", {"action": action, **order})["payments"]


def _open_bills(books: Any, ledger: Any) -> Iterator[Bill]:
    vendors = {one["id"]: one for one in books["vendors"]}
    there = {
        (vendors[one["vendorId"]].get("shortName"), one["invoice"]["invoiceNumber"]): one for one in books["bills"]
    }
    entries = {one["document_number"]: one for one in ledger["vendor_entries"] if one["document_type"] == "Invoice"}
    for one in ledger["invoices"]:
        bill, entry = there.get((one["pay_to"], one["vendor_invoice_number"])), entries.get(one["number"])
        if bill is None or entry is None or bill["paymentStatus"] != "UNPAID" or entry["remaining"] != entry["amount"]:
            continue
        yield Bill(
            number=one["number"], original=one["vendor_invoice_number"], vendor=one["pay_to"],
            total=-Decimal(entry["amount"]), currency=one["currency_code"] or LOCAL, id=bill["id"],
            payee=bill["vendorId"], line=bill["billLineItems"][0]["id"],
        )  # fmt: skip


def _paid(books: Any, ledger: Any) -> Iterator[Paid]:
    """Payments, each part with the posting that the ERP has applied to its invoice in the same amount."""
    entries = {one["number"]: one for one in ledger["vendor_entries"]}
    applied: dict[tuple[str, Decimal], Any] = {}
    for one in ledger["applications"]:
        invoice, payment = entries[one["vendor_entry"]], entries.get(one["applied_entry"])
        if one["kind"] == "Application" and payment is not None and payment["document_type"] == "Payment":
            applied[invoice["document_number"], Decimal(one["amount"])] = payment
    numbers = {one["id"]: one["description"].split(",")[0] for one in books["bills"] if one.get("description")}
    for one in (one for one in books["payments"] if one["status"] == "PAID"):
        of = [(numbers[part["billId"]], part["billId"], Decimal(part["amount"])) for part in one["billPayments"]]
        posted = [applied[number, amount] for number, _, amount in of]
        parts = tuple(
            Part(number, bill, amount, entry["document_number"], Decimal(entry["amount_local"]))
            for (number, bill, amount), entry in zip(of, posted, strict=True)
        )
        yield Paid(one["id"], posted[0]["currency_code"] or LOCAL, parts)


class Spoiler:
    """Draws what is done, and does it."""

    def __init__(self, company: Company, seed: int) -> None:
        self.company = company
        self.random = Random(seed)  # noqa: S311 - a seed is to be drawn from again

    def plant(self, kinds: "Iterable[Kind]") -> Iterator[tuple[str, Sequence[Named]]]:
        """Do these one after the other: what each is called here, and how it has to be named."""
        for kind in kinds:
            self.company.count += 1
            named = kind(self)
            yield kind.__name__, [named] if isinstance(named, Named) else named

    def bill(self, *currencies: str) -> Bill:
        """A bill that is spoiled now; of these currencies, where not every one would do."""
        fit = [one for one in self.company.bills if not currencies or one.currency in currencies]
        chosen = self.random.choice(fit)
        self.company.bills.remove(chosen)
        return chosen

    def paid(self) -> Paid:
        """A payment that is spoiled now."""
        chosen = self.random.choice(self.company.paid)
        self.company.paid.remove(chosen)
        return chosen

    def amount(self, below: Decimal = Decimal(900), currency: str = LOCAL) -> Decimal:
        """An amount that nothing else has, above zero and below a limit."""
        unit = Decimal(1) if currency == "JPY" else Decimal("0.01")
        while True:
            drawn = self.random.randrange(1, int(below / unit)) * unit
            if drawn not in self.company.amounts:
                self.company.amounts.add(drawn)
                return drawn

    def document(self, series: str) -> str:
        """A number that somebody gives a document of their own."""
        return f"{series}-{self.company.count}"

    def sides(self, account: str, against: str = EXPENSE) -> tuple[dict[str, str], int]:
        """Debit or credit of an account, and the sign of it."""
        if self.random.random() < 0.5:
            return {"debit": account, "credit": against}, 1
        return {"debit": against, "credit": account}, -1


Kind = Callable[[Spoiler], Named | tuple[Named, Named]]
"""Something that somebody does wrong; returns how a tie-out has to name it."""
