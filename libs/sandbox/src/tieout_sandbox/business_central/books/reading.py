"""Rows from JSON, for worlds and for what people do."""

import typing
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from tieout_sandbox.business_central.books import masters
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.store import Row, Table

R = TypeVar("R", bound=Row)
# The types of each kind of row's fields, found once: a large world has thousands of rows.
_HINTS: dict[str, dict[str, Any]] = {}


def row_of(kind: type[R], values: dict[str, Any]) -> R:
    """A row from JSON values; an unknown or wrong one is a ValueError that names it."""
    try:
        return kind(**read_fields(kind, values))
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


def read_fields(kind: type[Row], values: dict[str, Any]) -> dict[str, Any]:
    """JSON values as the fields of a row; an unknown or wrong one is a ValueError that names it."""
    hints = _hints(kind)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; there are: {', '.join(sorted(hints))}")
    try:
        return {name: read_value(hints[name], value) for name, value in values.items()}
    except (TypeError, ArithmeticError) as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


def _hints(kind: type[Row]) -> dict[str, Any]:
    if kind.__name__ not in _HINTS:
        hints = typing.get_type_hints(kind)
        _HINTS[kind.__name__] = {one.name: hints[one.name] for one in fields(kind)}
    return _HINTS[kind.__name__]


def read_value(kind: Any, value: Any) -> Any:
    """A JSON value as the type of a field."""
    if kind is Decimal:
        return Decimal(str(value))
    if kind in (date, date | None):
        return date.fromisoformat(value) if value else None
    if kind == list[tuple[date, Decimal]]:
        return sorted((date.fromisoformat(day), Decimal(str(rate))) for day, rate in value)
    return value


def load_vendor(books: Books, values: dict[str, Any]) -> masters.Vendor:
    """A vendor of a world or of a person, with codes for its terms and method."""
    own = dict(values)
    rules = own.pop("default_dimensions", {})
    terms, method = own.pop("payment_terms", ""), own.pop("payment_method", "")
    if terms:
        own["payment_terms_id"] = found_id(books.payment_terms, terms)
    if method:
        own["payment_method_id"] = found_id(books.payment_methods, method)
    setup = books.setup
    own = {"posting_group": setup.default_posting_group, "business_group": setup.default_business_group, **own}
    if not own.get("number"):
        own["number"] = books.series_next(setup.vendor_series)
    vendor = books.vendors.insert(row_of(masters.Vendor, own))
    add_rules(books, "Vendor", vendor.id, rules)
    return vendor


def found_id(table: Table[Any], code: str) -> str:
    """The id of a code that must be there."""
    found = table.find(code)
    if found is None:
        raise ValueError(f"no {table.name} {code!r}")
    return str(found.id)


def add_rules(books: Books, parent_type: str, parent: str, rules: dict[str, dict[str, str]]) -> None:
    """Default dimensions of a vendor, item or account."""
    for dimension, rule in rules.items():
        row = masters.DefaultDimension(
            parent_type=parent_type,
            parent_id=parent,
            dimension=dimension,
            value=rule.get("value", ""),
            posting_validation=rule.get("rule", " "),
        )
        books.default_dimensions.insert(row)
