"""What people do wrong in either system, one function each; it says how a tie-out has to name what was done."""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Final

from support.spoiling import CLEARING, CONTROL, EXPENSE, LOCAL, Bill, Company, Kind, Named, Spoiler
from tieout_sandbox.bill.default_world import BANK, CARD

# A job queue that does nothing for as long as anybody looks.
NEVER: Final = 10_000_000


def direct_on_control(spoil: Spoiler) -> Named:
    """A posting on a control account past the vendors."""
    sides, sign = spoil.sides(spoil.random.choice(CONTROL))
    amount, document = spoil.amount(), spoil.document("GJ")
    spoil.company.in_erp("post_direct", document=document, amount=str(amount), **sides)
    return Named("direct_posting_on_control", (document,), sign * amount)


def moved_between_control_accounts(spoil: Spoiler) -> tuple[Named, Named]:
    """A posting from one control account to the other: vendors and accounts agree in sum, and on neither account."""
    amount, document = spoil.amount(), spoil.document("MOVE")
    debit, credit = spoil.random.sample(CONTROL, 2)
    spoil.company.in_erp("post_direct", document=document, amount=str(amount), debit=debit, credit=credit)
    kind = "direct_posting_on_control"
    return Named(kind, (document,), amount), Named(kind, (document,), -amount)


def direct_under_an_invoices_number(spoil: Spoiler) -> Named:
    """The same, under the number of an invoice that is posted on that account."""
    bill = spoil.bill(LOCAL)
    sides, sign = spoil.sides(CONTROL[0])
    amount = spoil.amount(bill.total)
    spoil.company.in_erp("post_direct", document=bill.number, amount=str(amount), **sides)
    return Named("direct_posting_on_control", (bill.number,), sign * amount)


def backed_out_of_control(spoil: Spoiler) -> Named:
    """An invoice is taken off the control account, and stays in the vendor ledger."""
    bill = spoil.bill(LOCAL)
    order = {"debit": CONTROL[0], "credit": EXPENSE, "amount": str(bill.total)}
    spoil.company.in_erp("post_direct", document=bill.number, **order)
    return Named("missing_on_control", (bill.number,), bill.total)


def direct_on_clearing(spoil: Spoiler) -> Named:
    """Somebody posts on the clearing account."""
    sides, sign = spoil.sides(CLEARING)
    amount, document = spoil.amount(), spoil.document("CL")
    spoil.company.in_erp("post_direct", document=document, amount=str(amount), **sides)
    return Named("direct_posting_on_clearing", (document,), sign * amount)


def paid_by_hand(spoil: Spoiler) -> Named:
    """Somebody pays from the bank, in part or in full."""
    bill = spoil.bill(LOCAL)
    amount = spoil.random.choice((bill.total, spoil.amount(bill.total)))
    order = {"invoice": bill.number, "amount": str(amount), "bank": "CHECKING"}
    spoil.company.in_erp("post_payment", document=spoil.document("HAND"), **order)
    return Named("paid_outside_bill", bill.documents, -amount)


def credited_in_erp(spoil: Spoiler) -> Named:
    """A credit memo is applied to the invoice in the ERP only."""
    bill = spoil.bill(LOCAL)
    amount, number = spoil.amount(bill.total), spoil.document("MEMO")
    lines = [{"number": EXPENSE, "unit_cost": str(amount)}]
    memo = spoil.company.in_erp("post_credit_memo", vendor=bill.vendor, vendor_invoice_number=number, lines=lines)
    spoil.company.in_erp("apply", document=memo["number"], type="Credit Memo", invoices=[bill.number])
    return Named("paid_outside_bill", bill.documents, -amount)


def on_hold_before_it_was_sent(spoil: Spoiler) -> Named:
    """An invoice is posted and put on hold before anybody has seen it."""
    original = spoil.document("HOLD")
    amount = spoil.amount()
    lines = [{"number": EXPENSE, "unit_cost": str(amount)}]
    post = {"do": "post_invoice", "vendor": "20000", "vendor_invoice_number": original, "lines": lines}
    hold = {"do": "set_on_hold", "invoice": original, "on_hold": "ASK"}
    posted, _ = spoil.company.erp.ask("/_sandbox/people", [post, hold])
    return Named("held", (posted["number"],), amount)


def unapplied(spoil: Spoiler) -> Named:
    """An accountant takes a payment off an invoice."""
    paid = spoil.paid()
    part = spoil.random.choice(paid.parts)
    spoil.company.in_erp("unapply", document=part.entry)
    return Named("unapplied_in_erp", (part.number, part.bill), part.amount, paid.currency)


def reversed_by_hand(spoil: Spoiler) -> Named:
    """An accountant reverses a payment that BILL has made, or a part of it."""
    paid = spoil.paid()
    parts = spoil.random.sample(paid.parts, spoil.random.randint(1, len(paid.parts)))
    for part in parts:
        spoil.company.in_erp("reverse", document=part.entry)
    return paid.named("reversed_in_erp", 1, parts)


def posted_again(spoil: Spoiler) -> Named:
    """A payment is entered a second time under the first one's number, past the vendor."""
    paid = spoil.paid()
    part = spoil.random.choice(paid.parts)
    order = {"debit": EXPENSE, "credit": CLEARING, "amount": str(part.local)}
    spoil.company.in_erp("post_direct", document=part.entry, **order)
    return Named("posted_twice", (part.entry, paid.id), -part.local)


def transfer_corrected(spoil: Spoiler) -> Named:
    """Somebody corrects a transfer under its own number."""
    document = spoil.random.choice(spoil.company.transfers)
    spoil.company.transfers.remove(document)
    sides, sign = spoil.sides(CLEARING, "1110")
    amount = spoil.amount()
    spoil.company.in_erp("post_direct", document=document, amount=str(amount), **sides)
    return Named("transfer_differs", (document,), sign * amount)


def archived(spoil: Spoiler) -> Named:
    """A bill is archived in BILL."""
    bill = spoil.bill()
    spoil.company.in_bill("archive", kind="bill", id=bill.id)
    return Named("deleted_bill", bill.documents, bill.total, bill.currency)


def changed_in_bill(spoil: Spoiler) -> Named:
    """Somebody changes a bill's amount."""
    bill = spoil.bill()
    more = spoil.random.choice((1, -1)) * spoil.amount(bill.total, bill.currency)
    lines = [{"id": bill.line, "amount": float(bill.total + more)}]
    spoil.company.in_bill("edit", kind="bill", id=bill.id, body={"billLineItems": lines})
    return Named("amount_differs", bill.documents, -more, bill.currency)


def recorded_in_bill(spoil: Spoiler) -> Named:
    """Somebody tells BILL of a payment that the ERP does not show."""
    bill = spoil.bill()
    amount = spoil.amount(bill.total, bill.currency)
    spoil.company.pay("record", bills=[{"billId": bill.id, "amount": float(amount)}])
    return Named("recorded_in_bill_only", bill.documents, amount, bill.currency)


def credited_in_bill(spoil: Spoiler) -> Named:
    """A vendor credit is used in BILL only."""
    bill = spoil.bill()
    amount = spoil.amount(bill.total, bill.currency)
    body = {
        "vendorId": bill.payee, "referenceNumber": spoil.document("VC"), "creditDate": today(),
        "vendorCreditLineItems": [{"amount": float(amount)}],
    }  # fmt: skip
    credit = spoil.company.in_bill("create", kind="vendor-credit", body=body)
    uses = [{"id": credit["id"], "amount": float(amount)}]
    spoil.company.in_bill("edit", kind="bill", id=bill.id, body={"vendorCredits": uses})
    return Named("credit_in_bill_only", bill.documents, amount, bill.currency)


def keyed_in_bill(spoil: Spoiler) -> Named:
    """A bill is typed into BILL that no invoice stands behind."""
    bill = spoil.random.choice(spoil.company.bills)
    amount, number = spoil.amount(currency=bill.currency), spoil.document("KEYED")
    made = keyed(spoil.company, bill, number, amount)
    return Named("missing_in_erp", (number, made), -amount, bill.currency)


def keyed_twice(spoil: Spoiler) -> Named:
    """A bill is typed into BILL beside the one that is there."""
    bill = spoil.bill()
    made = keyed(spoil.company, bill, bill.original, bill.total)
    return Named("duplicate_in_bill", (bill.original, made), -bill.total, bill.currency)


def keyed(company: Company, bill: Bill, number: str, amount: Decimal) -> str:
    """A bill of the same vendor, by hand; its id."""
    body = {
        "vendorId": bill.payee, "dueDate": today(), "billLineItems": [{"amount": float(amount)}],
        "invoice": {"invoiceNumber": number, "invoiceDate": today()},
    }  # fmt: skip
    made: str = company.in_bill("create", kind="bill", body=body)["id"]
    return made


def void(spoil: Spoiler) -> Named:
    """BILL voids a payment, and nobody has reversed it in the ERP yet."""
    paid = spoil.paid()
    spoil.company.pay("void", id=paid.id)
    return paid.named("reversal_due", -1, paid.parts)


def set_back(spoil: Spoiler) -> Named:
    """BILL shows a payment as only planned that is posted."""
    paid = spoil.paid()
    spoil.company.pay("advance", id=paid.id, to="SCHEDULED", force=True)
    return paid.named("posted_not_paid_in_bill", -1, paid.parts)


def paid_by_card(spoil: Spoiler) -> Named:
    """A payment from a card for which the connection names no account."""
    bill = spoil.bill(LOCAL)
    amount = spoil.amount(bill.total)
    made = pay(spoil, bill, amount, {"type": "CARD_ACCOUNT", "id": CARD})
    return Named("held", (bill.number, made), amount)


def stuck_in_its_journal(spoil: Spoiler) -> Named:
    """A payment waits in a journal, for a job queue that does nothing."""
    bill = spoil.bill(LOCAL)
    amount = spoil.amount(bill.total)
    still = {"post_with_job_queue": True, "job_queue_delay_seconds": NEVER}
    spoil.company.erp.ask("/_sandbox/switches", still)
    made = pay(spoil, bill, amount, {"type": "BANK_ACCOUNT", "id": BANK})
    return Named("unposted_journal", (bill.number, made), amount)


def pay(spoil: Spoiler, bill: Bill, amount: Decimal, funding: dict[str, str]) -> str:
    """BILL pays and takes the money; the payment's id."""
    parts = [{"billId": bill.id, "amount": float(amount)}]
    (made,) = spoil.company.pay("create", bills=parts, fundingAccount=funding, to="PROCESSED")
    identity: str = made["id"]
    return identity


def today() -> str:
    """Today, as BILL's people write it."""
    return datetime.now(UTC).date().isoformat()


OF_PAYMENTS: Final[tuple[Kind, ...]] = (unapplied, reversed_by_hand, posted_again, void, set_back)
OF_TRANSFERS: Final[tuple[Kind, ...]] = (transfer_corrected,)
AT_ONCE: Final[tuple[Kind, ...]] = (
    direct_on_control, moved_between_control_accounts, direct_under_an_invoices_number, backed_out_of_control,
    direct_on_clearing, paid_by_hand, credited_in_erp, unapplied, reversed_by_hand, posted_again, transfer_corrected,
    archived, changed_in_bill, recorded_in_bill, credited_in_bill, keyed_in_bill, keyed_twice, set_back,
)  # fmt: skip
"""Those that are named as soon as they are done: nothing of Tieout's own follows."""
KINDS: Final[tuple[Kind, ...]] = (
    *AT_ONCE, on_hold_before_it_was_sent, void, paid_by_card, stuck_in_its_journal,
)  # fmt: skip


def kinds_of(seed: int, count: int) -> list[Kind]:
    """What a seed draws: kinds, none of them twice."""
    return Random(seed).sample(KINDS, count)  # noqa: S311 - a seed is to be drawn from again


def one_more_of(spoil: Spoiler) -> Kind:
    """One of the things that are named at once, and leave the payments and transfers to the seeds."""
    return spoil.random.choice([kind for kind in AT_ONCE if kind not in (*OF_PAYMENTS, *OF_TRANSFERS)])
