"""``accounts``, ``generalLedgerEntries`` and ``agedAccountsPayables``: read-only."""

from datetime import date
from decimal import Decimal
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.masters import ZERO, Vendor
from tieout_sandbox.business_central.odata.schema import entity
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope

DOCUMENT_TYPES = (" ", "Payment", "Invoice", "Credit Memo", "Finance Charge Memo", "Reminder", "Refund")

ACCOUNT = entity(
    "account",
    """
id guid R
number code20
displayName text100
category enum
subCategory text80 R
blocked bool
accountType enum
directPosting bool
netChange decimal R
consolidationTranslationMethod enum
consolidationDebitAccount code20
consolidationCreditAccount code20
excludeFromConsolidation bool
lastModifiedDateTime time R
""",
    members={
        "category": (" ", "Assets", "Liabilities", "Equity", "Income", "Cost of Goods Sold", "Expense"),
        "accountType": ("Posting", "Heading", "Total", "Begin-Total", "End-Total"),
    },
    getters={
        "consolidationTranslationMethod": lambda _row, _books: "Average Rate (Manual)",
        "consolidationDebitAccount": lambda _row, _books: "",
        "consolidationCreditAccount": lambda _row, _books: "",
        "excludeFromConsolidation": lambda _row, _books: False,
        "lastModifiedDateTime": lambda row, _books: row.modified,
    },
)
ENTRY = entity(
    "generalLedgerEntry",
    """
id guid R
entryNumber int R
postingDate date
documentNumber code20
documentType enum
accountId guid R
accountNumber code20
description text100
debitAmount decimal
creditAmount decimal
additionalCurrencyDebitAmount decimal
additionalCurrencyCreditAmount decimal
lastModifiedDateTime time R
""",
    members={"documentType": DOCUMENT_TYPES},
    getters={
        "entryNumber": lambda row, _books: row.number,
        "accountId": lambda row, books: books.accounts.find(row.account).id,
        "accountNumber": lambda row, _books: row.account,
        "debitAmount": lambda row, _books: max(row.amount, ZERO),
        "creditAmount": lambda row, _books: max(-row.amount, ZERO),
        "additionalCurrencyDebitAmount": lambda _row, _books: ZERO,
        "additionalCurrencyCreditAmount": lambda _row, _books: ZERO,
        "lastModifiedDateTime": lambda row, _books: row.modified,
    },
)
PERIODS = 3
PERIOD_DAYS = 30


class Aged:
    """One vendor's open amounts by how long they are due, in local currency."""

    def __init__(self, books: Books, vendor: Vendor, day: date) -> None:
        self.id = vendor.id
        self.number = vendor.number
        self.name = vendor.display_name
        self.day = day
        self.parts = [ZERO] * (PERIODS + 1)
        for entry in books.vendor_ledger.where("open", (vendor.number, True)):
            late = (day - (entry.due_date or entry.posting_date)).days
            place = 0 if late <= 0 else min(PERIODS, (late - 1) // PERIOD_DAYS + 1)
            self.parts[place] -= entry.remaining_local

    @property
    def total(self) -> Decimal:
        """All of it."""
        return sum(self.parts, ZERO)


AGED = entity(
    "agedAccountsPayable",
    """
vendorId guid
vendorNumber code20
name text100
currencyCode code10
balanceDue decimal
currentAmount decimal
period1Amount decimal
period2Amount decimal
period3Amount decimal
agedAsOfDate date
periodLengthFilter text10
""",
    getters={
        "vendorId": lambda row, _books: row.id,
        "vendorNumber": lambda row, _books: row.number,
        "currencyCode": lambda _row, books: books.setup.local_currency,
        "balanceDue": lambda row, _books: row.total,
        "currentAmount": lambda row, _books: row.parts[0],
        "period1Amount": lambda row, _books: row.parts[1],
        "period2Amount": lambda row, _books: row.parts[2],
        "period3Amount": lambda row, _books: row.parts[3],
        "agedAsOfDate": lambda row, _books: row.day,
        "periodLengthFilter": lambda _row, _books: f"{PERIOD_DAYS}D",
    },
)


def _aged(scope: Scope) -> list[Aged]:
    books, day = scope.books, scope.books.today()
    vendors: Any = [scope.parent] if isinstance(scope.parent, Vendor) else books.vendors
    return [Aged(books, vendor, day) for vendor in vendors]


SETS = [
    EntitySet("accounts", ACCOUNT, "G/L Account", table=lambda books: books.accounts, number_field="number"),
    EntitySet(
        "generalLedgerEntries",
        ENTRY,
        "G/L Entry",
        table=lambda books: books.ledger,
        number_field="entryNumber",
        navigation={
            "dimensionSetLines": Navigation("dimensionSetLines"),
            "attachments": Navigation("attachments"),
            "account": Navigation("accounts", lambda books, row: books.accounts.find(row.account)),
        },
    ),
    EntitySet(
        "agedAccountsPayables",
        AGED,
        "Vendor Ledger Entry",
        source=_aged,
        key_field="vendorId",
        tagged=False,
    ),
]
