"""The company's history, in the order it happened."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

from tieout_sandbox.business_central.worlds import (
    add_draft,
    add_invoice,
    add_order,
    add_payment,
    add_person,
    add_vendor,
    new_world,
)
from tieout_sandbox.company import invoices, masters
from tieout_sandbox.company.bill_side import bill_world
from tieout_sandbox.company.size import FULL, Size
from tieout_sandbox.company.vendors import BLOCKED_ALL, BLOCKED_PAYMENT, Vendor, vendors

FIRST_NUMBER = 108_001
"""The number of the first invoice posted; the series of a new company stands one before it."""


@dataclass(frozen=True)
class Company:
    """Both worlds, and what the owner of the connection between them has to know.

    Attributes:
        erp, bill: worlds for ``tieout sandbox serve business-central`` and ``bill``.
        cutover: the first day of the connection. also: numbers of older invoices that belong to it all the same.
    """

    seed: int
    today: date
    name: str
    erp: dict[str, Any]
    bill: dict[str, Any]
    cutover: date
    also: tuple[str, ...]


def build(seed: int, today: date, size: Size = FULL) -> Company:
    """The company of a seed as it stands on the morning of a day."""
    history = _History(Random(seed), today)  # noqa: S311 - a repeatable demo
    people = vendors(history.choose, size.vendors)
    company = masters.company(today)
    for one in people:
        add_vendor(company, one.number, one.name, **one.fields)
    history.write(company, people, size)
    company["people"].sort(key=lambda order: order["at"])
    return Company(
        seed,
        today,
        masters.NAME,
        new_world(company),
        bill_world(masters.NAME, people),
        history.cutover,
        tuple(_numbers_of(company["people"], history.also)),
    )


def _numbers_of(people: list[dict[str, Any]], wanted: set[str]) -> Iterator[str]:
    posted = [order for order in people if order["do"] == "post_invoice"]
    for place, order in enumerate(posted):
        if order["vendor_invoice_number"] in wanted:
            yield str(FIRST_NUMBER + place)


@dataclass
class _History:
    choose: Random
    today: date
    also: set[str] = field(default_factory=set)
    """The vendors' own numbers of older invoices that are named in the cut-over."""

    def __post_init__(self) -> None:
        self.cutover = (self.today - timedelta(days=75)).replace(day=1)
        self._serials = count(self.choose.randint(200, 900))
        self._payments = count(1)

    def write(self, company: dict[str, Any], people: list[Vendor], size: Size) -> None:
        """Everything that was entered, kind by kind; the caller sorts it by time."""
        usual = [one for one in people if one.usual]
        by_number = {one.number: one for one in people}
        self._old(company, [*usual, by_number[BLOCKED_ALL]], size)
        self._current(company, usual, size)
        for _ in range(size.blocked):
            self._invoice(company, by_number[BLOCKED_PAYMENT], self._recent())
        odd = [one for one in people if not one.usual and one.number not in (BLOCKED_ALL, BLOCKED_PAYMENT)]
        for one in odd:
            self._invoice(company, one, self._recent())
        yesterday = self.today - timedelta(days=1)
        for _ in range(size.drafts):
            number = invoices.invoice_number(vendor := self.choose.choice(usual), next(self._serials))
            lines = invoices.lines(self.choose)
            add_draft(company, yesterday, vendor.number, lines, vendor_invoice_number=number)
        for _ in range(size.orders):
            number = invoices.invoice_number(vendor := self.choose.choice(usual), next(self._serials))
            lines = invoices.lines(self.choose)
            add_order(company, yesterday, vendor.number, lines, vendor_invoice_number=number)
        add_person(company, yesterday, "block_vendor", number=BLOCKED_ALL, blocked="All")
        add_person(company, yesterday, "block_vendor", number=BLOCKED_PAYMENT, blocked="Payment")

    def _old(self, company: dict[str, Any], people: list[Vendor], size: Size) -> None:
        """What happened before the cut-over."""
        for place in range(size.paid):
            vendor = people[-1] if place == 0 else self.choose.choice(people)
            day = self.cutover - timedelta(days=self.choose.randint(45, 240))
            self._paid(company, vendor, day)
        for place in range(size.older + size.also):
            day = self.cutover - timedelta(days=self.choose.randint(3, 60))
            order = self._invoice(company, self.choose.choice(people[:-1]), day)
            if place >= size.older:
                self.also.add(order["vendor_invoice_number"])

    def _current(self, company: dict[str, Any], people: list[Vendor], size: Size) -> None:
        """What happened since."""
        for place in range(size.open):
            order = self._invoice(company, self.choose.choice(people), self._recent())
            if place < size.discounted:
                order["discount_amount"] = invoices.discount(self.choose, order["lines"])
            step = size.open // size.documents
            if place % step == 0 and place // step < size.documents:
                vendor = next(one for one in people if one.number == order["vendor"])
                order["attachments"] = [invoices.document(vendor, order["vendor_invoice_number"])]
        for _ in range(size.on_hold):
            self._invoice(company, self.choose.choice(people), self._recent())["on_hold"] = "HLD"
        for _ in range(size.part_paid):
            day = self._recent(least=10)
            # Not so large that BILL would ask for an approval first: whether it takes a payment made outside for a
            # bill that waits for one is not established.
            order = self._invoice(company, self.choose.choice(people), day, invoices.lines(self.choose, small=True))
            self._pay(company, order, day + timedelta(days=3), amount=invoices.part(self.choose, order["lines"]))
        for _ in range(size.paid_since):
            self._paid(company, self.choose.choice(people), self._recent(least=30))

    def _recent(self, least: int = 2) -> date:
        """A day within the cut-over, at least so many days ago."""
        return self.today - timedelta(days=self.choose.randint(least, 44))

    def _invoice(
        self, company: dict[str, Any], vendor: Vendor, day: date, lines: list[invoices.Line] | None = None
    ) -> dict[str, Any]:
        number = invoices.invoice_number(vendor, next(self._serials))
        return add_invoice(company, day, vendor.number, number, lines or invoices.lines(self.choose))

    def _paid(self, company: dict[str, Any], vendor: Vendor, day: date) -> None:
        """Paid in full, and later than any discount is granted."""
        order = self._invoice(company, vendor, day)
        self._pay(company, order, day + timedelta(days=self.choose.randint(11, 28)))

    def _pay(self, company: dict[str, Any], order: dict[str, Any], day: date, **more: Any) -> None:
        document = f"CHK-{next(self._payments):05d}"
        add_payment(company, day, document, order["vendor_invoice_number"], **more)
