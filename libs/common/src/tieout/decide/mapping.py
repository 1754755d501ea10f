"""From the ERP's terms to BILL's: content that fits BILL's limits, or the reason why there is none."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from tieout.domain.bill import BillVendorContent
from tieout.domain.capabilities import TargetField
from tieout.domain.capabilities_bill import BILL
from tieout.domain.erp import Vendor
from tieout.domain.records import Address

VENDOR_NAME: Final = BILL.lengths[TargetField.VENDOR_NAME]
VENDOR_SHORT_NAME: Final = BILL.lengths[TargetField.VENDOR_SHORT_NAME]
TAIL: Final = 7


@dataclass(frozen=True)
class Unmappable:
    """Why a record cannot stand in BILL: a word of ``decide.holds`` and what its sentence needs.

    ``until`` is the name of another record that is the cause; a change of it is worth another look. ``release`` says
    that a person may overrule it.
    """

    reason: str
    params: dict[str, str] = field(default_factory=dict)
    until: str = ""
    release: bool = False


def fit(text: str, limit: int) -> str:
    """Text within a limit. What is too long ends in ``~`` and six characters of its hash: visible, and still unique."""
    if len(text) <= limit:
        return text
    tail = hashlib.sha256(text.encode()).hexdigest()[: TAIL - 1]
    return f"{text[: limit - TAIL].rstrip()}~{tail}"


def map_vendor(vendor: Vendor) -> BillVendorContent | Unmappable:
    """The vendor as it is to stand in BILL. Its number goes into the short name, by which it is found again."""
    number = vendor.number
    if not vendor.name.strip():
        return Unmappable("vendor.name_empty", {"number": number})
    if not (len(vendor.currency) == 3 and vendor.currency.isascii() and vendor.currency.isalpha()):
        return Unmappable("vendor.currency_unknown", {"number": number, "currency": vendor.currency})
    address = stripped(vendor.address)
    wanted = {
        "street": address.line1,
        "city": address.city,
        "postal code": address.postal_code,
        "country": address.country,
    }
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        return Unmappable("vendor.address_incomplete", {"number": number, "missing": ", ".join(missing)})
    return BillVendorContent(
        name=fit(vendor.name.strip(), VENDOR_NAME),
        short_name=fit(number, VENDOR_SHORT_NAME),
        currency=vendor.currency.upper(),
        address=address,
        email=first_address(vendor.email),
        phone=vendor.phone.strip(),
    )


def stripped(address: Address) -> Address:
    """The address without blanks around its parts, which BILL may or may not keep."""
    parts = {key: value.strip() for key, value in address if value != value.strip()}
    return address.model_copy(update=parts) if parts else address


def first_address(emails: str) -> str:
    """The first of several e-mail addresses; ERPs keep a list with semicolons in one field, BILL takes one."""
    return emails.replace(",", ";").split(";")[0].strip()
