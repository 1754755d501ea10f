"""What is posted, as far as it tells of orders of ours: vendor ledger entries and general ledger entries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.records import ReadContext
from tieout.domain.snapshots import AccountPosting
from tieout_connectors.business_central.wire.fields import Fields
from tieout_connectors.business_central.wire.ledger import ledger_entry

_MARK: Final = re.compile(r"T[A-Z2-7]{19}(/\d+)?")


@dataclass(frozen=True)
class Entry:
    """A vendor ledger entry. ``reversed`` is true of an entry that was undone and of the one that undid it."""

    record: VendorLedgerEntry
    reversed: bool

    @property
    def paid(self) -> bool:
        """Whether it is a payment itself, and not the undoing of one."""
        return self.record.type is EntryType.PAYMENT and self.record.amount < 0

    @property
    def undoes(self) -> bool:
        """Whether it undoes a payment."""
        return self.record.type is EntryType.PAYMENT and self.record.amount > 0

    @property
    def marked(self) -> bool:
        """Whether it bears a mark of Tieout, ours or another order's."""
        return is_mark(self.record.document_number) or is_mark(self.record.external_number)


@dataclass(frozen=True)
class Posting:
    """A general ledger entry: debit positive, local currency."""

    number: str
    document: str
    account: str
    day: date
    amount: Decimal


def is_mark(number: str) -> bool:
    """Whether a document number is of the form that Tieout's marks have, and hardly any other."""
    return _MARK.fullmatch(number) is not None


def entry(row: Mapping[str, Any], context: ReadContext) -> Entry:
    """A row of the published page."""
    return Entry(ledger_entry(row, context), Fields(row, "ledger").flag("Reversed"))


def posting(row: Mapping[str, Any]) -> Posting:
    """A row of ``generalLedgerEntries``."""
    one = Fields(row, "generalLedgerEntry")
    return Posting(
        number=str(one.whole("entryNumber")),
        document=one.text("documentNumber"),
        account=one.needed("accountNumber"),
        day=one.needed_day("postingDate"),
        amount=one.amount("debitAmount") - one.amount("creditAmount"),
    )


def account_posting(row: Mapping[str, Any]) -> AccountPosting:
    """The same as a tie-out compares it."""
    one = posting(row)
    return AccountPosting(
        id=one.number,
        account=one.account,
        posting_date=one.day,
        document_number=one.document,
        description=Fields(row, "generalLedgerEntry").text("description"),
        amount=one.amount,
    )
