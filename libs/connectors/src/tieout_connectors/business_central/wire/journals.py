"""Journal batches and their lines before they are posted: bodies to send, rows that come back.

A line's fields are compared by the names that people see in the client, because a difference is told to people.
The service checks fields in the order of the body, and fills others from those before: account before amount, amount
before the invoice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from json import dumps
from typing import Any, Final

from tieout_connectors.business_central.wire.fields import Fields, unescaped

Row = Mapping[str, Any]

GENERAL: Final = "G/L Account"
BANK: Final = "Bank Account"

VENDOR_NO: Final = "Vendor No."
ACCOUNT: Final = "Account"
BALANCING: Final = "Bal. Account"
POSTING_DATE: Final = "Posting Date"
EXTERNAL_NO: Final = "External Document No."
AMOUNT: Final = "Amount"
APPLIES_TO: Final = "Applies-to Doc. No."


@dataclass(frozen=True)
class Batch:
    """A journal batch. ``balancing`` is the number of its balancing account."""

    id: str
    code: str
    name: str
    balancing: str
    etag: str


@dataclass(frozen=True)
class Line:
    """A journal line.

    Attributes:
        document: its document number, where our mark stands.
        said: what else it says, by field as people see it.
        dimensions: code to value.
        empty: the line without account and amount that posting leaves behind; nothing is posted for it.
    """

    id: str
    etag: str
    document: str
    said: Mapping[str, object]
    dimensions: Mapping[str, str]
    empty: bool


def batch(row: Row) -> Batch:
    """A row of ``vendorPaymentJournals`` or ``journals``. The account's id is zero for a bank, its number is not."""
    one = Fields(row, "batch")
    return Batch(
        id=one.needed_reference("id"),
        code=one.needed("code"),
        name=one.text("displayName"),
        balancing=one.text("balancingAccountNumber"),
        etag=one.needed("@odata.etag"),
    )


def payment_line(row: Row) -> Line:
    """A row of ``vendorPayments``."""
    one = Fields(row, "vendorPayment")
    amount = one.amount("amount")
    return Line(
        id=one.needed_reference("id"),
        etag=one.needed("@odata.etag"),
        document=one.text("documentNumber"),
        said={
            VENDOR_NO: one.text("vendorNumber"),
            POSTING_DATE: one.day("postingDate"),
            EXTERNAL_NO: one.text("externalDocumentNumber"),
            AMOUNT: amount,
            APPLIES_TO: (one.reference("appliesToInvoiceId"), one.text("appliesToInvoiceNumber")),
        },
        dimensions=_dimensions(one),
        empty=amount == 0 and not one.text("vendorNumber"),
    )


def journal_line(row: Row) -> Line:
    """A row of ``journalLines``."""
    one = Fields(row, "journalLine")
    amount = one.amount("amount")
    return Line(
        id=one.needed_reference("id"),
        etag=one.needed("@odata.etag"),
        document=one.text("documentNumber"),
        said={
            ACCOUNT: named(unescaped(one.text("accountType")), one.text("accountNumber")),
            BALANCING: named(unescaped(one.text("balanceAccountType")), one.text("balancingAccountNumber")),
            POSTING_DATE: one.day("postingDate"),
            EXTERNAL_NO: one.text("externalDocumentNumber"),
            AMOUNT: amount,
        },
        dimensions=_dimensions(one),
        empty=amount == 0 and not one.text("accountNumber"),
    )


def named(kind: str, number: str) -> str:
    """An account with its kind, as a line names it."""
    return f"{kind.strip()} {number}" if number else ""


def _dimensions(line: Fields) -> dict[str, str]:
    return {one.needed("code"): one.text("valueCode") for one in line.items("dimensionSetLines")}


def dimension_line(rows: list[Row], code: str) -> tuple[str, str] | None:
    """Id and ETag of the line's own dimension of that code, None if it has none."""
    for row in rows:
        one = Fields(row, "dimensionSetLine")
        if one.text("code") == code:
            return one.needed_reference("id"), one.needed("@odata.etag")
    return None


def identifier(created: Any) -> str:
    """The id of what was just created."""
    return Fields(created).needed_reference("id")


def bank_currency(bank_accounts: Any) -> str | None:
    """The currency code of the bank account that was asked for, None if there is none."""
    for row in Fields(bank_accounts, "bankAccounts").items("value"):
        return row.text("currencyCode")
    return None


def account_id(accounts: Any) -> str | None:
    """The id of the account that was asked for, None if there is none."""
    for row in Fields(accounts, "accounts").items("value"):
        return row.needed_reference("id")
    return None


def new_batch(code: str, name: str, balancing: str) -> bytes:
    """A batch with a general ledger account, by id, as its balancing account."""
    return _encoded({"code": code, "displayName": name, "balancingAccountId": balancing})


def renamed_batch(name: str) -> bytes:
    """Another display name."""
    return _encoded({"displayName": name})


def new_payment(document: str, said: Mapping[str, Any], description: str, comment: str) -> bytes:
    """A payment line, as ``payment_line`` reads it."""
    invoice, number = said[APPLIES_TO]
    return _encoded(
        {
            "vendorNumber": said[VENDOR_NO],
            "postingDate": said[POSTING_DATE],
            "documentNumber": document,
            "externalDocumentNumber": said[EXTERNAL_NO],
            "amount": said[AMOUNT],
            "appliesToInvoiceId": invoice,
            "appliesToInvoiceNumber": number,
            **_texts(description, comment),
        }
    )


def new_journal_line(
    document: str, said: Mapping[str, Any], account: tuple[str, str], balancing: tuple[str, str], description: str
) -> bytes:
    """A general journal line; an account is its kind and its number."""
    return _encoded(
        {
            "accountType": account[0],
            "accountNumber": account[1],
            "postingDate": said[POSTING_DATE],
            "documentNumber": document,
            "externalDocumentNumber": said[EXTERNAL_NO],
            "amount": said[AMOUNT],
            "balanceAccountType": balancing[0],
            "balancingAccountNumber": balancing[1],
            **_texts(description, ""),
        }
    )


def new_dimension(code: str, value: str) -> bytes:
    """A dimension that the line does not have yet."""
    return _encoded({"code": code, "valueCode": value})


def changed_dimension(value: str) -> bytes:
    """Another value of a dimension that the line has."""
    return _encoded({"valueCode": value})


def _texts(description: str, comment: str) -> dict[str, str]:
    """Texts for people, as long as the fields are; an empty one is left to the service, which has defaults."""
    given = {"description": description[:100], "comment": comment[:250]}
    return {name: text for name, text in given.items() if text}


def _encoded(body: Mapping[str, str | date | Decimal]) -> bytes:
    """JSON; a decimal with exactly its digits, never through a float."""
    return ("{" + ",".join(f"{dumps(key)}:{_value(value)}" for key, value in body.items()) + "}").encode()


def _value(value: str | date | Decimal) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return dumps(value.isoformat() if isinstance(value, date) else value, ensure_ascii=False)
