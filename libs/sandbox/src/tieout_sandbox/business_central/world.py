"""From a world, which is JSON, to books. A company's history is a list of people's actions, each at its time.

A world::

    {"tenant": guid, "tenant_domain": name, "environment": name, "environment_type": "Production" or "Sandbox",
     "apps": [client ids set up in the environment], "token_key" or "token_key_file": what Entra signs with,
     "switches": {...}, "companies": [company, ...]}

A company: ``name``, ``id``?, ``display_name``?, ``at`` (ISO time of the masters), ``setup`` (fields of ``Setup``), the
lists of masters named in ``_MASTERS`` (fields of the rows, codes instead of ids), ``dimensions`` each with ``values``,
``vendors`` with ``payment_terms``, ``payment_method`` and ``default_dimensions`` ({dimension: {"value", "rule"}}),
``account_dimensions`` ({account: {dimension: {...}}}), ``batches`` and ``people`` (see ``people``), each with ``at``.
"""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from tieout_sandbox.business_central.books import entries, masters
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.reading import add_rules, load_vendor, row_of
from tieout_sandbox.business_central.books.store import Row, Table
from tieout_sandbox.business_central.people import act
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.kernel.clock import Clock

# list of the world → the books' table and the row's class
_MASTERS: dict[str, tuple[Callable[[Books], Table[Any]], type[Row]]] = {
    "units": (lambda books: books.units, masters.Unit),
    "series": (lambda books: books.series, masters.NumberSeries),
    "accounts": (lambda books: books.accounts, masters.Account),
    "posting_groups": (lambda books: books.posting_groups, masters.PostingGroup),
    "tax_codes": (lambda books: books.tax_codes, masters.TaxCode),
    "payment_terms": (lambda books: books.payment_terms, masters.PaymentTerm),
    "payment_methods": (lambda books: books.payment_methods, masters.PaymentMethod),
    "currencies": (lambda books: books.currencies, masters.Currency),
    "bank_accounts": (lambda books: books.bank_accounts, masters.BankAccount),
    "articles": (lambda books: books.articles, masters.Article),
    "templates": (lambda books: books.templates, entries.JournalTemplate),
    "batches": (lambda books: books.batches, entries.JournalBatch),
}


_WORLD = {
    "tenant",
    "tenant_domain",
    "environment",
    "environment_type",
    "apps",
    "token_key",
    "token_key_file",
    "switches",
    "companies",
}
_COMPANY = {"name", "id", "display_name", "at", "setup", "dimensions", "vendors", "account_dimensions", "people"}


def check(world: dict[str, Any], switches: Iterable[str]) -> None:
    """A ValueError if the world lacks something or has something nobody reads."""
    for name in ("tenant", "environment", "companies"):
        if not world.get(name):
            raise ValueError(f"a world of Business Central has {name!r}")
    _known("a world", world, _WORLD)
    _known("the switches of a world", world.get("switches", {}), set(switches))
    for company in world["companies"]:
        if not company.get("name"):
            raise ValueError("a company of a world has 'name'")
        _known(f"company {company['name']!r}", company, _COMPANY | set(_MASTERS))


def _known(what: str, given: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError(f"{what} has no {', '.join(unknown)}; there are: {', '.join(sorted(known))}")


def load_company(company: dict[str, Any], clock: Clock) -> Books:
    """The books of one company of a checked world; a ValueError says which part of it is wrong."""
    name = company["name"]
    identity = company.get("id") or str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    books = Books(clock, identity=identity, name=name, seed=uuid.UUID(identity).int)
    books.display_name = company.get("display_name", "")
    moment = _moment(company.get("at")) or clock.now()
    books.created = books.store.fixed_stamp = moment
    try:
        _load_masters(books, company)
    except (Refusal, KeyError) as error:
        raise ValueError(f"company {name!r}: {error}") from error
    for place, order in enumerate(company.get("people", [])):
        books.store.fixed_stamp = _moment(order.get("at")) or clock.now()
        try:
            act(books, order)
        except (Refusal, ValueError) as error:
            raise ValueError(f"people[{place}] of {name!r}, {order.get('do')!r}: {error}") from error
    books.store.fixed_stamp = None
    books.store.reseed()
    return books


def _load_masters(books: Books, company: dict[str, Any]) -> None:
    with books.store.transaction():
        books.setups.insert(row_of(masters.Setup, {"name": books.name, **company.get("setup", {})}))
        for key, (table, kind) in _MASTERS.items():
            for values in company.get(key, []):
                table(books).insert(row_of(kind, values))
        _load_dimensions(books, company)
        for values in company.get("vendors", []):
            load_vendor(books, values)
        for account, rules in company.get("account_dimensions", {}).items():
            add_rules(books, "G/L Account", books.account(account).id, rules)


def _load_dimensions(books: Books, company: dict[str, Any]) -> None:
    for values in company.get("dimensions", []):
        members = values.get("values", [])
        head = {key: value for key, value in values.items() if key != "values"}
        books.dimensions.insert(row_of(masters.Dimension, head))
        for member in members:
            row = row_of(masters.DimensionValue, {"dimension": head["code"], **member})
            books.dimension_values.insert(row)


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
