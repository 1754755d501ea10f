"""Orders to an ERP: what cannot be right is refused before anything leaves."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import (
    MARK_LENGTH,
    AccountKind,
    Application,
    EntryRef,
    ErpOrder,
    FundsTransferOrder,
    PaymentOrder,
    PostingAccount,
    ReversalOrder,
    Settled,
    part_mark,
)

DAY = date(2026, 4, 2)
CLEARING = PostingAccount(kind=AccountKind.GENERAL, number="2950")
BANK = PostingAccount(kind=AccountKind.BANK, number="CHECKING")
MARK = "TABCDEFGHIJKLMNOPQ23"
seeded = settings(derandomize=True, deadline=None)


def pays(document: str, amount: str, discount: str = "0", **more: object) -> Application:
    return Application.model_validate(
        {"document": document, "number": document, "amount": amount, "discount": discount} | more
    )


def payment(
    *applications: Application, cash: str | Decimal = "1000.00", currency: str = "USD", **changes: object
) -> PaymentOrder:
    fields: dict[str, object] = {
        "mark": MARK,
        "vendor": VendorRef(number="20000"),
        "applications": applications or (pays("i1", "1000.00"),),
        "cash": {"amount": cash, "currency": currency},
        "process_date": DAY,
        "posting_date": DAY,
        "clearing": CLEARING,
    }
    return PaymentOrder.model_validate(fields | changes)


def transfer(**changes: object) -> FundsTransferOrder:
    fields: dict[str, object] = {
        "mark": MARK,
        "amount": {"amount": "1500.00", "currency": "USD"},
        "process_date": DAY,
        "posting_date": DAY,
        "clearing": CLEARING,
        "bank": BANK,
    }
    return FundsTransferOrder.model_validate(fields | changes)


def test_one_payment_settles_seven_bills_and_a_credit() -> None:
    """Applications sum to the cash, the credit with its sign."""
    bills = [pays(f"i{number}", "100.00") for number in range(7)]
    order = payment(*bills, pays("c1", "-50.00", settles=Settled.CREDIT), cash="650.00")
    assert len(order.applications) == 8


@seeded
@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=30), st.integers(-3, 3))
def test_cash_is_the_sum_of_its_applications(cents: list[int], off: int) -> None:
    """A payment that is a cent off what it settles is refused, whatever its size."""
    applications = [pays(f"i{number}", str(Decimal(each).scaleb(-2))) for number, each in enumerate(cents)]
    cash = Decimal(sum(cents) + off).scaleb(-2)
    if off == 0:
        assert payment(*applications, cash=cash).cash.amount == cash
    else:
        with pytest.raises(ValidationError, match="are no payment of"):
            payment(*applications, cash=cash)


def test_a_discount_is_beside_the_cash() -> None:
    """980 in cash with 20 discount settles 1,000; the cash stays 980."""
    order = payment(pays("i1", "980.00", "20.00"), cash="980.00")
    assert order.applications[0].reduces == Decimal(1000)
    with pytest.raises(ValidationError, match="are no payment of"):
        payment(pays("i1", "980.00", "20.00"), cash="1000.00")


@pytest.mark.parametrize(
    ("amount", "discount", "settles"),
    [
        ("0", "0", Settled.INVOICE),
        ("-1", "0", Settled.INVOICE),
        ("10", "-1", Settled.INVOICE),
        ("1", "0", Settled.CREDIT),
        ("0", "0", Settled.CREDIT),
        ("-1", "1", Settled.CREDIT),
    ],
)
def test_signs_say_what_is_settled(amount: str, discount: str, settles: Settled) -> None:
    """An invoice is paid by a positive amount, a credit is consumed by a negative one, and nothing by zero."""
    with pytest.raises(ValidationError, match="amount"):
        pays("i1", amount, discount, settles=settles)


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "100.5"), ("USD", "0.001"), ("KWD", "0.0001")])
def test_an_amount_is_never_finer_than_its_currency(currency: str, amount: str) -> None:
    """Half a yen is not sent to be rounded by a ledger."""
    rest = str(Decimal(1000) - Decimal(amount))
    with pytest.raises(ValidationError, match="finer than"):
        payment(pays("i1", amount), pays("i2", rest), cash="1000", currency=currency)


def test_three_decimals_are_exact_where_the_currency_has_them() -> None:
    """A dinar's thousandth is an amount."""
    order = payment(pays("i1", "0.125"), cash="0.125", currency="KWD")
    assert order.cash.amount == Decimal("0.125")


def test_a_document_is_settled_once_by_a_payment() -> None:
    """The same invoice twice is a mistake; two instalments of it are not."""
    with pytest.raises(ValidationError, match="settled twice"):
        payment(pays("i1", "500.00"), pays("i1", "500.00"))
    assert payment(pays("i1", "500.00", instalment=1), pays("i1", "500.00", instalment=2))


def test_a_credit_and_an_invoice_of_one_id_are_two_documents() -> None:
    """Ids of invoices and credits may be the same number in an ERP."""
    order = payment(pays("77", "1100.00"), pays("77", "-100.00", settles=Settled.CREDIT))
    assert len({order.mark_of(each) for each in order.applications}) == 2


@pytest.mark.parametrize("order", [payment, transfer])
def test_nothing_is_posted_before_the_money_left(order: object) -> None:
    """The posting date is never earlier than the day BILL took the money."""
    assert callable(order)
    with pytest.raises(ValidationError, match="before the money left"):
        order(posting_date=date(2026, 4, 1))


@pytest.mark.parametrize("mark", ["", "tabc", "T-1", "T" * (MARK_LENGTH + 1), "TÄ", "TABC\n"])
def test_a_mark_survives_any_erp(mark: str) -> None:
    """A mark that an ERP would fold, cut or refuse is refused here."""
    with pytest.raises(ValidationError, match="mark"):
        payment(mark=mark)


@seeded
@given(st.lists(st.text(min_size=1, max_size=40), min_size=2, max_size=40, unique=True))
def test_parts_have_marks_of_their_own(parts: list[str]) -> None:
    """Every line of a payment is found by its own mark, and none by the payment's or another payment's."""
    marks = [part_mark(MARK, part) for part in parts]
    others = [part_mark("T" + MARK[:-1], part) for part in parts]
    assert len({MARK, *marks, *others}) == 2 * len(parts) + 1
    assert all(len(mark) == MARK_LENGTH and mark.isalnum() and mark == mark.upper() for mark in marks)


def test_a_single_line_carries_the_payments_mark() -> None:
    """A payment of one invoice is found in the ERP by the very mark people see here."""
    order = payment()
    assert order.mark_of(order.applications[0]) == MARK


def test_a_parts_mark_never_changes() -> None:
    """Lines posted by an earlier release are found by this one."""
    assert part_mark("T234567ABCDEFGHIJKLM", "invoice:i1:") == "TITLIMT5M6LMHGMRIZY4"


def test_a_transfer_moves_money_between_two_accounts() -> None:
    """A transfer of nothing, of a fraction of a cent, or onto the same account is refused."""
    assert transfer().amount.amount == 1500
    for amount in ("0", "-1", "0.001"):
        with pytest.raises(ValidationError, match="no amount to transfer"):
            transfer(amount={"amount": amount, "currency": "USD"})
    with pytest.raises(ValidationError, match="same account"):
        transfer(bank=CLEARING)


def test_a_reversal_is_an_act_of_its_own() -> None:
    """A reversal has another mark than what it undoes, and never an earlier date."""
    fields = {"mark": "TREVERSAL", "payment": payment(), "reversal_date": DAY, "posting_date": DAY}
    assert ReversalOrder.model_validate(fields).posted == ()
    with pytest.raises(ValidationError, match="mark of its own"):
        ReversalOrder.model_validate(fields | {"mark": MARK})
    with pytest.raises(ValidationError, match="before the void"):
        ReversalOrder.model_validate(fields | {"reversal_date": date(2026, 5, 4)})
    with pytest.raises(ValidationError, match="before the void"):
        ReversalOrder.model_validate(fields | {"reversal_date": date(2026, 4, 1), "posting_date": date(2026, 4, 1)})


@pytest.mark.parametrize(
    "order",
    [
        payment(pays("i1", "980.00", "20.00"), cash="980.00", exchange_rate="1.0875"),
        transfer(),
        ReversalOrder(
            mark="TREVERSAL",
            payment=payment(),
            posted=(EntryRef(ledger="vendor", id="2832"),),
            reversal_date=DAY,
            posting_date=DAY,
        ),
    ],
    ids=lambda order: order.order,
)
def test_an_order_comes_back_from_the_log(order: PaymentOrder | FundsTransferOrder | ReversalOrder) -> None:
    """An order is read as the kind it was written as, with every amount as it was."""
    adapter: TypeAdapter[PaymentOrder | FundsTransferOrder | ReversalOrder] = TypeAdapter(ErpOrder)
    assert adapter.validate_json(adapter.dump_json(order)) == order
