"""Vendors: list, create (one and in bulk), change, archive, bank account."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill.bulk import all_or_nothing
from tieout_sandbox.bill.call import Answer, Call, Endpoint, read_bulk
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, merged, populated, read
from tieout_sandbox.bill.filters import ROW, SET, As
from tieout_sandbox.bill.lists import ListSpec
from tieout_sandbox.bill.organization import Act, Organization, find
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import printed

MAX_BULK = 20

LIST = ListSpec(
    {
        **ROW,
        "name": (As.TEXT, ("eq", "sw")),
        "accountType": (As.TEXT, SET),
        "address.country": (As.TEXT, ("eq", "ne")),
        "billCurrency": (As.TEXT, SET),
    },
    frozenset({"createdTime", "updatedTime", "name"}),
)

_ADDRESS: Fields = {
    "line1": Field(required=True),
    "line2": Field(),
    "city": Field(required=True),
    "stateOrProvince": Field(),
    "zipOrPostalCode": Field(required=True),
    "country": Field(required=True),
}
BANK_ACCOUNT: Fields = {
    "nameOnAccount": Field(required=True),
    "accountNumber": Field(required=True),
    "routingNumber": Field(),
    "type": Field(options=("CHECKING", "SAVINGS")),
    "ownerType": Field(options=("BUSINESS", "PERSONAL")),
    "paymentCurrency": Field(),
    "bankCountry": Field(),
}
_PAYMENT: Fields = {
    "payeeName": Field(),
    "email": Field(),
    "bankAccount": Field(Kind.OBJECT, inside=BANK_ACCOUNT),
}
_MORE: Fields = {
    "taxId": Field(),
    "taxIdType": Field(options=("SSN", "EIN", "UNDEFINED")),
    "track1099": Field(Kind.FLAG),
    "leadTimeInDays": Field(Kind.NUMBER),
    "combinePayments": Field(Kind.FLAG),
    "paymentTermId": Field(),
    "companyName": Field(),
}
_VENDOR: Fields = {
    "name": Field(required=True, longest=100),
    "shortName": Field(longest=40),
    "accountNumber": Field(),
    "accountType": Field(options=("BUSINESS", "PERSON", "NONE")),
    "email": Field(),
    "phone": Field(),
    "address": Field(Kind.OBJECT, required=True, inside=_ADDRESS),
    "paymentInformation": Field(Kind.OBJECT, inside=_PAYMENT),
    "additionalInfo": Field(Kind.OBJECT, inside=_MORE),
    "billCurrency": Field(),
}


def prepare(body: Any) -> dict[str, Any]:
    """The properties of a new vendor, found good. The name need not be unique."""
    fields = read(_VENDOR, body)
    _check_codes(fields)
    account = fields.get("paymentInformation", {}).get("bankAccount")
    payment = {"payByType": "ACH" if account else "CHECK", **fields.get("paymentInformation", {})}
    return {
        "accountType": "NONE",
        "billCurrency": "USD",
        **fields,
        "bankAccountStatus": _bank_status(account),
        "paymentInformation": payment,
        "networkStatus": "NOT_CONNECTED",
        "recurringPayments": False,
    }


def store(act: Act, fields: dict[str, Any], row_id: str | None = None) -> Row:
    """Store a prepared vendor."""
    row = act.add(act.org.vendors, "vendor", fields, row_id)
    act.org.publish("vendor.created", row)
    return row


def change(act: Act, row: Row, body: Any) -> Row:
    """Change what the body names. The bank account and the currency cannot be changed this way."""
    news = read(_VENDOR, body, partial=True)
    if "bankAccount" in (news.get("paymentInformation") or {}):
        raise refuse("BDC_1119", "paymentInformation.bankAccount: cannot be changed here")
    if news.get("billCurrency", row.fields["billCurrency"]) != row.fields["billCurrency"]:
        raise refuse("BDC_1119", "billCurrency: cannot be changed")
    _check_codes(news)

    def alter(vendor: Row) -> None:
        vendor.fields = merged(vendor.fields, news)

    act.change(act.org.vendors, row, alter)
    act.org.publish("vendor.updated", row)
    return row


def archive(act: Act, row: Row, *, archived: bool) -> Row:
    """Archive or restore; repeating changes nothing."""
    if row.archived != archived:
        act.change(act.org.vendors, row, lambda vendor: setattr(vendor, "archived", archived))
        act.org.publish("vendor.archived" if archived else "vendor.restored", row)
    return row


def set_bank_account(act: Act, row: Row, account: Mapping[str, Any] | None) -> None:
    """Give the vendor a bank account, or take it away."""

    def alter(vendor: Row) -> None:
        payment = {name: one for name, one in vendor.fields["paymentInformation"].items() if name != "bankAccount"}
        payment["payByType"] = "ACH" if account else "CHECK"
        if account:
            payment["bankAccount"] = dict(account)
        vendor.fields["paymentInformation"] = payment
        vendor.fields["bankAccountStatus"] = _bank_status(account)

    act.change(act.org.vendors, row, alter)
    act.org.publish("vendor.updated", row)


def show(org: Organization, row: Row) -> dict[str, Any]:
    """A vendor as BILL prints it."""
    return {
        "id": row.id,
        "archived": row.archived,
        **populated(row.fields),
        "balance": {"amount": balance(org, row.id), "lastUpdatedDate": printed(row.updated)},
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
    }


def balance(org: Organization, vendor_id: str) -> Decimal:
    """What is due to the vendor over all bills that are not archived."""
    bills = org.bills.having("vendorId", [vendor_id])
    return sum((bill.fields["dueAmount"] for bill in bills if not bill.archived), Decimal(0))


def endpoints() -> list[Endpoint]:
    """The paths of vendors."""
    one = "/connect/v3/vendors/{id}"
    return [
        Endpoint("GET", "/connect/v3/vendors", "vendors.read", _list),
        Endpoint("POST", "/connect/v3/vendors", "vendors.write", _create),
        Endpoint("POST", "/connect/v3/vendors/bulk", "vendors.write", _create_many),
        Endpoint("GET", one, "vendors.read", _get),
        Endpoint("PATCH", one, "vendors.write", _change),
        Endpoint("POST", f"{one}/archive", "vendors.write", _archive),
        Endpoint("POST", f"{one}/restore", "vendors.write", _restore),
        Endpoint("GET", f"{one}/bank-account", "vendors.read", _bank_account),
        Endpoint("POST", f"{one}/bank-account", "vendors.write", _add_bank_account),
        Endpoint("DELETE", f"{one}/bank-account", "vendors.write", _remove_bank_account),
    ]


def _list(call: Call) -> Answer:
    return call.page(call.org.vendors, LIST, lambda row: show(call.org, row))


def _create(call: Call) -> Answer:
    return Answer(show(call.org, store(call.act, prepare(call.body()))), 201)


def _create_many(call: Call) -> Answer:
    rows = all_or_nothing(read_bulk(call, MAX_BULK), prepare, lambda fields: store(call.act, fields))
    return Answer({"vendors": [show(call.org, row) for row in rows]}, 201)


def _get(call: Call) -> Answer:
    return Answer(show(call.org, find(call.org.vendors, call.path())))


def _change(call: Call) -> Answer:
    return Answer(show(call.org, change(call.act, find(call.org.vendors, call.path()), call.body())))


def _archive(call: Call) -> Answer:
    return Answer(show(call.org, archive(call.act, find(call.org.vendors, call.path()), archived=True)))


def _restore(call: Call) -> Answer:
    return Answer(show(call.org, archive(call.act, find(call.org.vendors, call.path()), archived=False)))


def _bank_account(call: Call) -> Answer:
    row = find(call.org.vendors, call.path())
    account = row.value("paymentInformation.bankAccount")
    if account is None:
        raise refuse("BDC_1205", f"bank account of {row.id}")
    return Answer(account)


def _add_bank_account(call: Call) -> Answer:
    row = find(call.org.vendors, call.path())
    if row.value("paymentInformation.bankAccount") is not None:
        raise refuse("BDC_1119", "the vendor has a bank account; delete it first")
    set_bank_account(call.act, row, read(BANK_ACCOUNT, call.body()))
    return _bank_account(call)


def _remove_bank_account(call: Call) -> Answer:
    set_bank_account(call.act, find(call.org.vendors, call.path()), None)
    return Answer(None, 204)


def _bank_status(account: Mapping[str, Any] | None) -> str:
    return "NO_NET_LINKED_ACCOUNT" if account else "NO_ACCOUNT"


def _check_codes(fields: Mapping[str, Any]) -> None:
    country = (fields.get("address") or {}).get("country")
    if country is not None and not (len(country) == 2 and country.isascii() and country.isupper()):
        raise refuse("BDC_1119", "address.country: must be an ISO 3166 alpha-2 code")
    currency = fields.get("billCurrency")
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise refuse("BDC_1119", "billCurrency: must be an ISO 4217 code")
