"""``vendors`` and ``defaultDimensions``."""

from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.masters import DefaultDimension, Vendor
from tieout_sandbox.business_central.books.renaming import rename_vendor
from tieout_sandbox.business_central.odata.schema import entity, snake
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.sets.ledgers import Aged

VENDOR = entity(
    "vendor",
    """
id guid R
number code20
displayName text100
addressLine1 text100
addressLine2 text50
city text30
state text30
country code10
postalCode code20
phoneNumber text30
email text80
website text255
taxRegistrationNumber text50
currencyId guid
currencyCode code10
irs1099Code code10
paymentTermsId guid
paymentMethodId guid
taxLiable bool
blocked enum X
balance decimal R
lastModifiedDateTime time R
""",
    members={"blocked": (" ", "Payment", "All")},
    getters={
        "currencyId": lambda row, books: books.currency_id(row.currency_code),
        "currencyCode": lambda row, books: books.currency_shown(row.currency_code),
        "lastModifiedDateTime": lambda row, _books: row.modified,
    },
)

DEFAULT_DIMENSION = entity(
    "defaultDimension",
    """
id guid R
parentType enum
parentId guid
dimensionId guid
dimensionCode code20 R
dimensionValueId guid
dimensionValueCode code20 R
postingValidation enum
lastModifiedDateTime time R
""",
    members={
        "parentType": (" ", "Customer", "Item", "Vendor", "Employee"),
        "postingValidation": (" ", "Code Mandatory", "Same Code", "No Code"),
    },
    getters={
        "dimensionId": lambda row, books: books.dimensions.find(row.dimension).id,
        "dimensionCode": lambda row, _books: row.dimension,
        "dimensionValueId": lambda row, books: _value_id(books, row.dimension, row.value),
        "dimensionValueCode": lambda row, _books: row.value,
        "lastModifiedDateTime": lambda row, _books: row.modified,
    },
)


def _value_id(books: Books, dimension: str, value: str) -> str:
    found = books.dimension_values.find((dimension, value))
    return found.id if found else ""


def currency_of(books: Books, values: dict[str, Any]) -> str | None:
    """The currency code that ``currencyId`` and ``currencyCode`` of a request agree on; None if neither was sent."""
    by_id: str | None = None
    if "currencyId" in values:
        identity = values["currencyId"]
        found = books.currencies.get(identity)
        if found is None and identity.strip("0-"):
            raise Refusal("currency_id")
        by_id = found.code if found else ""
    if "currencyCode" not in values:
        return by_id
    by_code = books.currency_read(values["currencyCode"])
    if by_id not in (None, by_code):
        raise Refusal("currency_pair")
    return by_code


def _fields(books: Books, values: dict[str, Any]) -> dict[str, Any]:
    """The row's fields from a request's values, references checked."""
    terms, method = values.get("paymentTermsId", ""), values.get("paymentMethodId", "")
    if terms.strip("0-") and books.payment_terms.get(terms) is None:
        raise Refusal("terms_id")
    if method.strip("0-") and books.payment_methods.get(method) is None:
        raise Refusal("method_id")
    fields = {snake(name): value for name, value in values.items() if name not in ("currencyId", "currencyCode")}
    for name in ("payment_terms_id", "payment_method_id"):
        if name in fields and not fields[name].strip("0-"):
            fields[name] = ""
    currency = currency_of(books, values)
    if currency is not None:
        fields["currency_code"] = currency
    return fields


def create_vendor(scope: Scope, values: dict[str, Any]) -> Vendor:
    """A new vendor, numbered from the series unless the request numbers it."""
    books, setup = scope.books, scope.books.setup
    fields = _fields(books, values)
    number = fields.pop("number", "")
    series = books.series.find(setup.vendor_series)
    if number and series is not None and not series.manual:
        raise Refusal("manual_numbers", series=setup.vendor_series)
    number = number or books.series_next(setup.vendor_series)
    groups: dict[str, Any] = {
        "posting_group": setup.default_posting_group,
        "business_group": setup.default_business_group,
    }
    return books.vendors.insert(Vendor(number=number, **groups, **fields))


def change_vendor(scope: Scope, row: Vendor, values: dict[str, Any]) -> Vendor:
    """Changed fields; a new number is a rename, the id stays."""
    fields = _fields(scope.books, values)
    number = fields.get("number", row.number)
    if number != row.number:
        rename_vendor(scope.books, row, fields.pop("number"))
    return scope.books.vendors.change(row, touch=not scope.switches.get("patch_keeps_stamp"), **fields)


def delete_vendor(scope: Scope, row: Vendor) -> None:
    """A vendor without ledger entries goes; another one stays."""
    if any(entry.vendor == row.number for entry in scope.books.vendor_ledger):
        raise Refusal("has_entries", table="Vendor", number=row.number)
    scope.books.vendors.remove(row)


def _default_dimensions(scope: Scope) -> list[DefaultDimension]:
    if scope.parent is not None:
        return scope.books.default_dimensions.where("parent", scope.parent.id)
    return [row for row in scope.books.default_dimensions if row.parent_type in ("Vendor", "Item")]


def _create_default_dimension(scope: Scope, values: dict[str, Any]) -> DefaultDimension:
    books = scope.books
    dimension = books.dimensions.get(values.get("dimensionId", ""))
    if dimension is None:
        raise Refusal("dimension_id")
    value = books.dimension_values.get(values.get("dimensionValueId", ""))
    if value is not None and value.dimension != dimension.code:
        raise Refusal("dimension_value_id")
    row = DefaultDimension(
        parent_type="Vendor" if scope.parent is not None else values.get("parentType", " "),
        parent_id=scope.parent.id if scope.parent is not None else values.get("parentId", ""),
        dimension=dimension.code,
        value=value.code if value else "",
        posting_validation=values.get("postingValidation", " "),
    )
    return books.default_dimensions.insert(row)


def _change_default_dimension(scope: Scope, row: DefaultDimension, values: dict[str, Any]) -> DefaultDimension:
    changes: dict[str, Any] = {}
    if "dimensionValueId" in values:
        value = scope.books.dimension_values.get(values["dimensionValueId"])
        if value is None or value.dimension != row.dimension:
            raise Refusal("dimension_value_id")
        changes["value"] = value.code
    if "postingValidation" in values:
        changes["posting_validation"] = values["postingValidation"]
    return scope.books.default_dimensions.change(row, **changes)


SETS = [
    EntitySet(
        "vendors",
        VENDOR,
        "Vendor",
        table=lambda books: books.vendors,
        create=create_vendor,
        change=change_vendor,
        delete=delete_vendor,
        number_field="number",
        navigation={
            "defaultDimensions": Navigation("defaultDimensions"),
            "documentAttachments": Navigation("documentAttachments"),
            "agedAccountsPayable": Navigation(
                "agedAccountsPayables", lambda books, row: Aged(books, row, books.today())
            ),
            "currency": Navigation("currencies", lambda books, row: books.currencies.find(row.currency_code)),
            "paymentTerm": Navigation("paymentTerms", lambda books, row: books.payment_terms.get(row.payment_terms_id)),
            "paymentMethod": Navigation(
                "paymentMethods", lambda books, row: books.payment_methods.get(row.payment_method_id)
            ),
        },
    ),
    EntitySet(
        "defaultDimensions",
        DEFAULT_DIMENSION,
        "Default Dimension",
        table=lambda books: books.default_dimensions,
        source=_default_dimensions,
        create=_create_default_dimension,
        change=_change_default_dimension,
        delete=lambda scope, row: scope.books.default_dimensions.remove(row),
    ),
]
