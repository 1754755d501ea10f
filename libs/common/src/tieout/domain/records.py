"""What all records share. A record is what Tieout knows of one object of one side, in its own terms.

An ERP's record and BILL's are different types on purpose: what was read is never mistaken for what is to be written.
Text is as the outside holds it, already free of its transport's quirks (escapes, padding); emptiness is ``""``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema


class Record(BaseModel):
    """Frozen; readers are open so that a newer writer's field is skipped, writers only ever build declared fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Kind(StrEnum):
    """The kinds of ERP records a connector may read, one raw row each; what a row holds is the connector's choice."""

    VENDOR = "vendor"
    ACCOUNT = "account"
    DIMENSION = "dimension"
    DIMENSION_VALUE = "dimension_value"
    PURCHASE_INVOICE = "purchase_invoice"
    """Header, lines, dimensions and posted general ledger entries together: one row is one whole invoice."""
    VENDOR_CREDIT = "vendor_credit"
    LEDGER_ENTRY = "ledger_entry"
    """Vendor ledger entries: the only place where a partial payment, a hold or a reversal is seen in all five."""
    PERIOD = "period"
    """When the company may post: one row, because periods are few and mean nothing alone."""


POLLED: Final[tuple[Kind, ...]] = (
    Kind.ACCOUNT,
    Kind.DIMENSION_VALUE,
    Kind.VENDOR,
    Kind.PURCHASE_INVOICE,
    Kind.LEDGER_ENTRY,
)
"""What is polled, masters before documents: of two kinds due at once the first here goes first."""


def _polled(kind: Kind) -> Kind:
    if kind not in POLLED:
        raise ValueError(f"{kind.value} is not polled; what is: {', '.join(POLLED)}")
    return kind


PolledKind = Annotated[
    Kind, AfterValidator(_polled), WithJsonSchema({"type": "string", "enum": [kind.value for kind in POLLED]})
]
"""As a field: any other kind is refused with those that are polled."""


class Address(Record):
    """A postal address. ``country`` is ISO 3166 alpha-2 or ``""``."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


class ReadContext(Record):
    """What a pure reader of one company's rows has to know beside them; it travels with them, so that a replay has it.

    Attributes:
        company: the ERP's own identifier of the company.
        local_currency: ISO 4217; what a blank currency code means.
        currencies: the ERP's currency codes that are no ISO codes (``$``, ``Z-US$``), with theirs.
        settings: what only this connector's readers understand: a delimiter, the order of dimensions.
    """

    company: str
    local_currency: str
    currencies: Mapping[str, str] = {}
    settings: Mapping[str, str] = {}

    def iso(self, code: str) -> str:
        """The ISO 4217 code of an ERP's currency code.

        Raises:
            ValueError: if the code is not known and is none itself.
        """
        found = self.currencies.get(code, code) if code else self.local_currency
        if len(found) != 3 or not found.isascii() or not found.isalpha() or not found.isupper():
            raise ValueError(f"no ISO 4217 code is known for currency {code!r}")
        return found
