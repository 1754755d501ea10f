"""Money is a Decimal with its currency; on the wire it is a string. Binary floats never touch it."""

from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, field_validator

# ISO 4217 minor units that differ from two; a currency not named here has two decimals.
MINOR_UNITS: Final[dict[str, int]] = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip

# 18 digits before the point are more than any of the five ERPs can store; a larger number is an id or a slip. Within
# them every sum of a document stays inside the 28 digits that Python's decimals keep exactly.
MAX_INTEGER_DIGITS: Final = 18

# An inexact sum is an error here: silently dropped digits would look like a rounding difference between two ledgers.
_EXACT: Final = Context(prec=64, traps=[InvalidOperation, Inexact])
_ROUNDING: Final = Context(prec=64, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def decimal_of(value: str | int | Decimal) -> Decimal:
    """Read an amount exactly. A float is refused: parse JSON with ``parse_float=Decimal``.

    Raises:
        TypeError: for a float or a bool.
        ValueError: for text that is no finite number, or for more than MAX_INTEGER_DIGITS before the point.
    """
    if isinstance(value, bool | float):
        raise TypeError(f"an amount must not be a {type(value).__name__}: {value!r}")
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"not a number: {value!r}") from error
    if not amount.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    if amount.adjusted() >= MAX_INTEGER_DIGITS:
        raise ValueError(f"too large for an amount: {value!r}")
    return amount


def _exactly(value: object) -> Decimal:
    """``decimal_of`` as a validator: pydantic itself would take a float and let a TypeError through."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        raise ValueError(f"an amount must be text or a decimal, not a {type(value).__name__}")  # noqa: TRY004
    return decimal_of(value)


Amount = Annotated[
    Decimal, BeforeValidator(_exactly), PlainSerializer(lambda value: format(value, "f"), return_type=str)
]
"""A decimal that is written as a plain string, never in exponent form, and never read from a float."""


def smallest_unit(currency: str) -> Decimal:
    """The smallest unit of a currency: 0.01 for USD, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))


def in_minor_units(amount: Decimal, currency: str) -> Decimal:
    """The same amount, written with its currency's decimals (70.00 USD, 70 JPY); a finer one is left as it is."""
    written = amount.quantize(smallest_unit(currency), context=_ROUNDING)
    return written if written == amount else amount


class Money(BaseModel):
    """An amount in one currency (ISO 4217). Adding two currencies is an error, never a conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Amount
    currency: str

    @field_validator("currency")
    @classmethod
    def _is_iso(cls, value: str) -> str:
        if len(value) != 3 or not value.isascii() or not value.isalpha() or not value.isupper():
            raise ValueError(f"not an ISO 4217 code: {value!r}")
        return value

    def rounded(self) -> "Money":
        """Half up to the currency's smallest unit, as ledgers of all five ERPs do."""
        return Money(
            amount=self.amount.quantize(smallest_unit(self.currency), context=_ROUNDING), currency=self.currency
        )

    def is_exact(self) -> bool:
        """Whether the amount needs no rounding in its currency."""
        return self.amount == self.rounded().amount

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=_EXACT.add(self.amount, other.amount), currency=self.currency)

    def __neg__(self) -> "Money":
        return Money(amount=_EXACT.minus(self.amount), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + -other
