"""The payer's books as BILL's acts change them: double entry, one journal, exact amounts.

| what happens | debit | credit |
| --- | --- | --- |
| a bill is entered, or grows | expense | payables |
| a vendor credit is entered | payables | expense |
| BILL has debited the payer (PROCESSED) | payables; clearing | clearing; cash |
| a payment is void | clearing | payables |
| BILL gives the money of a void payment back | cash | clearing |
| the debit bounced, BILL paid anyway | cash | clearing (owed to BILL) |
| a payment made outside is recorded | payables | outside |

``payables`` is kept per vendor, ``cash`` per funding account.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One line pair of the journal: the same amount (above zero) on both sides."""

    number: int
    time: str
    text: str
    source: str
    debit: str
    credit: str
    amount: Decimal


@dataclass
class Books:
    """The journal and what follows from it."""

    entries: list[Entry] = field(default_factory=list)
    standing: dict[tuple[str, str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def bring(self, time: str, text: str, source: str, sides: tuple[str, str], amount: Decimal) -> None:
        """Book what is missing until ``amount`` stands between two accounts for this source."""
        key = (source, *sides)
        self.book(time, text, source, sides, amount - self.standing[key])
        self.standing[key] = amount

    def book(self, time: str, text: str, source: str, sides: tuple[str, str], amount: Decimal) -> None:
        """Debit the first account and credit the second; a negative amount turns the sides, zero books nothing."""
        debit, credit = sides if amount > 0 else sides[::-1]
        if amount != 0:
            number = len(self.entries) + 1
            self.entries.append(Entry(number, time, text, source, debit, credit, abs(amount)))

    def balances(self) -> dict[str, Decimal]:
        """Debits less credits of every account."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for entry in self.entries:
            sums[entry.debit] += entry.amount
            sums[entry.credit] -= entry.amount
        return dict(sorted(sums.items()))

    def printed(self) -> Iterator[dict[str, Any]]:
        """The journal with exact amounts as texts."""
        for entry in self.entries:
            yield {**vars(entry), "amount": f"{entry.amount:.2f}"}


def payables(vendor_id: str) -> str:
    """The account of a vendor's payables."""
    return f"payables:{vendor_id}"


def cash(account_id: str) -> str:
    """The account of a funding account's money."""
    return f"cash:{account_id}"
