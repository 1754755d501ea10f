"""Records of BILL: what was read there, and what is to be written."""

from datetime import datetime

from tieout.domain.records import Address, Record


class BillVendor(Record):
    """A vendor in BILL. ``short_name`` carries the ERP's vendor number; ``currency`` holds for all its bills."""

    id: str
    name: str
    short_name: str = ""
    currency: str = ""
    address: Address = Address()
    email: str = ""
    phone: str = ""
    archived: bool = False
    created: datetime | None = None
    updated: datetime | None = None


class BillVendorContent(Record):
    """A vendor as it is to stand in BILL. Lengths are already within BILL's limits; the address is complete."""

    name: str
    short_name: str
    currency: str
    address: Address
    email: str = ""
    phone: str = ""
