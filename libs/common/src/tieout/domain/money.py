"""Money is a Decimal with its currency; on the wire it is a string. Binary floats never touch it."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, PlainSerializer, field_validator

# ISO 4217 minor units that differ from two; a currency not named here has two decimals.
MINOR_UNITS: Final[dict[str, int]] = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip

Amount = Annotated[Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str)]
"""A decimal that is written as a plain string, never in exponent form."""


def decimal_of(value: str | int | Decimal) -> Decimal:
    """Read an amount exactly. A float is refused: parse JSON with ``parse_float=Decimal``.

    Raises:
        TypeError: for a float or a bool.
        ValueError: for text that is no finite number.
    """
    if isinstance(value, bool | float):
        raise TypeError(f"an amount must not be a {type(value).__name__}: {value!r}")
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"not a number: {value!r}") from error
    if not amount.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return amount


def smallest_unit(currency: str) -> Decimal:
    """The smallest unit of a currency: 0.01 for USD, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))


class Money(BaseModel):
    """An amount in one currency (ISO 4217). Adding two currencies is an error, never a conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Amount
    currency: str

    @field_validator("currency")
    @classmethod
    def _is_iso(cls, value: str) -> str:
        if len(value) != 3 or not value.isascii() or not value.isupper():
            raise ValueError(f"not an ISO 4217 code: {value!r}")
        return value

    def rounded(self) -> "Money":
        """Half up to the currency's smallest unit, as ledgers of all five ERPs do."""
        return Money(amount=self.amount.quantize(smallest_unit(self.currency), ROUND_HALF_UP), currency=self.currency)

    def is_exact(self) -> bool:
        """Whether the amount needs no rounding in its currency."""
        return self.amount == self.rounded().amount

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __neg__(self) -> "Money":
        return Money(amount=-self.amount, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + -other
