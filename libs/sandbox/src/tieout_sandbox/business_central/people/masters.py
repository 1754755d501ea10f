"""People keep masters and setup."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from tieout_sandbox.business_central.books import entries, masters
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.reading import (
    add_rules,
    found_id,
    load_vendor,
    read_fields,
    row_of,
)
from tieout_sandbox.business_central.books.renaming import merge_vendor, rename_vendor
from tieout_sandbox.business_central.books.store import Table
from tieout_sandbox.business_central.refusals import Refusal


def create_vendor(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``vendor``: fields of a vendor of a world."""
    vendor = load_vendor(books, order["vendor"])
    return {"id": vendor.id, "number": vendor.number}


def change_vendor(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``number`` and ``values``: new fields; a new ``number`` among them renames, the id stays."""
    vendor = books.vendor(order["number"])
    values = dict(order["values"])
    number = values.pop("number", None)
    terms = values.pop("payment_terms", None)
    if terms is not None:
        values["payment_terms_id"] = found_id(books.payment_terms, terms)
    if values:
        books.vendors.change(vendor, **read_fields(masters.Vendor, values))
    if number:
        rename_vendor(books, vendor, number)
    return {"id": vendor.id, "number": vendor.number}


def block_vendor(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``number`` and ``blocked``: All, Payment or a blank."""
    books.vendors.change(books.vendor(order["number"]), blocked=order.get("blocked", "All"))
    return {}


def merge(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``number`` of a duplicate and ``into``: documents and entries move, the duplicate goes."""
    merge_vendor(books, books.vendor(order["number"]), books.vendor(order["into"]))
    return {}


def delete_vendor(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``number``; refused once the vendor has entries."""
    vendor = books.vendor(order["number"])
    if any(entry.vendor == vendor.number for entry in books.vendor_ledger):
        raise Refusal("has_entries", table="Vendor", number=vendor.number)
    books.vendors.remove(vendor)
    return {}


def bulk_touch(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``table`` (such as Vendor): a tool rewrites every row in one moment, nothing visible changes."""
    table = books.store.tables[order.get("table", "Vendor")]
    before, rows = books.store.fixed_stamp, list(table)
    books.store.fixed_stamp = books.store.stamp()
    try:
        for row in rows:
            table.change(row)
    finally:
        books.store.fixed_stamp = before
    return {"rows": len(rows)}


def setup(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``values``: fields of the setup, such as allow_posting_from."""
    books.setups.change(books.setup, **read_fields(masters.Setup, order["values"]))
    return {}


def close_period(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``from`` and ``to``: the window of allowed posting dates; an empty one is open."""
    window = {"allow_posting_from": order.get("from"), "allow_posting_to": order.get("to")}
    books.setups.change(books.setup, **read_fields(masters.Setup, window))
    return {}


def set_rules(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``vendor`` or ``account`` and ``rules``: default dimensions replaced."""
    kind, parent = (
        ("Vendor", books.vendor(order["vendor"]).id)
        if "vendor" in order
        else ("G/L Account", books.account(order["account"]).id)
    )
    for row in books.default_dimensions.where("parent", parent):
        books.default_dimensions.remove(row)
    add_rules(books, kind, parent, order["rules"])
    return {}


def _adder(table: Callable[[Books], Table[Any]], kind: type[Any]) -> Callable[[Books, dict[str, Any]], dict[str, Any]]:
    def add(books: Books, order: dict[str, Any]) -> dict[str, Any]:
        """``values``: the fields of the row."""
        return {"id": table(books).insert(row_of(kind, order["values"])).id}

    return add


def _changer(
    table: Callable[[Books], Table[Any]], kind: type[Any]
) -> Callable[[Books, dict[str, Any]], dict[str, Any]]:
    names = {one.name for one in fields(kind)}

    def change(books: Books, order: dict[str, Any]) -> dict[str, Any]:
        """``key`` (a list for a compound one) and ``values``."""
        key = tuple(order["key"]) if isinstance(order["key"], list) else order["key"]
        row = table(books).find(key)
        if row is None:
            raise ValueError(f"no {table(books).name} {key!r}; its fields are {sorted(names)}")
        table(books).change(row, **read_fields(kind, order["values"]))
        return {"id": row.id}

    return change


_KEPT: dict[str, tuple[Callable[[Books], Table[Any]], type[Any]]] = {
    "account": (lambda books: books.accounts, masters.Account),
    "dimension": (lambda books: books.dimensions, masters.Dimension),
    "dimension_value": (lambda books: books.dimension_values, masters.DimensionValue),
    "currency": (lambda books: books.currencies, masters.Currency),
    "payment_term": (lambda books: books.payment_terms, masters.PaymentTerm),
    "bank_account": (lambda books: books.bank_accounts, masters.BankAccount),
    "article": (lambda books: books.articles, masters.Article),
    "series": (lambda books: books.series, masters.NumberSeries),
    "batch": (lambda books: books.batches, entries.JournalBatch),
    "template": (lambda books: books.templates, entries.JournalTemplate),
}

ACTIONS: dict[str, Callable[[Books, dict[str, Any]], dict[str, Any]]] = {
    "create_vendor": create_vendor,
    "change_vendor": change_vendor,
    "block_vendor": block_vendor,
    "delete_vendor": delete_vendor,
    "merge_vendor": merge,
    "bulk_touch": bulk_touch,
    "setup": setup,
    "close_period": close_period,
    "set_dimension_rules": set_rules,
    **{f"create_{name}": _adder(*kept) for name, kept in _KEPT.items()},
    **{f"change_{name}": _changer(*kept) for name, kept in _KEPT.items()},
}
