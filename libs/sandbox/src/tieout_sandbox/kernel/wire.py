"""JSON as the simulated systems print it."""

from decimal import Decimal
from json import dumps
from typing import Any


def dump(value: Any) -> str:
    """JSON without blanks; decimals as numbers with their digits, as the systems print them."""
    return dumps(value, separators=(",", ":"), ensure_ascii=False, default=_number)


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"cannot print a {type(value).__name__} as JSON")
