"""What an ERP refuses is refused whole: nothing is posted, and the same order goes through once the cause is gone."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tieout.domain.capabilities import Ability
from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import PaymentOrder
from tieout.domain.erp_outcomes import NotYet, PostedPayment, Standing, payment_differences
from tieout.domain.errors import Reject
from tieout_conformance.company import Company, Invoice
from tieout_conformance.walking import Walk, needs, payment, posted

HUNDRED = Decimal(100)


async def _refused(walk: Walk) -> bool:
    """Whether it was refused, or found not fit to be posted; else it is posted."""
    try:
        found = await walk.go()
    except Reject:
        return True
    return found.standing is not Standing.POSTED


class RefusalBehaviours:
    """Inherit and give ``company``: a company of its own for each test."""

    @pytest.fixture
    async def company(self) -> Company:
        """The simulated company."""
        raise NotImplementedError("give the company as a fixture of this name")

    async def test_several_invoices_are_paid_all_or_none(self, company: Company) -> None:
        """One of three was paid by somebody meanwhile: none of the three is paid by us."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST, Ability.ALL_OR_NONE)
        vendor = await company.vendor()
        invoices = [await company.invoice(vendor, HUNDRED) for _ in range(3)]
        await company.pay_by_hand(invoices[1], HUNDRED)
        before = await company.balance(company.clearing)
        assert await _refused(Walk(await company.writer(), payment(company, *((one, HUNDRED) for one in invoices))))
        assert [await company.open_amount(one) for one in invoices] == [HUNDRED, 0, HUNDRED]
        assert await company.balance(company.clearing) == before

    async def test_more_than_is_open_is_refused_or_shown(self, company: Company) -> None:
        """Somebody paid 60 of 100 meanwhile: 100 are refused, or the proof shows what was left unapplied."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        await company.pay_by_hand(invoice, Decimal(60))
        order = payment(company, (invoice, HUNDRED))
        walk = Walk(await company.writer(), order)
        if await _refused(walk):
            assert await company.open_amount(invoice) == 40
            return
        proof = await walk.prove()
        assert isinstance(proof, PostedPayment)
        assert payment_differences(order, proof)

    async def test_a_payment_older_than_its_invoice_is_refused_or_shown(self, company: Company) -> None:
        """Dated before the invoice was posted: refused with nothing posted, or posted on the day asked and proved."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        order = payment(company, (invoice, HUNDRED), posting=invoice.posting_date - timedelta(days=1))
        walk = Walk(await company.writer(), order)
        if await _refused(walk):
            assert await company.open_amount(invoice) == HUNDRED
            return
        proof = await walk.prove()
        assert isinstance(proof, PostedPayment)
        assert payment_differences(order, proof) == ()

    async def test_a_closed_period_refuses_and_an_open_one_takes_the_same_order(self, company: Company) -> None:
        """Nothing is posted into closed books; once they are open the order goes through under its mark, once."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        order = payment(company, (invoice, HUNDRED))
        before = await company.balance(company.clearing)
        await company.close_books(company.today)
        assert await _refused(Walk(await company.writer(), order))
        assert await company.open_amount(invoice) == HUNDRED
        assert await company.balance(company.clearing) == before
        await company.open_books()
        assert payment_differences(order, await posted(company, order)) == ()
        assert await company.balance(company.clearing) == before - HUNDRED

    async def test_what_does_not_exist_is_never_paid(self, company: Company) -> None:
        """An invoice nobody knows, or another vendor's: refused, or never posted; no money is left unapplied."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        other = await company.vendor()
        before = await company.balance(company.clearing)
        nobody = Invoice(other, _another(invoice.document), "NO-SUCH", HUNDRED, invoice.posting_date, "999999999")
        strange = Invoice(other, invoice.document, invoice.number, HUNDRED, invoice.posting_date, invoice.ledger_entry)
        for name, wrong in (("nobody", nobody), ("strange", strange)):
            assert await _refused(Walk(await company.writer(), payment(company, (wrong, HUNDRED), name=name)))
        missing = payment(company, (invoice, HUNDRED), name="missing")
        missing = PaymentOrder.model_validate(
            missing.model_dump() | {"vendor": VendorRef(number="NOSUCHVENDOR", id=_another(other.id))}
        )
        assert await _refused(Walk(await company.writer(), missing))
        assert await company.open_amount(invoice) == HUNDRED
        assert await company.balance(company.clearing) == before

    async def test_a_refusal_leaves_what_can_be_withdrawn_or_continued(self, company: Company) -> None:
        """After a refused posting the order is not posted, not proved, and stands as it can be gone on with."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        walk = Walk(await company.writer(), payment(company, (invoice, HUNDRED)))
        await company.close_books(company.today)
        assert await _refused(walk)
        found = await walk.look()
        assert found.standing in (Standing.ABSENT, Standing.PARTIAL, Standing.WAITING)
        assert isinstance(await walk.prove(), NotYet)


def _another(identity: str) -> str:
    """An id of the same form that names nothing."""
    swapped = identity.translate(str.maketrans("0123456789", "9876543210"))
    return swapped if swapped != identity else f"{identity}9"
