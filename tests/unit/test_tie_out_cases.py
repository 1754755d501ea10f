"""Single cases of the tie-out that a controller would ask about."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from support.agreement import DAY, RATE, Agreement
from support.planting import LONG_AGO, deleted_bill, keyed_in_bill, paid_in_erp
from tieout.domain.bill_payments import PaymentStage
from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.snapshots import AccountPosting, PartSeen, PaymentSeen, StrayDocument
from tieout.tie_out.classes import Class
from tieout.tie_out.comparing import changed, compare
from tieout.tie_out.inputs import Inputs, State
from tieout.tie_out.results import Result, Status
from tieout.tie_out.subledger import Strays

HUNDRED = Decimal(100)


def two_invoices() -> Agreement:
    """Two open invoices of 100."""
    books = Agreement()
    books.invoice(HUNDRED)
    books.invoice(HUNDRED)
    return books


def classes(result: Result) -> list[tuple[Class, Decimal | None]]:
    """Classes and amounts of what was found."""
    return [(one.kind, one.amount) for one in result.differences]


def scoped(inputs: Inputs, **changes: Any) -> Inputs:
    """The same with other settings."""
    return inputs.model_copy(update={"scope": inputs.scope.model_copy(update=changes)})


def test_one_payment_over_several_bills_is_one_difference() -> None:
    """A payment that is not posted is named once, with all its invoices and its whole amount."""
    books = two_invoices()
    link = books.pay({0: Decimal(60), 1: Decimal(30)}, posted=False, state=State.NONE)
    (found,) = compare(books.inputs()).differences
    assert (found.kind, found.amount) == (Class.PAID_IN_BILL_NOT_POSTED, Decimal(90))
    assert found.documents == ("108001", "108002", link.payment)


def test_a_payment_under_one_document_number_is_compared_as_a_whole() -> None:
    """Some ERPs post one document for a payment of several invoices."""
    books = two_invoices()
    link = books.pay({0: Decimal(60), 1: Decimal(30)})
    parts = tuple(part.model_copy(update={"mark": "TONE"}) for part in link.parts)
    books.links[link.payment] = link.model_copy(update={"parts": parts})
    books.postings.clear()
    books.post("TONE", Decimal(-90))
    assert compare(books.inputs()).clean


def test_what_moved_while_it_was_read_is_in_flight() -> None:
    """The two ledgers are read one after the other; what changed meanwhile proves nothing."""
    books = two_invoices()
    books.invoices[0].open -= 40
    assert books.invoices[0].link is not None
    books.invoices[0].link = books.invoices[0].link.model_copy(update={"moved": True})
    books.pay({1: Decimal(30)}, posted=False)
    books.links["stp1"] = books.links["stp1"].model_copy(update={"moved": True})
    result = compare(books.inputs())
    assert classes(result) == [(Class.IN_FLIGHT, Decimal(-40)), (Class.IN_FLIGHT, Decimal(30))]
    assert (result.clean, result.bill.status) == (True, Status.EXPLAINED)


def test_a_void_that_is_only_asked_for_changes_nothing() -> None:
    """BILL decides on it later; until then the payment is made."""
    books = two_invoices()
    link = books.pay({0: HUNDRED})
    seen = books.payments[link.payment]
    books.payments[link.payment] = seen.model_copy(update={"stage": PaymentStage.UNDOING})
    assert compare(books.inputs()).clean


def test_a_posting_before_bill_has_the_money_is_named() -> None:
    """Nothing may be posted for a payment that is only scheduled."""
    books = two_invoices()
    link = books.pay({0: HUNDRED})
    seen = books.payments[link.payment]
    books.payments[link.payment] = seen.model_copy(update={"stage": PaymentStage.PLANNED})
    assert classes(compare(books.inputs())) == [(Class.POSTED_NOT_PAID_IN_BILL, Decimal(-100))]


def test_a_payment_that_bill_no_longer_lists_counts_as_the_log_has_it() -> None:
    """BILL lists what changed since the cut-over; an older payment is still made."""
    books = two_invoices()
    link = books.pay({0: HUNDRED})
    del books.payments[link.payment]
    assert compare(books.inputs()).clean


def test_a_refund_is_due_until_it_is_booked() -> None:
    """After a void the bank has paid for nothing: the account shows what BILL owes, and the refund clears it."""
    books = two_invoices()
    link = books.pay({0: HUNDRED})
    books.transfer(link)
    books.void(link, reversed_in_erp=True)
    result = compare(books.inputs())
    assert result.clean
    assert result.clearing.refunds_due == HUNDRED
    (standing,) = result.clearing.payments
    assert (standing.payment, standing.refund_due, standing.standing) == (link.payment, HUNDRED, -HUNDRED)
    books.post("BANK-7", -HUNDRED)
    result = compare(books.inputs())
    assert (result.clean, result.clearing.refunds_due) == (True, Decimal(0))


def test_transfers_that_people_book_are_accepted_where_tieout_books_none() -> None:
    """Where the policy leaves the bank's line to people, their entries are the transfers; credits are not."""
    books = two_invoices()
    books.pay({0: HUNDRED})
    books.post("BANK-1", HUNDRED)
    inputs = scoped(books.inputs(), transfers=False)
    assert compare(inputs).clean
    assert compare(inputs).clearing.transfers_booked == HUNDRED
    assert classes(compare(books.inputs())) == [(Class.DIRECT_POSTING_ON_CLEARING, HUNDRED)]


def test_an_archived_bill_with_a_payment_under_way_is_two_things() -> None:
    """What was paid is on its way; only the rest is missing."""
    books = Agreement()
    deleted_bill(books, HUNDRED, "USD")
    books.pay({0: Decimal(30)}, posted=False, state=State.UNDERWAY)
    assert classes(compare(books.inputs())) == [(Class.DELETED_BILL, Decimal(70)), (Class.IN_FLIGHT, Decimal(30))]


def test_a_bill_keyed_in_bill_and_paid_there_is_two_things() -> None:
    """The invoice is missing in the ERP, and the payment waits for it."""
    books = Agreement()
    _, (bill, _), _, _ = keyed_in_bill(books, HUNDRED, "USD")
    parts = (PartSeen(bill=bill, amount=HUNDRED),)
    books.payments["stp9"] = PaymentSeen(
        id="stp9", vendor="009A", amount=HUNDRED, parts=parts, stage=PaymentStage.TAKEN, online=True
    )
    books.invoice(Decimal(1))
    link = books.pay({0: Decimal(1)}, posted=False, state=State.HELD)
    part = link.parts[0].model_copy(update={"bill": bill, "amount": HUNDRED})
    books.links = {"stp9": link.model_copy(update={"payment": "stp9", "parts": (part,)})}
    del books.payments[link.payment]
    result = compare(books.inputs())
    assert classes(result) == [(Class.MISSING_IN_ERP, -HUNDRED), (Class.HELD, HUNDRED)]
    assert [one.difference for one in result.bill.currencies if one.currency == "USD"] == [Decimal(0)]


def test_what_was_paid_before_the_bill_existed_may_still_be_on_its_way() -> None:
    """The payment outside that BILL is to be told of counts as on its way until it is there."""
    books = Agreement()
    paid_in_erp(books, HUNDRED, "USD")
    link = books.invoices[0].link
    assert link is not None
    for told, kind in ((State.UNDERWAY, Class.IN_FLIGHT), (State.HELD, Class.HELD)):
        books.invoices[0].link = link.model_copy(update={"told": told})
        assert classes(compare(books.inputs())) == [(kind, -HUNDRED)]


def test_what_is_out_of_scope_is_counted_by_reason() -> None:
    """Nothing that is open in the ERP is left unsaid."""
    books = two_invoices()
    books.other(EntryType.INVOICE, Decimal(7), LONG_AGO)
    books.other(EntryType.INVOICE, Decimal(8), LONG_AGO)
    books.other(EntryType.CREDIT, Decimal(-5))
    result = compare(books.inputs())
    assert result.clean
    assert [(one.why, one.count, one.amount) for one in result.out_of_scope] == [
        ("before_cutover", 2, Decimal(15)), ("credit", 1, Decimal(-5)),
    ]  # fmt: skip
    named = scoped(books.inputs(), also=("O0",))
    assert classes(compare(named)) == [(Class.MISSING_IN_BILL, Decimal(7))]


def test_an_invoice_on_hold_is_held_even_before_tieout_knows_it() -> None:
    """The ERP itself keeps it back."""
    books = two_invoices()
    books.invoices[0].bill = books.invoices[0].link = None
    books.invoices[0].on_hold = "XYZ"
    assert classes(compare(books.inputs())) == [(Class.HELD, HUNDRED)]


def test_what_cannot_be_read_is_said_and_never_guessed() -> None:
    """An entry without an open amount, a row that is no entry, a bill without amount."""
    books = two_invoices()
    inputs = books.inputs()
    entries = tuple(entry.model_copy(update={"open": None}) for entry in inputs.erp.open_entries[:1])
    erp = inputs.erp.model_copy(update={"open_entries": entries + inputs.erp.open_entries[1:], "unreadable": ("77",)})
    bills = tuple(bill.model_copy(update={"amount": None}) for bill in inputs.bill.bills[1:])
    bill = inputs.bill.model_copy(update={"bills": inputs.bill.bills[:1] + bills})
    result = compare(inputs.model_copy(update={"erp": erp, "bill": bill}))
    assert classes(result) == [(Class.UNREADABLE, None)] * 3
    assert [one.documents for one in result.differences] == [("108001", "00n1"), ("108002", "00n2"), ("77",)]
    assert not result.clean


def test_a_difference_without_a_document_is_unexplained() -> None:
    """What stood there before the cut-over is shown as an amount, not hidden."""
    books = two_invoices()
    books.off = Decimal(3)
    assert classes(compare(books.inputs())) == [(Class.UNEXPLAINED, Decimal(3))]


def test_an_exchange_gain_is_no_direct_posting() -> None:
    """It stands under two documents, once in each ledger, and the sums agree."""
    books = two_invoices()
    books.strays = [
        StrayDocument(document_number="PAY", posting_date=DAY, general=Decimal(98), vendor=HUNDRED),
        StrayDocument(document_number="INV", posting_date=DAY, general=-HUNDRED, vendor=Decimal(-102)),
    ]
    assert compare(books.inputs()).clean
    books.off = Decimal(-2)
    books.strays.pop()
    assert classes(compare(books.inputs())) == [(Class.DIRECT_POSTING_ON_CONTROL, Decimal(-2))]


def unlike(document: str, amount: int) -> StrayDocument:
    """A document that both ledgers show, and the control account so much higher."""
    return StrayDocument(document_number=document, posting_date=DAY, general=Decimal(amount + 1), vendor=Decimal(1))


@pytest.mark.parametrize(
    ("gains", "off", "named"),
    [
        ({"PAY": -7, "INV": 7, "A": 12}, 12, ["A"]),
        ({"PAY-1": -3, "INV-1": 3, "PAY-2": -3, "INV-2": 3, "A": 12, "B": -5}, 7, ["A", "B"]),
        # Which of two is the gain's half is not known.
        ({"PAY": -7, "INV": 7, "A": 7}, 7, ["A", "INV", "PAY"]),
        # The other half of it lies before the cut-over.
        ({"PAY": -7, "A": 12, "B": 20}, 32, ["A", "B"]),
        # Two documents fit, or none does: nobody is accused.
        ({"PAY": -7, "A": 17, "B": 17}, 17, []),
        ({"PAY": -7}, 12, []),
    ],
)
def test_a_posting_under_a_known_number_is_told_from_exchange_gains(
    gains: dict[str, int], off: int, named: list[str]
) -> None:
    """Gains and discounts leave differences by document where nothing is wrong; they are never named with it."""
    books = two_invoices()
    books.strays = [unlike(document, amount) for document, amount in gains.items()]
    books.off = Decimal(off)
    found = compare(books.inputs()).differences
    kind = Class.DIRECT_POSTING_ON_CONTROL if named else Class.UNEXPLAINED
    assert {one.kind for one in found} == {kind}
    assert sorted(document for one in found for document in one.documents) == named
    assert sum(one.amount or 0 for one in found) == off


def test_tieouts_own_payments_in_other_currencies_are_no_direct_postings() -> None:
    """Their exchange gain stands under their own number; a posting under an invoice's number is named beside it."""
    books = two_invoices()
    books.invoice(HUNDRED, "EUR")
    (part,) = books.pay({2: HUNDRED}).parts
    books.strays = [unlike(part.mark, 5), unlike("108001", 5), unlike("108002", 5)]
    books.off = Decimal(10)
    found = compare(books.inputs()).differences
    assert [(one.documents, one.amount) for one in found] == [(("108001",), Decimal(5)), (("108002",), Decimal(5))]


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_a_payment_posted_twice_is_named_in_any_currency(currency: str) -> None:
    """Against the account's own currency the second entry shows as an amount, in another one as an entry."""
    books = two_invoices()
    books.invoice(HUNDRED, currency)
    link = books.pay({2: Decimal(60)})
    assert compare(books.inputs()).clean
    again = Decimal(60) * RATE[currency]
    books.post(link.parts[0].mark, -again)
    (found,) = compare(books.inputs()).differences
    assert (found.kind, found.documents, found.amount) == (
        Class.POSTED_TWICE, (link.parts[0].mark, link.payment), -again,
    )  # fmt: skip


def test_a_foreign_payment_that_was_reversed_and_posted_again_stands_once() -> None:
    """Two credits and a debit are one payment."""
    books = two_invoices()
    books.invoice(HUNDRED, "EUR")
    link = books.pay({2: HUNDRED})
    books.reverse(link)
    books.post(link.parts[0].mark, -HUNDRED * RATE["EUR"])
    books.invoices[2].open -= HUNDRED
    assert Class.POSTED_TWICE not in [kind for kind, _ in classes(compare(books.inputs()))]


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [({"control": ()}, "subledger", "accounts.control"), ({"clearing": ""}, "clearing", "accounts.clearing")],
)
def test_an_equation_that_is_not_configured_says_what_is_missing(changes: Any, field: str, told: str) -> None:
    """It counts as not proved, and the other equations are compared all the same."""
    books = two_invoices()
    books.pay({0: HUNDRED})
    result = compare(scoped(books.inputs(), **changes))
    equation = getattr(result, field)
    assert (equation.status, told in equation.problem) == (Status.UNKNOWN, True)
    assert not result.clean
    assert result.bill.status is Status.EQUAL
    assert result.differences == ()


def test_a_balance_that_the_erp_did_not_give_leaves_its_equation_open() -> None:
    """No balance is taken for zero."""
    inputs = two_invoices().inputs()
    erp = inputs.erp.model_copy(update={"balances": ()})
    result = compare(inputs.model_copy(update={"erp": erp}))
    assert (result.subledger.status, result.clearing.status) == (Status.UNKNOWN, Status.UNKNOWN)


def test_an_account_that_moved_while_it_was_read_is_said_to_have() -> None:
    """Balance and entries are read one after the other."""
    inputs = two_invoices().inputs()
    balances = tuple(
        each.model_copy(update={"balance": each.balance + 9})
        if each.query.account == "2950" and not each.as_of
        else each
        for each in inputs.erp.balances
    )
    result = compare(inputs.model_copy(update={"erp": inputs.erp.model_copy(update={"balances": balances})}))
    assert classes(result) == [(Class.UNEXPLAINED, Decimal(9))]


def test_a_later_run_says_what_is_new_and_what_is_gone() -> None:
    """What was mended since, and what has come up."""
    books = two_invoices()
    first = compare(books.inputs())
    deleted_bill(books, HUNDRED, "USD")
    second = compare(books.inputs())
    assert [one.kind for one in changed(first, second)[0]] == [Class.DELETED_BILL]
    appeared, gone = changed(second, first)
    assert (appeared, [one.kind for one in gone]) == ((), [Class.DELETED_BILL])
    assert changed(None, second)[0] == second.differences


def test_the_result_is_json_with_the_word_class_and_amounts_as_text() -> None:
    """Programs read the same words as people."""
    books = Agreement()
    deleted_bill(books, Decimal("12.30"), "USD")
    written = json.loads(compare(books.inputs()).model_dump_json(by_alias=True))
    assert (written["differences"][0]["class"], written["differences"][0]["amount"]) == ("deleted_bill", "12.30")
    assert Result.model_validate(written) == compare(books.inputs())


def _posting(document: str, amount: str) -> AccountPosting:
    return AccountPosting(id="1", account="2110", posting_date=DAY, document_number=document, amount=amount)


def _entry(document: str, local: str | None) -> VendorLedgerEntry:
    return VendorLedgerEntry(
        id="1", type=EntryType.INVOICE, vendor_number="10000", document_number=document, posting_date=date(2026, 5, 4),
        currency="USD", amount="100", open="100", local_amount=local, is_open=True,
    )  # fmt: skip


def test_what_is_moved_between_control_accounts_differs_on_both() -> None:
    """In sum the accounts still agree with the vendors, and neither does."""
    strays = Strays()
    for account, amount in (("2110", "7"), ("2120", "-7"), ("2110", "1"), ("2110", "-1")):
        document = "GJ-1" if amount in ("7", "-7") else "GJ-2"
        strays.general(_posting(document, amount).model_copy(update={"account": account}))
    found = strays.found()
    assert [(one.document_number, one.general, one.description) for one in found] == [
        ("GJ-1", Decimal(7), "on 2110"), ("GJ-1", Decimal(-7), "on 2120"),
    ]  # fmt: skip
    books = two_invoices()
    books.strays = list(found)
    result = compare(books.inputs())
    assert classes(result) == [
        (Class.DIRECT_POSTING_ON_CONTROL, Decimal(-7)), (Class.DIRECT_POSTING_ON_CONTROL, Decimal(7)),
    ]  # fmt: skip
    assert (result.subledger.difference, result.subledger.status) == (Decimal(0), Status.DIFFERS)


def test_strays_are_the_documents_that_only_one_ledger_shows_or_shows_otherwise() -> None:
    """Document numbers are compared without regard to case; a document with an unknown local amount is not compared."""
    strays = Strays()
    for posting in (_posting("a1", "-60"), _posting("A1", "-40"), _posting("GJ", "50"), _posting("FX", "-5")):
        strays.general(posting)
    for entry in (_entry("A1", "100"), _entry("PG", "30"), _entry("FX", None), _entry("FX", "5")):
        strays.vendor(entry)
    assert [(one.document_number, one.general, one.vendor, one.difference) for one in strays.found()] == [
        ("GJ", Decimal(50), None, Decimal(50)), ("PG", Decimal(0), Decimal(-30), Decimal(30)),
    ]  # fmt: skip
