"""Reference data: payment terms and methods, currencies, bank accounts, company information, ledger setup."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tieout_sandbox.business_central.books import masters
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.store import Row, Table
from tieout_sandbox.business_central.odata.schema import EntityType, Getter, entity, snake
from tieout_sandbox.business_central.odata.sets import EntitySet, Scope
from tieout_sandbox.business_central.refusals import Refusal

_MODIFIED: dict[str, Any] = {"lastModifiedDateTime": lambda row, _books: row.modified}


def _shortcut(place: int) -> Getter:
    def get(row: masters.Setup, _books: Books) -> str:
        return row.shortcut_dimensions[place] if place < len(row.shortcut_dimensions) else ""

    return get


TERMS = entity(
    "paymentTerm",
    """
id guid R
code code10
displayName text100
dueDateCalculation text32
discountDateCalculation text32
discountPercent decimal
calculateDiscountOnCreditMemos bool
lastModifiedDateTime time R
""",
    getters={
        **_MODIFIED,
        "dueDateCalculation": lambda row, _books: row.due,
        "discountDateCalculation": lambda row, _books: row.discount_date,
        "calculateDiscountOnCreditMemos": lambda row, _books: row.discount_on_credit_memos,
    },
)
METHOD = entity(
    "paymentMethod",
    """
id guid R
code code10
displayName text100
lastModifiedDateTime time R
""",
    getters=_MODIFIED,
)
CURRENCY = entity(
    "currency",
    """
id guid R
code code10
displayName text30
symbol text10
amountDecimalPlaces text5
amountRoundingPrecision decimal
lastModifiedDateTime time R
""",
    getters={
        **_MODIFIED,
        "amountDecimalPlaces": lambda row, _books: f"{row.decimals}:{row.decimals}",
        "amountRoundingPrecision": lambda row, _books: Decimal(1).scaleb(-row.decimals),
    },
)
BANK = entity(
    "bankAccount",
    """
id guid R
number code20
displayName text100
lastModifiedDateTime time R
bankAccountNumber text30
blocked bool
currencyCode code10
currencyId guid
iban code50
intercompanyEnabled bool
""",
    getters={
        **_MODIFIED,
        "currencyCode": lambda row, books: books.currency_shown(row.currency_code),
        "currencyId": lambda row, books: books.currency_id(row.currency_code),
        "intercompanyEnabled": lambda row, _books: row.intercompany,
    },
)
COMPANY = entity(
    "companyInformation",
    """
id guid R
displayName text100
addressLine1 text100
addressLine2 text50
city text30
state text30
country code10
postalCode code20
phoneNumber text30
faxNumber text30
email text80
website text255
taxRegistrationNumber text50
currencyCode code10 R
currentFiscalYearStartDate date R
industry text30
experience text30
lastModifiedDateTime time R
""",
    getters={
        **_MODIFIED,
        "displayName": lambda row, _books: row.display_name or row.name,
        "addressLine2": lambda _row, _books: "",
        "faxNumber": lambda _row, _books: "",
        "website": lambda _row, _books: "",
        "currencyCode": lambda row, _books: row.local_currency,
        "currentFiscalYearStartDate": lambda row, _books: row.fiscal_year_start,
        "industry": lambda _row, _books: "",
        "experience": lambda _row, _books: "Essential",
    },
)
SETUP = entity(
    "generalLedgerSetup",
    """
id guid
allowPostingFrom date
allowPostingTo date
additionalReportingCurrency code10
localCurrencyCode code10
localCurrencySymbol text10
lastModifiedDateTime time R
allowQueryFromConsolidation bool
"""
    + "".join(f"shortcutDimension{place}Code code20\n" for place in range(1, 9)),
    getters={
        **_MODIFIED,
        "additionalReportingCurrency": lambda row, _books: row.additional_currency,
        "localCurrencyCode": lambda row, _books: row.local_currency,
        "localCurrencySymbol": lambda row, _books: row.local_symbol,
        "allowQueryFromConsolidation": lambda _row, _books: False,
        **{f"shortcutDimension{place}Code": _shortcut(place - 1) for place in range(1, 9)},
    },
)
UNIT = entity(
    "unitOfMeasure",
    """
id guid R
code code10
displayName text50
lastModifiedDateTime time R
""",
    getters={**_MODIFIED, "displayName": lambda row, _books: row.code},
)
# names of the API whose rows spell them otherwise
_RENAMED = {
    "dueDateCalculation": "due",
    "discountDateCalculation": "discount_date",
    "calculateDiscountOnCreditMemos": "discount_on_credit_memos",
    "intercompanyEnabled": "intercompany",
}
_IGNORED = ("currencyId", "amountDecimalPlaces", "amountRoundingPrecision")


def _fields(books: Books, values: dict[str, Any]) -> dict[str, Any]:
    fields = {_RENAMED.get(name, snake(name)): value for name, value in values.items() if name not in _IGNORED}
    if "currency_code" in fields:
        fields["currency_code"] = books.currency_read(fields["currency_code"])
    return fields


def _kept(
    name: str, kind: EntityType, table: Callable[[Books], Table[Any]], row: type[Row], label: str, number: str = "code"
) -> EntitySet:
    """A set that can be read, added to, changed and deleted from."""

    def create(scope: Scope, values: dict[str, Any]) -> Row:
        fields = _fields(scope.books, values)
        if not fields.get(number):
            raise Refusal("must_have_value", field=number.capitalize(), table=label, key=f"{number.capitalize()}=")
        made: Row = table(scope.books).insert(row(**fields))
        return made

    def change(scope: Scope, found: Row, values: dict[str, Any]) -> Row:
        changed: Row = table(scope.books).change(found, **_fields(scope.books, values))
        return changed

    return EntitySet(
        name,
        kind,
        label,
        table=table,
        create=create,
        change=change,
        delete=lambda scope, found: table(scope.books).remove(found),
        number_field=number,
    )


SETS = [
    _kept("paymentTerms", TERMS, lambda books: books.payment_terms, masters.PaymentTerm, "Payment Terms"),
    _kept("paymentMethods", METHOD, lambda books: books.payment_methods, masters.PaymentMethod, "Payment Method"),
    _kept("currencies", CURRENCY, lambda books: books.currencies, masters.Currency, "Currency"),
    _kept("bankAccounts", BANK, lambda books: books.bank_accounts, masters.BankAccount, "Bank Account", "number"),
    EntitySet("companyInformation", COMPANY, "Company Information", table=lambda books: books.setups),
    EntitySet("generalLedgerSetup", SETUP, "General Ledger Setup", table=lambda books: books.setups),
    EntitySet("unitsOfMeasure", UNIT, "Unit of Measure", table=lambda books: books.units, number_field="code"),
]
