"""Business Central's journal batches without a server: bodies, rows, the batch's code and seal, advice, proofs."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.erp import VendorRef
from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.erp_orders import AccountKind, Application, PaymentOrder, PostingAccount, part_mark
from tieout.domain.erp_outcomes import OpenAmount, Standing, payment_differences
from tieout.domain.errors import Executed, Reject
from tieout.domain.money import Money
from tieout_connectors.business_central import drafts, refusals
from tieout_connectors.business_central.drafts import Recorded, batch_code, judge, sealed_name
from tieout_connectors.business_central.payments import draft_of, external_numbers
from tieout_connectors.business_central.proof import posted_payment
from tieout_connectors.business_central.wire import journals as wire
from tieout_connectors.business_central.wire import postings, questions
from tieout_connectors.spi.wire import Unreadable

ZERO_ID = "00000000-0000-0000-0000-000000000000"
DAY = date(2026, 4, 20)
INVOICE = "114fe655-a58e-49d6-bd52-9be4f15e1a23"
MARK = part_mark("UNIT", "payment")

PAYMENT_ROW: dict[str, Any] = {
    "@odata.etag": 'W/"JzIwOzExNTIzNjQ1NjI5NTgyMDg2NTI5MTswMDsn"',
    "id": "D51700FD-3305-4D62-813D-3C174FF8B49D",
    "journalId": "d33eace4-6be1-4182-94ee-c3aa841a8f95",
    "journalDisplayName": "TABCDEFGHI",
    "lineNumber": 10000,
    "vendorId": "2bb4bff7-11a5-423f-a751-b6962fc8a02d",
    "vendorNumber": "20000",
    "postingDate": "2026-04-20",
    "documentNumber": MARK,
    "externalDocumentNumber": MARK,
    "amount": Decimal("600.10"),
    "appliesToInvoiceId": INVOICE.upper(),
    "appliesToInvoiceNumber": "108005",
    "description": "x",
    "comment": "",
    "lastModifiedDateTime": "2026-04-20T10:00:00.05Z",
    "dimensionSetLines": [{"id": ZERO_ID, "code": "AREA", "valueCode": "WEST"}],
}
JOURNAL_ROW: dict[str, Any] = {
    "@odata.etag": 'W/"JzE5OzcyMDU5ODg3NDg1MjIxNDkxMzAxOzAwOyc="',
    "id": "d51700fd-3305-4d62-813d-3c174ff8b49d",
    "accountType": "Bank_x0020_Account",
    "accountNumber": "CHECKING",
    "postingDate": "2026-04-20",
    "documentNumber": "FT-1",
    "externalDocumentNumber": "FT-1",
    "amount": -100,
    "balanceAccountType": "G_x002F_L_x0020_Account",
    "balancingAccountNumber": "2950",
    "dimensionSetLines": [],
}


def order_of(*amounts: str, currency: str = "USD", discount: str = "0") -> PaymentOrder:
    """A payment of invoices I1, I2, ..."""
    applications = tuple(
        Application(document=f"i{place}", number=f"I{place}", amount=Decimal(amount), discount=Decimal(discount))
        for place, amount in enumerate(amounts, start=1)
    )
    return PaymentOrder(
        mark=MARK,
        vendor=VendorRef(number="20000"),
        applications=applications,
        cash=Money(amount=sum((one.amount for one in applications), Decimal(0)), currency=currency),
        process_date=DAY,
        posting_date=DAY,
        clearing=PostingAccount(kind=AccountKind.GENERAL, number="2950"),
        reference="stp01",
        transaction="check 4711",
        description="BILL 123",
    )


def test_a_payment_line_is_read() -> None:
    """Ids in small letters, exact amounts, dimensions by code."""
    line = wire.payment_line(PAYMENT_ROW)
    assert (line.id, line.document, line.empty) == ("d51700fd-3305-4d62-813d-3c174ff8b49d", MARK, False)
    assert line.said == {
        wire.VENDOR_NO: "20000",
        wire.POSTING_DATE: DAY,
        wire.EXTERNAL_NO: MARK,
        wire.AMOUNT: Decimal("600.10"),
        wire.APPLIES_TO: (INVOICE, "108005"),
    }
    assert line.dimensions == {"AREA": "WEST"}


def test_a_journal_line_is_read() -> None:
    """Options come escaped; accounts are told with their kind."""
    line = wire.journal_line(JOURNAL_ROW)
    assert (line.said[wire.ACCOUNT], line.said[wire.BALANCING]) == ("Bank Account CHECKING", "G/L Account 2950")
    plain = wire.journal_line(JOURNAL_ROW | {"balanceAccountType": "G/L Account", "balancingAccountNumber": ""})
    assert plain.said[wire.BALANCING] == ""


@pytest.mark.parametrize(
    ("changes", "empty"),
    [
        ({"amount": 0, "vendorNumber": ""}, True),
        ({"amount": 0}, False),
        ({"amount": 1, "vendorNumber": ""}, False),
    ],
)
def test_the_line_that_posting_leaves_behind_is_empty(changes: dict[str, Any], empty: bool) -> None:  # noqa: FBT001
    """No vendor and no amount, both."""
    assert wire.payment_line(PAYMENT_ROW | changes).empty is empty


@pytest.mark.parametrize("row", [PAYMENT_ROW, JOURNAL_ROW])
def test_a_line_that_is_not_the_documented_one_is_named(row: dict[str, Any]) -> None:
    """Whatever is missing or of another type: the reader says where, or reads the line all the same."""
    read = wire.payment_line if row is PAYMENT_ROW else wire.journal_line
    named = set()
    for key in row:
        for spoiled in ({one: value for one, value in row.items() if one != key}, row | {key: 1.5}, row | {key: []}):
            try:
                read(spoiled)
            except Unreadable as error:
                named.add(key)
                assert key.partition(".")[0] in str(error)  # noqa: PT017 - most rows are read all the same
    assert {"id", "@odata.etag", "amount", "postingDate", "documentNumber", "dimensionSetLines"} <= named


def test_a_payments_body_is_exact_and_in_order() -> None:
    """The vendor comes first and the invoice last, since each is checked with those before; digits are kept."""
    draft = draft_of(order_of("600.10"))
    body = draft.lines[0].body
    assert list(json.loads(body)) == [
        "vendorNumber",
        "postingDate",
        "documentNumber",
        "externalDocumentNumber",
        "amount",
        "appliesToInvoiceId",
        "appliesToInvoiceNumber",
        "description",
        "comment",
    ]
    assert b'"amount":600.10,' in body
    assert json.loads(body)["comment"] == "BILL stp01 check 4711"
    large = draft_of(order_of("123456789012345.67")).lines[0].body
    assert b'"amount":123456789012345.67,' in large


def test_bodies_of_the_other_writes() -> None:
    """Batch, name, dimension and general line."""
    assert json.loads(wire.new_batch("T1", MARK, "a")) == {
        "code": "T1", "displayName": MARK, "balancingAccountId": "a",
    }  # fmt: skip
    assert json.loads(wire.renamed_batch("n")) == {"displayName": "n"}
    assert json.loads(wire.new_dimension("AREA", "Ä")) == {"code": "AREA", "valueCode": "Ä"}
    assert json.loads(wire.changed_dimension('"')) == {"valueCode": '"'}
    said = {wire.POSTING_DATE: DAY, wire.EXTERNAL_NO: "X", wire.AMOUNT: Decimal("-1E+2")}
    line = wire.new_journal_line("M", said, (wire.BANK, "B"), (wire.GENERAL, "2950"), "d" * 200)
    assert b'"amount":-100,' in line
    told = json.loads(line)
    assert (told["accountType"], told["balanceAccountType"]) == ("Bank Account", "G/L Account")
    assert len(told["description"]) == 100
    assert "comment" not in told


def test_a_code_for_each_mark() -> None:
    """Ten letters: no two of many marks share one, and none ends with a number that posting could count up."""
    codes = {batch_code(part_mark("UNIT", str(number))) for number in range(5000)}
    assert len(codes) == 5000
    assert {len(code) for code in codes} == {10}
    assert all(code.isalpha() and code.isupper() and code.isascii() for code in codes)


def test_every_line_has_an_external_number_of_its_own() -> None:
    """The mark alone for one invoice; with the line's number behind it for several, within 35 characters."""
    assert external_numbers(order_of("1")) == (MARK,)
    numbers = external_numbers(order_of(*["1"] * 120))
    assert (len(set(numbers)), numbers[-1]) == (120, f"{MARK}/120")
    assert max(map(len, numbers)) <= 35


def recorded(order: PaymentOrder, *, sealed: bool = True, **changes: object) -> Recorded:
    """A batch as it stands once everything is recorded, but for changes of the first line."""
    draft = draft_of(order)
    lines = tuple(
        wire.Line(f"id{place}", f"v{place}", wanted.mark, dict(wanted.said), dict(wanted.dimensions), empty=False)
        for place, wanted in enumerate(draft.lines)
    )
    name = sealed_name(order.mark, lines) if sealed else order.mark
    first = wire.Line(**{**vars(lines[0]), **changes})
    return Recorded((wire.Batch("b", draft.code, name, "2950", "e"),), (first, *lines[1:]))


def test_a_complete_batch_may_be_posted() -> None:
    """Everything before the posting is seen done."""
    order = order_of("1", "2")
    found = judge(draft_of(order), recorded(order))
    assert (found.standing, drafts.left(draft_of(order), found)) == (Standing.PARTIAL, [])
    found = judge(draft_of(order), recorded(order, sealed=False))
    assert (found.standing, drafts.left(draft_of(order), found)) == (Standing.PARTIAL, ["complete"])


def test_a_version_that_changed_is_seen() -> None:
    """The lines read as ordered, and were written to after they were complete."""
    order = order_of("1", "2")
    assert judge(draft_of(order), recorded(order, etag="other")).standing is Standing.WAITING
    assert judge(draft_of(order), recorded(order, etag="other", sealed=False)).standing is Standing.PARTIAL


def test_the_order_of_lines_means_nothing() -> None:
    """A server that lists them otherwise has not changed them."""
    order = order_of("1", "2")
    whole = recorded(order)
    turned = Recorded(whole.batches, whole.lines[::-1])
    assert judge(draft_of(order), turned).standing is Standing.PARTIAL


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("Posting Date is not within your range of allowed posting dates.", "Allow Posting From"),
        ("Purchase Payment X already exists for this vendor.", "external number"),
        ("Purchase Payment X already exists.", "document number"),
        ("There is no Vendor Ledger Entry within the filter.", "closed, of another vendor"),
        ("All entries in one application must be in the same currency.", "by hand"),
        ("You are not allowed to apply and post an entry to an entry with an earlier posting date.", "invoice's day"),
        ("You cannot post this type of document when Vendor X is blocked with type Payment", "Vendor Card"),
        ("The dimensions used in Gen. Journal Line are invalid. Select a ...", "Correct the dimension"),
        ("The total is out of balance by 5.", "balancing account"),
        ("There is nothing to post.", "took the lines away"),
        ("Gen. Bus. Posting Group must have a value in Vendor: No.=X. It cannot be zero or empty.", "posting group"),
        ("Blocked must be equal to 'No' in G/L Account: No.=2950.", "clearing account"),
        ("Die Buchung ist nicht erlaubt.", "general advice"),
    ],
)
def test_each_refusal_of_a_posting_has_advice(message: str, advice: str) -> None:
    """The better one where the words tell which; everything else of the refusal stays as it was."""
    given = Reject(message, code="C", cure="general advice", call="POST x", status=400, duplicate=True)
    told = refusals.explained(given)
    assert advice in told.cure
    assert (told.message, told.code, told.call, told.status) == (message, "C", "POST x", 400)
    assert told.executed is Executed.YES


def test_marks_are_told_from_numbers_of_people() -> None:
    """Twenty letters and digits of ours, with a line's number or without."""
    assert [postings.is_mark(one) for one in (MARK, f"{MARK}/12", "PAY-1", MARK[:-1], MARK.lower(), "")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_texts_in_questions_are_quoted() -> None:
    """Quotes are doubled, wherever a text stands."""
    assert questions.batches_named("O'B") == {"$filter": "startswith(displayName,'O''B')"}
    asked = questions.ledger_of_vendor("O'B", DAY, DAY)["$filter"]
    assert asked == "Vendor_No eq 'O''B' and Posting_Date ge 2026-04-20 and Posting_Date le 2026-04-20"


# Proofs


def entry(number: int, amount: str, still: str, **changes: Any) -> VendorLedgerEntry:
    """An entry, as what is owed."""
    fields: dict[str, Any] = {
        "id": str(number),
        "type": EntryType.PAYMENT,
        "vendor_number": "20000",
        "document_number": f"P{number}",
        "posting_date": DAY,
        "currency": "USD",
        "amount": Decimal(amount),
        "open": Decimal(still),
        "local_amount": Decimal(amount),
        "is_open": Decimal(still) != 0,
    }
    return VendorLedgerEntry(**(fields | changes))


def invoice(amount: str, still: str, **changes: Any) -> postings.Entry:
    """The entry of invoice I1."""
    given = {"type": EntryType.INVOICE, "document_number": "I1"}
    return postings.Entry(entry(9, amount, still, **(given | changes)), reversed=False)


def posted(document: str, **amounts: str) -> list[postings.Posting]:
    """General ledger entries, by account without its first letter."""
    return [
        postings.Posting(str(place), document, account[1:], DAY, Decimal(amount))
        for place, (account, amount) in enumerate(amounts.items(), start=1)
    ]


def opened(amount: str) -> list[OpenAmount]:
    """What was open of I1 before."""
    return [OpenAmount(document="i1", open=Decimal(amount))]


def test_a_discount_is_what_else_was_credited() -> None:
    """980 in cash close 1,000; somebody else's payment meanwhile is no discount of ours."""
    order = order_of("980", discount="20")
    books = posted("P1", a2110="1000", a2950="-980", a7120="-20")
    proof = posted_payment(order, [entry(1, "-980", "0")], [invoice("1000", "0")], books, opened("1000"), "USD")
    assert payment_differences(order, proof) == ()
    plain = order_of("400")
    books = posted("P1", a2110="400", a2950="-400")
    proof = posted_payment(plain, [entry(1, "-400", "0")], [invoice("1000", "0")], books, opened("1000"), "USD")
    assert payment_differences(plain, proof) == ()


def test_a_discount_in_a_foreign_currency_is_measured() -> None:
    """There gains are credited too: how far the invoice fell beyond the cash tells it."""
    order = order_of("980", currency="EUR", discount="20")
    paid = entry(1, "-980", "0", currency="EUR", local_amount=Decimal(-1078))
    owed = invoice("1000", "0", currency="EUR")
    books = posted("P1", a2120="1200", a2950="-1078", a7130="-100", a7120="-22")
    proof = posted_payment(order, [paid], [owed], books, opened("1000"), "USD")
    assert payment_differences(order, proof) == ()
    assert proof.cleared == 980


def test_a_foreign_payment_credited_with_less_is_told() -> None:
    """Clearing got another sum than the entry is worth: a difference; without that worth it cannot be told."""
    order = order_of("100", currency="EUR")
    books = posted("P1", a2120="110", a2950="-109", a1110="-1")
    paid = entry(1, "-100", "0", currency="EUR", local_amount=Decimal(-110))
    owed = invoice("100", "0", currency="EUR")
    proof = posted_payment(order, [paid], [owed], books, opened("100"), "USD")
    assert proof.cleared == 109
    unknown = paid.model_copy(update={"local_amount": None})
    assert posted_payment(order, [unknown], [owed], books, opened("100"), "USD").cleared is None


def test_another_account_than_clearing_is_named() -> None:
    """The credit went elsewhere: the proof names the account that got it."""
    order = order_of("100")
    books = posted("P1", a2110="100", a1110="-100")
    proof = posted_payment(order, [entry(1, "-100", "0")], [invoice("100", "0")], books, opened("100"), "USD")
    assert (proof.clearing.number, proof.cleared) == ("1110", Decimal(100))
    assert payment_differences(order, proof)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"vendor_number": "30000"}, "vendor"),
        ({"posting_date": date(2026, 4, 21)}, "posting date"),
        ({"currency": "EUR"}, "cash"),
        ({"amount": Decimal(-99)}, "cash"),
        ({"open": Decimal(-40)}, "unapplied"),
    ],
)
def test_what_is_posted_otherwise_is_told(changes: dict[str, Any], told: str) -> None:
    """Vendor, day, currency, amount and what is left unapplied are those of the entries."""
    order = order_of("100")
    books = posted("P1", a2110="100", a2950="-100")
    paid = entry(1, "-100", "0").model_copy(update=changes)
    proof = posted_payment(order, [paid], [invoice("100", "0")], books, opened("100"), "USD")
    assert told in "; ".join(payment_differences(order, proof))


@pytest.mark.parametrize(
    ("still", "before", "applied"),
    [
        ("600", "1000", "400"),
        ("600", "", "400"),
        ("600", "600", "400"),
        ("1000", "1000", "0"),
        ("1000", "", "0"),
        ("800", "1000", "200"),
        ("100", "1000", "400"),
    ],
)
def test_how_much_counts_as_applied(still: str, before: str, applied: str) -> None:
    """At most what of the entry is used up, and by how much the invoice fell, or is settled where before is unknown."""
    order = order_of("400")
    books = posted("P1", a2110="400", a2950="-400")
    known = opened(before) if before else []
    proof = posted_payment(order, [entry(1, "-400", "0")], [invoice("1000", still)], books, known, "USD")
    assert proof.applied[0].amount == Decimal(applied)
    assert proof.applied[0].open_after == Decimal(still)


def test_an_invoice_that_is_not_there_any_more_counts_for_nothing() -> None:
    """Its vendor was merged, say: no remainder is known, and the difference is told."""
    order = order_of("400")
    books = posted("P1", a2110="400", a2950="-400")
    proof = posted_payment(order, [entry(1, "-400", "0")], [], books, opened("400"), "USD")
    assert (proof.applied[0].amount, proof.applied[0].open_after) == (Decimal(0), None)
