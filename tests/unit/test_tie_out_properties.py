"""Whatever goes wrong is named with class, documents and amount, and nothing else is."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.agreement import Agreement
from support.planting import LONG_AGO, PLANTS, Name, Plant
from tieout.domain.erp_ledger import EntryType
from tieout.tie_out.classes import CLASSES, Class
from tieout.tie_out.comparing import compare
from tieout.tie_out.results import Equation, Result, Status

CENTS = st.integers(min_value=1, max_value=10_000_000).map(lambda cents: Decimal(cents) / 100)
CURRENCY = st.sampled_from(["USD", "EUR"])


@st.composite
def agreements(draw: st.DrawFn) -> Agreement:
    """Books in agreement: open, part-paid, paid, transferred and voided invoices, and things out of scope."""
    books = Agreement()
    for _ in range(draw(st.integers(min_value=0, max_value=6))):
        books.invoice(draw(CENTS), draw(CURRENCY))
    for place, invoice in enumerate(list(books.invoices)):
        what = draw(st.sampled_from(["open", "part", "paid", "transferred", "undone", "split"]))
        amount = invoice.total if what != "part" else (invoice.total / 2).quantize(Decimal("0.01"))
        if what == "open" or amount == 0:
            continue
        if what == "split" and amount > Decimal("0.01"):
            books.pay({place: amount - Decimal("0.01")})
            amount = Decimal("0.01")
        link = books.pay({place: amount})
        if what == "transferred":
            books.transfer(link)
        if what == "undone":
            books.transfer(link)
            books.void(link, reversed_in_erp=True)
    for amount in draw(st.lists(CENTS, max_size=3)):
        books.other(draw(st.sampled_from([EntryType.CREDIT, EntryType.OTHER, EntryType.PAYMENT])), -amount)
        books.other(EntryType.INVOICE, amount, LONG_AGO)
    return books


def named(result: Result) -> list[Name]:
    """Everything the result names."""
    found = [(one.kind, one.documents, one.amount, one.currency) for one in result.differences]
    assert all(amount is not None for _, _, amount, _ in found)
    return sorted(found, key=repr)  # type: ignore[arg-type]  # none is None


def adds_up(result: Result) -> None:
    """To the smallest unit: each equation differs by what its differences explain."""

    def explained(equation: Equation, currency: str) -> Decimal:
        amounts = [d.amount for d in result.differences if (d.equation, d.currency) == (equation, currency)]
        return sum((amount for amount in amounts if amount is not None), Decimal(0))

    assert result.subledger.difference == explained(Equation.SUBLEDGER, "USD")
    assert result.clearing.difference == explained(Equation.CLEARING, "USD")
    for one in result.bill.currencies:
        assert one.difference == explained(Equation.BILL, one.currency)


@given(agreements())
@settings(max_examples=60, deadline=None)
def test_books_in_agreement_show_no_difference(books: Agreement) -> None:
    """A month in which nothing went wrong ties out, whatever was paid, transferred and undone."""
    result = compare(books.inputs())
    assert named(result) == []
    assert result.clean
    assert (result.subledger.status, result.bill.status, result.clearing.status) == (Status.EQUAL,) * 3
    adds_up(result)


@given(agreements(), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_planted_is_named_and_nothing_else(books: Agreement, data: Any) -> None:
    """Several things at once, each on a document of its own."""
    plants = data.draw(st.lists(st.sampled_from(PLANTS), min_size=1, max_size=6))
    planted: list[Name] = [plant(books, data.draw(CENTS), data.draw(CURRENCY)) for plant in plants]
    expected = sorted(
        ((kind, tuple(dict.fromkeys(documents)), amount, currency) for kind, documents, amount, currency in planted),
        key=repr,
    )
    result = compare(books.inputs())
    assert named(result) == expected
    adds_up(result)
    assert result.clean == all(CLASSES[kind].expected for kind, _, _, _ in planted)


@pytest.mark.parametrize("plant", PLANTS)
def test_each_plant_alone_is_the_one_that_is_named(plant: Plant) -> None:
    """One thing wrong in otherwise right books: its class, its documents, its amount."""
    books = Agreement()
    books.invoice(Decimal(1000))
    books.transfer(books.pay({0: Decimal(400)}))
    kind, documents, amount, currency = plant(books, Decimal("12.34"), "EUR")
    (found,) = compare(books.inputs()).differences
    assert (found.kind, found.documents, found.amount, found.currency) == (
        kind, tuple(dict.fromkeys(documents)), amount, currency,
    )  # fmt: skip
    assert found.text
    assert found.cure


def test_every_class_has_its_meaning_and_most_are_planted() -> None:
    """A difference without a sentence helps nobody; what is not planted here has a test of its own."""
    assert set(CLASSES) == set(Class)
    books = Agreement()
    planted = {plant(books, Decimal(5), "USD")[0] for plant in PLANTS}
    apart = {Class.UNREADABLE, Class.UNEXPLAINED, Class.POSTED_NOT_PAID_IN_BILL}
    assert planted | apart == set(Class)


@given(agreements(), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_changes_nothing(books: Agreement, random: Any) -> None:
    """The same inputs in another order give the same bytes."""
    inputs = books.inputs()
    one = compare(inputs).model_dump_json(by_alias=True)
    erp, bill, links = inputs.erp, inputs.bill, inputs.links
    shuffled = inputs.model_copy(
        update={
            "erp": erp.model_copy(
                update={name: _shuffled(getattr(erp, name), random) for name in ("open_entries", "strays", "postings")}
            ),
            "bill": bill.model_copy(
                update={name: _shuffled(getattr(bill, name), random) for name in ("bills", "payments")}
            ),
            "links": links.model_copy(
                update={name: _shuffled(getattr(links, name), random) for name in ("bills", "payments", "transfers")}
            ),
        }
    )
    assert compare(shuffled).model_dump_json(by_alias=True) == one


def _shuffled(rows: tuple[Any, ...], random: Any) -> tuple[Any, ...]:
    mixed = list(rows)
    random.shuffle(mixed)
    return tuple(mixed)
