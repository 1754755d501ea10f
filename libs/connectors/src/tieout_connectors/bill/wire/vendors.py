"""Vendors. BILL keeps the currency of all bills on the vendor, and the ERP's vendor number in its short name.

``accountNumber`` is never written: BILL prints it on checks as the payer's number at the vendor. Bank details are
neither read nor written; what stands in their place after ``privacy.redacted`` is their fingerprint.
"""

from typing import Any

from tieout.domain.bill import BillVendor, BillVendorContent
from tieout.domain.records import Address
from tieout_connectors.bill.wire.fields import Fields, filled
from tieout_connectors.bill.wire.lists import read_all
from tieout_connectors.bill.wire.privacy import FINGERPRINT


def read_vendor(raw: Any) -> BillVendor:
    """A vendor, from REST or from an event. Events before April 2025 hold little more than id and name."""
    vendor = Fields(raw, "vendor")
    return BillVendor(
        id=vendor.needed("id"),
        name=vendor.needed("name"),
        short_name=vendor.text("shortName"),
        currency=vendor.text("billCurrency"),
        address=_address(vendor.inner("address")),
        email=vendor.text("email"),
        phone=vendor.text("phone"),
        archived=vendor.flag("archived") or False,
        payment_fingerprint=vendor.inner("paymentInformation").inner("bankAccount").text(FINGERPRINT),
        created=vendor.moment("createdTime"),
        updated=vendor.moment("updatedTime"),
    )


def read_vendors(raw: Any) -> tuple[BillVendor, ...]:
    """The answer to the creation of several."""
    return read_all(raw, "vendors", read_vendor)


def write_vendor(content: BillVendorContent) -> dict[str, Any]:
    """The body that creates a vendor."""
    return filled(
        name=content.name,
        shortName=content.short_name,
        email=content.email,
        phone=content.phone,
        address=filled(**_parts(content.address)),
        accountType="BUSINESS",
        billCurrency=content.currency,
    )


def write_vendor_change(content: BillVendorContent, current: BillVendor | None = None) -> dict[str, Any]:
    """The body that changes a vendor; its currency and kind are settled when it is created.

    What is empty is left out, because BILL may refuse a blank; but a value that stands in ``current`` and is to go is
    sent as a blank, so that it either goes or is refused, and never stays in silence.
    """
    before = current or BillVendor(id="-", name="-")
    address = _kept(_parts(content.address), _parts(before.address))
    texts = _kept(
        {"shortName": content.short_name, "email": content.email, "phone": content.phone},
        {"shortName": before.short_name, "email": before.email, "phone": before.phone},
    )
    return filled(name=content.name, address=address) | texts


def _kept(wanted: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in wanted.items() if value or before[key]}


def _parts(address: Address) -> dict[str, str]:
    return {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "stateOrProvince": address.state,
        "zipOrPostalCode": address.postal_code,
        "country": address.country,
    }


def _address(address: Fields) -> Address:
    return Address(
        line1=address.text("line1"),
        line2=address.text("line2"),
        city=address.text("city"),
        state=address.text("stateOrProvince"),
        postal_code=address.text("zipOrPostalCode"),
        country=address.text("country"),
    )
