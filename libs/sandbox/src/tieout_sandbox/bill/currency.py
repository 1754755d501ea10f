"""Currencies: a bill has its vendor's, and BILL says what it is in dollars."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout_sandbox.bill.fields import CENT
from tieout_sandbox.bill.organization import Organization
from tieout_sandbox.bill.store import Row

HOME = "USD"


def in_dollars(org: Organization, vendor: Row, amount: Decimal) -> dict[str, Any]:
    """``fundingAmount`` and ``exchangeRate`` of an amount in the vendor's currency; None where BILL has no rate."""
    currency = vendor.fields["billCurrency"]
    rate = org.rates.get(currency)
    if rate is None:
        return {"fundingAmount": None, "exchangeRate": None}
    dollars = (amount * rate).quantize(CENT, ROUND_HALF_UP)
    return {"fundingAmount": dollars, "exchangeRate": None if currency == HOME else rate}


def account(org: Organization, vendor_id: str, name: str) -> str:
    """The books' account of this name in the vendor's currency; dollars are not named."""
    vendor = org.vendors.get(vendor_id)
    currency = vendor.fields["billCurrency"] if vendor else HOME
    return name if currency == HOME else f"{name}:{currency}"
