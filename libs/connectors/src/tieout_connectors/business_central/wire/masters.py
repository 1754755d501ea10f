"""Vendors, accounts, dimensions and posting dates: raw row to record."""

from collections.abc import Mapping
from typing import Any, Final

from tieout.domain.erp import Account, AccountCategory, Blocked, Dimension, DimensionValue, Vendor
from tieout.domain.erp_ledger import DateRange, PeriodState
from tieout.domain.records import Address, ReadContext
from tieout_connectors.business_central.wire.fields import Fields
from tieout_connectors.spi.wire import Unreadable

_BLOCKED: Final = {"": Blocked.NO, "payment": Blocked.PAYMENT, "all": Blocked.ALL}

_CATEGORIES: Final = {
    "": AccountCategory.OTHER,
    "assets": AccountCategory.ASSET,
    "liabilities": AccountCategory.LIABILITY,
    "equity": AccountCategory.EQUITY,
    "income": AccountCategory.INCOME,
    "cost of goods sold": AccountCategory.COST_OF_SALES,
    "expense": AccountCategory.EXPENSE,
}

_POSTING: Final = {"posting": True, "heading": False, "total": False, "begin-total": False, "end-total": False}


def vendor(document: Mapping[str, Any], context: ReadContext) -> Vendor:
    """A row of ``vendors``. The API shows no other address, no bank and no posting group."""
    row = Fields(document)
    return Vendor(
        id=row.needed_reference("id"),
        number=row.needed("number"),
        name=row.text("displayName"),
        currency=row.currency("currencyCode", context),
        address=Address(
            line1=row.text("addressLine1"),
            line2=row.text("addressLine2"),
            city=row.text("city"),
            state=row.text("state"),
            postal_code=row.text("postalCode"),
            country=row.text("country"),
        ),
        email=row.text("email"),
        phone=row.text("phoneNumber"),
        blocked=row.option("blocked", _BLOCKED),
        version=row.text("@odata.etag"),
        modified=row.moment("lastModifiedDateTime"),
    )


def account(document: Mapping[str, Any], _context: ReadContext) -> Account:
    """A row of ``accounts``. A control account is not ``direct``: the ledger keeps it, no line may name it."""
    row = Fields(document)
    return Account(
        id=row.needed_reference("id"),
        number=row.needed("number"),
        name=row.text("displayName"),
        category=row.option("category", _CATEGORIES),
        direct=row.option("accountType", _POSTING) and row.flag("directPosting"),
        blocked=row.flag("blocked"),
        version=row.text("@odata.etag"),
        modified=row.moment("lastModifiedDateTime"),
    )


def dimension(document: Mapping[str, Any], _context: ReadContext) -> Dimension:
    """A row of ``dimensions``. Whether it is blocked is not shown."""
    row = Fields(document)
    return Dimension(
        id=row.needed_reference("id"),
        code=row.needed("code"),
        name=row.text("displayName"),
        version=row.text("@odata.etag"),
        modified=row.moment("lastModifiedDateTime"),
    )


def dimension_value(document: Mapping[str, Any], _context: ReadContext) -> DimensionValue:
    """A row of ``dimensionValues`` beside the row of its dimension, which it names by id only.

    Whether it is blocked, a heading or a total is not shown: a refusal when posting has to be expected.
    """
    both = Fields(document)
    row, owner = both.needed_inner("dimensionValue"), both.needed_inner("dimension")
    if row.needed_reference("dimensionId") != owner.needed_reference("id"):
        raise Unreadable("dimension.id", "the row of another dimension")
    return DimensionValue(
        id=row.needed_reference("id"),
        dimension=owner.needed("code"),
        code=row.needed("code"),
        name=row.text("displayName"),
        version=row.text("@odata.etag"),
        modified=row.moment("lastModifiedDateTime"),
    )


def period(document: Mapping[str, Any], _context: ReadContext) -> PeriodState:
    """The one row of ``generalLedgerSetup``; a user setup of our own application may be narrower and is not shown."""
    row = Fields(document)
    first, last = row.day("allowPostingFrom"), row.day("allowPostingTo")
    if first is not None and last is not None and last < first:
        return PeriodState(open=(), version=row.text("@odata.etag"))
    return PeriodState(open=(DateRange(first=first, last=last),), version=row.text("@odata.etag"))
