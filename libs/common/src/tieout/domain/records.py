"""What all records share. A record is what Tieout knows of one object of one side, in its own terms.

An ERP's record and BILL's are different types on purpose: what was read is never mistaken for what is to be written.
Text is as the outside holds it, already free of its transport's quirks (escapes, padding); emptiness is ``""``.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen; readers are open so that a newer writer's field is skipped, writers only ever build declared fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Kind(StrEnum):
    """The kinds of ERP records that are read."""

    VENDOR = "vendor"


class Address(Record):
    """A postal address. ``country`` is ISO 3166 alpha-2 or ``""``."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""

    def is_complete(self) -> bool:
        """Whether a payment could be mailed: BILL demands line 1, city, postal code and country."""
        return all((self.line1, self.city, self.postal_code, self.country))
