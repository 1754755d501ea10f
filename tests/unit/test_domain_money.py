"""Money: exact in every currency, never a float, never a conversion."""

import json
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from tieout.domain.money import MAX_INTEGER_DIGITS, MINOR_UNITS, Amount, Money, decimal_of, smallest_unit

# The same examples every time, and no deadline: the machine may be busy.
seeded = settings(derandomize=True, deadline=None)

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD", *MINOR_UNITS])
AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=5, allow_nan=False, allow_infinity=False)


class Row(BaseModel):
    """Any model with an amount."""

    amount: Amount


def of(text: str, currency: str = "USD") -> Money:
    return Money(amount=Decimal(text), currency=currency)


@pytest.mark.parametrize(("currency", "unit"), [("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001"), ("XYZ", "0.01")])
def test_smallest_unit(currency: str, unit: str) -> None:
    """An amount is compared to the cent, the yen or the fils, whichever the currency has."""
    assert smallest_unit(currency) == Decimal(unit)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("33.333", "USD", "33.33"),
        ("0.005", "USD", "0.01"),
        ("-0.005", "USD", "-0.01"),
        ("2.675", "USD", "2.68"),
        ("999.5", "JPY", "1000"),
        ("1.0005", "KWD", "1.001"),
        ("12345678.90", "USD", "12345678.90"),
    ],
)
def test_rounding_is_half_up(amount: str, currency: str, expected: str) -> None:
    """Amounts round as the ledgers do: half away from zero, to the currency's unit."""
    assert of(amount, currency).rounded() == of(expected, currency)


@seeded
@given(AMOUNTS, CURRENCIES)
def test_rounding_is_stable_and_near(amount: Decimal, currency: str) -> None:
    """A rounded amount stays as it is, and is never more than half a unit away from the true one."""
    rounded = Money(amount=amount, currency=currency).rounded()
    assert rounded.is_exact()
    assert rounded.rounded() == rounded
    assert abs(rounded.amount - amount) * 2 <= smallest_unit(currency)


@seeded
@given(st.lists(AMOUNTS, min_size=1, max_size=200), CURRENCIES)
def test_a_sum_is_exact_in_any_order(amounts: list[Decimal], currency: str) -> None:
    """The total of a document does not depend on the order of its lines, and no digit is lost."""
    there, back = Money(amount=Decimal(0), currency=currency), Money(amount=Decimal(0), currency=currency)
    for forward, backward in zip(amounts, reversed(amounts), strict=True):
        there += Money(amount=forward, currency=currency)
        back += Money(amount=backward, currency=currency)
    hundred_thousandths = sum(int(amount.scaleb(5)) for amount in amounts)
    assert there == back
    assert int(there.amount.scaleb(5)) == hundred_thousandths


@seeded
@given(AMOUNTS, AMOUNTS)
def test_subtraction_undoes_addition(left: Decimal, right: Decimal) -> None:
    """A payment taken back leaves exactly what was there before it."""
    start, payment = Money(amount=left, currency="USD"), Money(amount=right, currency="USD")
    assert start + payment - payment == start


@seeded
@example(Decimal("1E+5"))
@example(Decimal("1E-9"))
@example(Decimal("-0.00"))
@given(AMOUNTS)
def test_the_wire_has_plain_strings(amount: Decimal) -> None:
    """An amount travels as text without an exponent and comes back the same."""
    sent = Money(amount=amount, currency="USD").model_dump_json()
    text = json.loads(sent)["amount"]
    assert isinstance(text, str)
    assert "e" not in text.lower()
    assert Money.model_validate_json(sent).amount == amount


def test_the_negative_of_nothing_is_nothing() -> None:
    """No statement ever shows a minus before a zero that was negated."""
    assert json.loads((-of("0.00")).model_dump_json())["amount"] == "0.00"


def test_a_large_invoice_arrives_exact() -> None:
    """12,345,678.90 keeps its cents however often it is added, unlike the float of the same text."""
    amount, binary = of("0"), 0.0
    for _ in range(1000):
        amount, binary = amount + of("12345678.90"), binary + 12345678.90
    assert amount == of("12345678900.00")
    assert Decimal(binary) != amount.amount


@pytest.mark.parametrize("value", [1.1, 0.0, float("nan"), True])
def test_a_float_is_refused(value: object) -> None:
    """A binary float can never become money, neither by hand nor inside a model."""
    with pytest.raises(TypeError):
        decimal_of(value)  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        Row.model_validate({"amount": value})


def test_a_json_number_is_refused() -> None:
    """A JSON number would have passed through a float on its way: only text is read."""
    with pytest.raises(ValidationError):
        Row.model_validate_json('{"amount": 12.34}')
    assert Row.model_validate_json('{"amount": "12.34"}').amount == Decimal("12.34")


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "", "12,34", "twelve", "1" * (MAX_INTEGER_DIGITS + 1)]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Nothing that is not a finite amount of a possible size is taken for one."""
    with pytest.raises(ValueError, match=r"number|too large"):
        decimal_of(text)


@seeded
@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever stands in a field, reading it ends in a finite amount or a ValueError, never in another error."""
    try:
        assert decimal_of(text).is_finite()
    except ValueError as refusal:
        assert "number" in str(refusal) or "large" in str(refusal)  # noqa: PT017  either end is right here


def test_currencies_never_mix() -> None:
    """A yen added to a dollar is a mistake, not a conversion."""
    with pytest.raises(ValueError, match="cannot add JPY to USD"):
        of("1") + of("1", "JPY")
    with pytest.raises(ValueError, match="cannot add"):
        of("1") - of("1", "JPY")


@pytest.mark.parametrize("currency", ["", "usd", "US$", "US1", "USDX", "ÄÖÜ", "##"])
def test_a_currency_is_iso_4217(currency: str) -> None:
    """An ERP's own currency symbol has to be translated before it is a currency here."""
    with pytest.raises(ValidationError):
        Money(amount=Decimal(1), currency=currency)


def test_exactness_shows_what_needs_rounding() -> None:
    """A third of a cent is noticed, a trailing zero is not held against an amount."""
    assert of("33.3300").is_exact()
    assert not of("33.333").is_exact()
    assert not of("0.5", "JPY").is_exact()
    assert of("0.125", "KWD").is_exact()
