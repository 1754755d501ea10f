"""Payments in the demo: which bills the clerk pays, and what of it the ERP's ledger proves."""

from datetime import timedelta
from decimal import Decimal

import pytest

from support.two_worlds import TwoWorlds
from tieout_cli.demo import paying, proof
from tieout_sandbox.business_central.worlds.building import CLEARING


class Paid:
    """The clerk has paid as planned; the ERP's side is done by ``post``."""

    def __init__(self) -> None:
        self.worlds = TwoWorlds()
        self.bills = {bill: number for number, bill in self.worlds.enter_all().items()}
        self.plan = paying.plan(self.worlds.company, self.worlds.erp, self.worlds.bill)
        self.payments = {self._pay(parts): parts for parts in self.plan.orders()}

    def _pay(self, parts: tuple[paying.Part, ...]) -> str:
        bills = [{"billId": bill, "amount": Decimal(amount)} for bill, amount in parts]
        return self.worlds.pay({"action": "create", "bills": bills, "to": "PROCESSED"})

    def post(self, account: str = CLEARING, skip: int = 0) -> None:
        """Book every part in the ERP, but for the first ``skip``."""
        parts = [(payment, part) for payment, paid in self.payments.items() for part in paid]
        for place, (payment, (bill, amount)) in enumerate(parts[skip:]):
            self.worlds.person(
                "post_payment",
                invoice=self.bills[bill],
                amount=amount,
                account=account,
                document=f"P{payment[-8:]}{place:02d}".upper(),
                date=self.worlds.company.today.isoformat(),
            )

    def proved(self) -> proof.Proof:
        """What the ledgers say."""
        return proof.prove(self.worlds.erp, self.worlds.bill)


@pytest.fixture
def paid() -> Paid:
    """Paid in BILL, nothing posted yet."""
    return Paid()


def test_the_clerk_pays_one_over_several_a_part_and_some_whole(paid: Paid) -> None:
    """No bill is paid twice, none more than is owed, and the one to be voided is apart."""
    plan = paid.plan
    due = {one["id"]: Decimal(one["amount"]) for one in paid.worlds.there["bills"]}
    vendors = {one["id"]: one["vendorId"] for one in paid.worlds.there["bills"]}
    parts = [plan.partial, plan.void, *plan.several, *plan.single]
    assert len({bill for bill, _amount in parts}) == len(parts)
    assert len(plan.several) == 3
    assert len({vendors[bill] for bill, _amount in plan.several}) == 1
    assert Decimal(plan.partial[1]) < due[plan.partial[0]]
    assert all(Decimal(amount) == due[bill] for bill, amount in (plan.void, *plan.several, *plan.single))


def test_what_grants_a_discount_or_waits_for_an_approval_is_not_paid() -> None:
    """Paying within a discount's days, or before BILL's approver has agreed, is another story."""
    worlds = TwoWorlds(4)
    numbers = {bill: number for number, bill in worlds.enter_all().items()}
    books, there, today = worlds.erp["companies"][0], worlds.there, worlds.company.today
    entries = {one["document_number"]: one for one in books["vendor_entries"]}
    granted = {
        bill
        for bill, number in numbers.items()
        if Decimal(entries[number]["discount_left"]) and entries[number]["discount_date"] >= today.isoformat()
    }
    waiting = {one["id"] for one in there["bills"] if one["approvalStatus"] == "ASSIGNED"}
    begun = {one["id"] for one in there["bills"] if one["paymentStatus"] != "UNPAID"}
    foreign = {one["id"] for one in there["bills"] if entries[numbers.get(one["id"], "")]["currency_code"]}
    assert granted
    assert foreign
    assert waiting
    assert begun
    chosen = {one["id"] for one in paying.payable(books, there, today)}
    assert chosen == set(numbers) - granted - waiting - begun - foreign


def test_what_is_posted_and_applied_through_clearing_is_proved(paid: Paid) -> None:
    """Every payment counts once, the one over several bills as one."""
    paid.post()
    found = paid.proved()
    assert found.differences == []
    assert found.applied == len(paid.payments)


def test_a_payment_that_is_not_posted_is_named(paid: Paid) -> None:
    """A part that is missing in the ERP is named with its invoice and amount."""
    paid.post(skip=1)
    found = paid.proved()
    bill, amount = paid.plan.several[0]
    assert found.applied == len(paid.payments) - 1
    assert [(one.kind, one.documents[1], str(one.amount)) for one in found.differences] == [
        ("payment not applied", paid.bills[bill], amount)
    ]


def test_a_payment_booked_against_the_bank_proves_nothing(paid: Paid) -> None:
    """Applied, but not through clearing: the transfer of the day would be booked twice."""
    paid.post(account="1110")
    assert paid.proved().applied == 0


def test_a_payment_posted_twice_is_named(paid: Paid) -> None:
    """What the ERP has applied and BILL has never paid is named."""
    paid.post()
    invoice = paid.bills[paid.plan.void[0]]
    today = paid.worlds.company.today.isoformat()
    paid.worlds.person("post_payment", invoice=invoice, amount="5", account=CLEARING, document="PTWICE", date=today)
    assert [(one.kind, str(one.amount)) for one in paid.proved().differences] == [("payment unknown to BILL", "5")]


def test_a_void_payment_counts_as_reversed_once_the_invoice_is_open_again(paid: Paid) -> None:
    """Before the accountant's reversal it is a difference; its document is found for him by the ledger."""
    void, parts = next((one, parts) for one, parts in paid.payments.items() if parts == (paid.plan.partial,))
    paid.post()
    paid.worlds.pay({"action": "void", "id": void})
    before = paid.proved()
    assert before.reversed == 0
    assert {one.kind for one in before.differences} == {"payment not reversed", "payment unknown to BILL"}
    invoice = paid.bills[parts[0][0]]
    books = paid.worlds.erp["companies"][0]
    documents = proof.documents_of(books, ((invoice, Decimal(parts[0][1])),))
    assert len(documents) == 1
    paid.worlds.person("reverse", document=documents[0], date=paid.worlds.company.today.isoformat())
    after = paid.proved()
    assert after.differences == []
    assert (after.applied, after.reversed) == (len(paid.payments) - 1, 1)


def test_what_is_only_unapplied_is_not_reversed(paid: Paid) -> None:
    """Unapplied, the invoice is open again and the payment still stands: the void is not done."""
    void, parts = next((one, parts) for one, parts in paid.payments.items() if parts == (paid.plan.partial,))
    paid.post()
    paid.worlds.pay({"action": "void", "id": void})
    invoice = paid.bills[parts[0][0]]
    (document,) = proof.documents_of(paid.worlds.erp["companies"][0], ((invoice, Decimal(parts[0][1])),))
    paid.worlds.person("unapply", document=document, date=paid.worlds.company.today.isoformat())
    assert paid.proved().reversed == 0


def test_a_payment_that_has_not_left_the_bank_is_not_expected(paid: Paid) -> None:
    """Scheduled in BILL: nothing is missing in the ERP yet."""
    bill, amount = paid.plan.void
    later = (paid.worlds.company.today + timedelta(days=3)).isoformat()
    order = {"action": "create", "bills": [{"billId": bill, "amount": Decimal(amount)}], "processDate": later}
    paid.worlds.pay(order)
    paid.post()
    assert paid.proved().differences == []
