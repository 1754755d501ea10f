"""A made-up company whose every record is a function of its number, so that every run measures the same work."""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from tieout.decide.decide import decide
from tieout.decide.folding import MemoryView
from tieout.decide.state import Command, Origin
from tieout.domain import bill_payments, erp
from tieout.domain.records import Address
from tieout.domain.settings import ConnectionSettings
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.facts import (
    AccountObserved,
    BillPaymentObserved,
    DimensionValueObserved,
    InvoiceObserved,
    OutcomeFact,
    Result,
    SettingsFact,
    VendorObserved,
)
from tieout.events.identity import digest

SEEN: Final = datetime(2026, 3, 31, 9, 15, tzinfo=UTC)
DAY: Final = date(2026, 3, 31)
DUE: Final = date(2026, 4, 30)
ACCOUNTS: Final = ("6100", "7110", "5630")
TOTAL: Final = "1007.00"
POSTED: Final = {"6100": "570.00", "7110": "380.00", "5630": "57.00", "2110": f"-{TOTAL}"}


def outside_id(*parts: object) -> str:
    """An id as ERPs give them."""
    return str(uuid.UUID(hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:32]))


def settings(connection: str) -> ConnectionSettings:
    """The settings of a connection that is active."""
    return ConnectionSettings.model_validate(
        {
            "connection": connection,
            "state": "active",
            "erp": {"kind": "business-central", "tenant": "contoso.example", "company": f"CRONUS {connection}"},
            "bill": {"environment": "sandbox", "organization": f"00801{connection.upper()}"},
            "cutover": {"date": "2026-01-01"},
            "accounts": {"clearing": "2950"},
            "mapping": {"dimensions": {"DEPARTMENT": "department"}},
        }
    )


def vendor(connection: str, number: int) -> erp.Vendor:
    """A vendor with an address."""
    return erp.Vendor(
        id=outside_id(connection, "vendor", number),
        number=f"V{number:05d}",
        name=f"Harbour Finch Supplies {number}",
        currency="USD",
        address=Address(line1=f"{number} Quay", city="Chicago", state="IL", postal_code="61236", country="US"),
        email=f"ap{number}@harbour-finch.example",
        version=f'W/"{number}"',
        modified=SEEN,
    )


def invoice(connection: str, number: int, of: int) -> erp.PurchaseInvoice:
    """A posted, open invoice of vendor ``of``: two lines, each with its department, tax, and its postings."""
    department = (erp.DimensionCode(dimension="DEPARTMENT", value="SALES"),)
    here = outside_id(connection, "invoice", number)
    lines = tuple(
        erp.InvoiceLine.model_validate(
            {
                "id": f"{here}-{at}", "kind": "account", "number": account, "account": account,
                "description": f"Services of week {at}", "quantity": "1", "net": net, "tax": "0",
                "dimensions": department,
            }
        )
        for at, (account, net) in enumerate(list(POSTED.items())[:2])
    )  # fmt: skip
    postings = tuple(
        erp.LedgerPosting.model_validate(
            {
                "id": str(number * 10 + at), "document_number": f"{number:06d}", "posting_date": DAY,
                "account": account, "amount": amount, "description": "Order 106001", "dimensions": department,
            }
        )
        for at, (account, amount) in enumerate(POSTED.items())
    )  # fmt: skip
    payee = erp.VendorRef(number=f"V{of:05d}", id=outside_id(connection, "vendor", of), name=f"Harbour {of}")
    return erp.PurchaseInvoice.model_validate(
        {
            "id": here, "number": f"{number:06d}", "ledger_entry": str(900_000 + number),
            "vendor_invoice_number": f"INV-{number}", "buy_from": payee, "pay_to": payee, "posting_date": DAY,
            "document_date": DAY, "due_date": DUE, "currency": "USD", "status": "open", "on_hold": "",
            "net": "950.00", "tax": "57.00", "total": TOTAL, "open": TOTAL, "dimensions": department, "lines": lines,
            "postings": postings, "version": f'W/"{number}"', "modified": SEEN,
        }
    )  # fmt: skip


def payment(connection: str, number: int, bill: str, vendor_of_bill: str) -> bill_payments.BillPayment:
    """A payment of BILL's whose money has moved, in full of one bill."""
    return bill_payments.BillPayment.model_validate(
        {
            "id": f"stp{outside_id(connection, 'payment', number)[:16]}", "vendor": vendor_of_bill,
            "vendor_name": "Harbour Finch", "amount": TOTAL, "funding_amount": TOTAL, "process_date": DAY,
            "parts": ({"id": f"blp{number}", "bill": bill, "amount": TOTAL},), "single_status": "PROCESSED",
            "status_said": "PROCESSED", "status": "PAID", "disbursement": "ACH", "online": True,
            "funding": {"type": "BANK_ACCOUNT", "id": "bac01BANK"}, "transaction_number": f"EPK{number}",
            "confirmation_number": f"P24{number}", "created": SEEN, "updated": SEEN,
        }
    )  # fmt: skip


@dataclass
class Company:
    """A connection that is under way: its masters and some bills are in BILL, linked by real decisions.

    ``facts`` collects what has to be told to a decider so that it stands where this company stands.
    """

    connection: str
    vendors: int
    bills: int
    facts: list[Message[Payload]] = field(default_factory=list)
    _view: MemoryView = field(default_factory=MemoryView)
    _numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tell(SettingsFact(generation=1, settings=settings(self.connection)), "settings")
        for code in ACCOUNTS:
            account = erp.Account(
                id=outside_id(self.connection, "account", code), number=code, name=f"Account {code}",
                category=erp.AccountCategory.EXPENSE,
            )  # fmt: skip
            self._tell(AccountObserved(run=1, account=account), f"account/{code}")
        department = erp.DimensionValue(id="d-1", dimension="DEPARTMENT", code="SALES", name="Sales", blocked=False)
        self._tell(DimensionValueObserved(run=1, value=department), "dimension")
        for number in range(self.vendors):
            self._tell(self._vendor(number), f"vendor/{number}")
        for number in range(self.bills):
            self._tell(self._invoice(number), f"invoice/{number}")
        self._numbers = {"vendor": self.vendors, "invoice": self.bills, "payment": 0, "seen": 0}

    def rows(self) -> dict[str, bytes]:
        """The state of its connection, before any further fact."""
        return dict(self._view.rows)

    def first_sight(self, kind: str) -> Message[Payload]:
        """A vendor or an invoice that nobody has seen before."""
        number = self._next(kind)
        data = self._vendor(number) if kind == "vendor" else self._invoice(number)
        return self._message(data, f"{kind}/{number}")

    def unchanged(self, kind: str) -> Message[Payload]:
        """One that is linked, as it was."""
        number = self._next("seen")
        data = self._vendor(number % self.vendors) if kind == "vendor" else self._invoice(number % self.bills)
        return self._message(data, f"{kind}/again/{number}")

    def paid(self) -> Message[Payload]:
        """A payment of a bill that was not paid before."""
        number = self._next("payment")
        assert number < self.bills, "no bill is left to be paid"
        link = outside_id(self.connection, "invoice", number)
        data = payment(self.connection, number, self._target(f"bill/{link}"), "00901VENDOR")
        return self._message(BillPaymentObserved(payment=data), f"payment/{number}")

    def _next(self, kind: str) -> int:
        self._numbers[kind] += 1
        return self._numbers[kind] - 1

    def _vendor(self, number: int) -> VendorObserved:
        return VendorObserved(run=1, vendor=vendor(self.connection, number))

    def _invoice(self, number: int) -> InvoiceObserved:
        return InvoiceObserved(run=1, invoice=invoice(self.connection, number, number % self.vendors))

    def _target(self, link: str) -> str:
        return f"00n{digest(link)[:17].upper()}"

    def _message(self, data: Payload, what: str) -> Message[Payload]:
        identity = digest(self.connection, what)
        return Message(
            id="f" + identity[:31],
            source="/fact-mapper",
            type=catalogue.name_of(data),
            subject=f"erp/{what}",
            time=SEEN,
            partitionkey=self.connection,
            data=data,
            causationid="r" + identity[:31],
            correlationid=f"{self.connection}/{what}",
            traceparent=f"00-{identity[:32]}-{identity[32:48]}-01",
        )

    def _tell(self, data: Payload, what: str) -> None:
        """Feed a fact, and the writer's answers to the commands that follow from it."""
        fact = self._message(data, what)
        self.facts.append(fact)
        decision = decide(self._view, Origin(self.connection, fact.id, 0, fact.time), data)
        self._view.apply(decision.entries)
        for command in decision.commands:
            self._tell(self._applied(command), f"outcome/{command.id}")

    def _applied(self, command: Command) -> OutcomeFact:
        frame = command.frame
        return OutcomeFact(
            command=command.id, link=frame.link, intent=frame.intent, attempt=frame.attempt, result=Result.APPLIED,
            content=frame.content_hash, target=self._target(frame.link), version="1",
        )  # fmt: skip


def mix(companies: list[Company], count: int) -> list[Message[Payload]]:
    """Facts in the fixed mix: of ten, six first sights (vendors and invoices in turn), three unchanged, one payment."""
    facts = []
    for number in range(count):
        company = companies[number // 10 % len(companies)]
        place, even = number % 10, (number // 10) % 2 == 0
        if place == 9:
            facts.append(company.paid())
        elif place in (2, 5, 8):
            facts.append(company.unchanged("vendor" if (place == 5) == even else "invoice"))
        else:
            facts.append(company.first_sight("vendor" if place % 2 == 0 else "invoice"))
    return facts
