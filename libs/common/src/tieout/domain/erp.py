"""Records of an ERP, the same for all five."""

from datetime import datetime
from enum import StrEnum

from tieout.domain.records import Address, Record


class Blocked(StrEnum):
    """How far an ERP vendor is blocked: not at all, for payments, or for everything."""

    NO = "no"
    PAYMENT = "payment"
    ALL = "all"


class Vendor(Record):
    """A vendor of the ERP.

    Attributes:
        id: the ERP's own identifier, which survives a renumbering.
        number: the number people know it by.
        currency: ISO 4217; the ledger's local currency where the ERP leaves it blank.
        version: changes with every write in the ERP; compared for equality only.
        modified: UTC; when the ERP last stamped it, None where it keeps no stamp.
    """

    id: str
    number: str
    name: str
    currency: str
    address: Address = Address()
    email: str = ""
    phone: str = ""
    blocked: Blocked = Blocked.NO
    version: str = ""
    modified: datetime | None = None
