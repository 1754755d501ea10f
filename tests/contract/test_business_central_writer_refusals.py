"""What Business Central refuses of a payment: with its code, its own words and what to do; nothing is posted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from time import monotonic

import pytest

from support.business_central_company import BusinessCentralCompany, company_of
from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import AccountKind, PaymentOrder, PostingAccount
from tieout.domain.erp_outcomes import Standing, StepEffect, payment_differences
from tieout.domain.errors import Executed, Reject
from tieout_conformance import Invoice
from tieout_conformance.walking import Walk, payment, posted
from tieout_connectors.business_central import batches
from tieout_connectors.business_central.payments import draft_of
from tieout_devstack.certificates import Authority, authority

HUNDRED = Decimal(100)
RULE = "Application_DialogException"


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def company(throw_away: Authority) -> AsyncIterator[BusinessCentralCompany]:
    """The default company."""
    async with company_of(throw_away) as made:
        yield made


Prepare = Callable[[BusinessCentralCompany, Invoice], Awaitable[object]]


def by(do: str, **order: object) -> Prepare:
    """Somebody does something that concerns the invoice's vendor, whose number stands for {vendor}."""

    async def prepare(company: BusinessCentralCompany, invoice: Invoice) -> object:
        told = {key: invoice.vendor.number if value == "{vendor}" else value for key, value in order.items()}
        return await company.site.people(do, **told)

    return prepare


async def closed_books(company: BusinessCentralCompany, _invoice: Invoice) -> None:
    """Postings of today are refused."""
    await company.close_books(company.today)


DEMANDED = {"DEPARTMENT": {"rule": "Code Mandatory"}}


@pytest.mark.parametrize(
    ("prepare", "code", "words", "cure"),
    [
        (closed_books, RULE, "allowed posting dates", "Allow Posting From"),
        (by("block_vendor", number="{vendor}", blocked="Payment"), RULE, "blocked with type Payment", "Vendor Card"),
        (by("block_vendor", number="{vendor}", blocked="All"), RULE, "blocked with type All", "Vendor Card"),
        (by("set_dimension_rules", vendor="{vendor}", rules=DEMANDED), RULE, "DEPARTMENT", "Correct the dimension"),
        (
            by("change_account", key="2950", values={"blocked": True}),
            "Application_FieldValidationException",
            "No.=2950",
            "clearing account",
        ),
        (by("change_vendor", number="{vendor}", values={"posting_group": ""}), None, "Posting Group", "posting group"),
    ],
)
async def test_a_refused_posting_is_told_and_leaves_nothing_posted(
    company: BusinessCentralCompany, prepare: Prepare, code: str | None, words: str, cure: str
) -> None:
    """What changed after the payment was recorded: code and message as they came, a cure, and the lines still there."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    before = await company.balance(company.clearing)
    order = payment(company, (invoice, HUNDRED))
    walk = Walk(await company.writer(), order)
    await walk.go(until=StepEffect.POST)
    await prepare(company, invoice)
    with pytest.raises(Reject) as caught:
        await walk.go()
    assert words in caught.value.message
    assert code in {caught.value.code, None}
    assert cure in caught.value.cure
    assert caught.value.executed is Executed.NO
    assert caught.value.call == "POST journals({id})/Microsoft.NAV.post"
    assert len(await company.lines(order)) == 1
    assert (await walk.look()).standing is Standing.PARTIAL
    assert await company.open_amount(invoice) == HUNDRED
    assert await company.balance(company.clearing) == before


@pytest.mark.parametrize("language", ["de-DE", "da-DK"])
async def test_another_language_changes_the_words_alone(company: BusinessCentralCompany, language: str) -> None:
    """The application's user reads another language: the same refusal, decided by the same code."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    walk = Walk(await company.writer(), payment(company, (invoice, HUNDRED)))
    await walk.go(until=StepEffect.POST)
    await company.site.switch(language=language)
    await company.close_books(company.today)
    with pytest.raises(Reject) as caught:
        await walk.go()
    assert caught.value.code == RULE
    assert caught.value.cure


async def test_a_blocked_vendor_is_refused_when_the_line_is_made(company: BusinessCentralCompany) -> None:
    """Already the line is refused; its batch stays empty, and once unblocked the same order goes through."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    await company.site.people("block_vendor", number=invoice.vendor.number, blocked="Payment")
    order = payment(company, (invoice, HUNDRED))
    with pytest.raises(Reject) as caught:
        await posted(company, order)
    assert caught.value.call == "POST vendorPaymentJournals({id})/vendorPayments"
    assert "Vendor Card" in caught.value.cure
    await company.site.people("block_vendor", number=invoice.vendor.number, blocked=" ")
    assert payment_differences(order, await posted(company, order)) == ()


async def test_dimensions_that_the_ledger_demands_let_it_pass(company: BusinessCentralCompany) -> None:
    """A blocked value is refused by name when it is posted; with another one the payment is posted."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    rules = {"AREA": {"rule": "Code Mandatory"}}
    await company.site.people("set_dimension_rules", vendor=invoice.vendor.number, rules=rules)
    await company.site.people("change_dimension_value", key=["AREA", "WEST"], values={"blocked": True})
    for name, value in (("blocked", "WEST"), ("open", "EAST")):
        plain = payment(company, (invoice, HUNDRED), name=name)
        order = PaymentOrder.model_validate(
            plain.model_dump() | {"dimensions": [{"dimension": "AREA", "value": value}]}
        )
        if value == "EAST":
            assert payment_differences(order, await posted(company, order)) == ()
            continue
        with pytest.raises(Reject) as caught:
            await posted(company, order)
        assert (caught.value.code, "WEST" in caught.value.message) == (RULE, True)


async def test_an_unknown_dimension_value_is_refused_before_posting(company: BusinessCentralCompany) -> None:
    """A value that is not there any more is refused with its own words, at its own step."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    plain = payment(company, (invoice, HUNDRED))
    order = PaymentOrder.model_validate(plain.model_dump() | {"dimensions": [{"dimension": "AREA", "value": "MOON"}]})
    with pytest.raises(Reject) as caught:
        await posted(company, order)
    assert "valueCode" in caught.value.message
    assert caught.value.call == "POST vendorPayments({id})/dimensionSetLines"


async def test_an_invoice_in_another_currency_than_its_vendor(company: BusinessCentralCompany) -> None:
    """A journal line has the vendor's currency; posting refuses, and the cure is a payment by hand."""
    lines = [{"number": "6150", "unit_cost": "50"}]
    made = await company.site.people(
        "post_invoice", vendor="60000", vendor_invoice_number="USD-1", currency="USD", lines=lines
    )
    invoice = await company.known(made["number"])
    order = payment(company, (invoice, Decimal(50)))
    with pytest.raises(Reject) as caught:
        await posted(company, order)
    assert (caught.value.code, "same currency" in caught.value.message) == (RULE, True)
    assert "by hand" in caught.value.cure


# What the ledger shows is asked before anything is recorded


async def _over(company: BusinessCentralCompany, invoice: Invoice) -> PaymentOrder:
    await company.pay_by_hand(invoice, Decimal(1))
    return payment(company, (invoice, HUNDRED))


async def _closed(company: BusinessCentralCompany, invoice: Invoice) -> PaymentOrder:
    for part in (40, 60):
        await company.pay_by_hand(invoice, Decimal(part))
    return payment(company, (invoice, HUNDRED))


async def _strange(company: BusinessCentralCompany, invoice: Invoice) -> PaymentOrder:
    plain = payment(company, (invoice, HUNDRED))
    other = VendorRef(number=(await company.vendor()).number)
    return PaymentOrder.model_validate(plain.model_dump() | {"vendor": other.model_dump()})


async def _misspelt(company: BusinessCentralCompany, invoice: Invoice) -> PaymentOrder:
    plain = payment(company, (invoice, HUNDRED))
    application = plain.applications[0].model_dump() | {"number": f"{invoice.number}0"}
    return PaymentOrder.model_validate(plain.model_dump() | {"applications": [application]})


async def _early(company: BusinessCentralCompany, invoice: Invoice) -> PaymentOrder:
    return payment(company, (invoice, HUNDRED), posting=company.today - timedelta(days=1))


async def _other_currency(company: BusinessCentralCompany, invoice: Invoice) -> PaymentOrder:
    plain = payment(company, (invoice, HUNDRED))
    return PaymentOrder.model_validate(plain.model_dump() | {"cash": {"amount": "100", "currency": "EUR"}})


async def _no_clearing(company: BusinessCentralCompany, invoice: Invoice) -> PaymentOrder:
    nobody = PostingAccount(kind=AccountKind.GENERAL, number="NOSUCH")
    return payment(company, (invoice, HUNDRED), clearing=nobody)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (_over, "over_applied"),
        (_closed, "invoice_closed"),
        (_strange, "invoice_not_found"),
        (_misspelt, "invoice_not_found"),
        (_early, "dated_before_invoice"),
        (_other_currency, "currency_differs"),
        (_no_clearing, "unknown_account"),
    ],
)
async def test_what_the_ledger_does_not_take_is_never_recorded(
    company: BusinessCentralCompany, made: Callable[..., Awaitable[PaymentOrder]], code: str
) -> None:
    """Refused before the first call that would change anything, with what to do."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = await made(company, invoice)
    with pytest.raises(Reject) as caught:
        await posted(company, order)
    assert (caught.value.code, bool(caught.value.cure)) == (code, True)
    assert await company.changes() == []


async def test_somebody_pays_between_recording_and_posting(company: BusinessCentralCompany) -> None:
    """More would be applied than is open: Business Central would post it, and leave the rest on account; we do not."""
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
    order = payment(company, *((one, HUNDRED) for one in invoices))
    walk = Walk(await company.writer(), order)
    await walk.go(until=StepEffect.POST)
    await company.pay_by_hand(invoices[1], Decimal(30))
    with pytest.raises(Reject) as caught:
        await walk.go()
    assert caught.value.code == "over_applied"
    assert [await company.open_amount(one) for one in invoices] == [100, 70]


@pytest.mark.parametrize(
    ("code", "words"), [("Internal_DataNotFoundFilter", "no Vendor Ledger Entry"), (RULE, "earlier posting date")]
)
async def test_the_ledger_itself_refuses_what_slipped_through(
    company: BusinessCentralCompany, code: str, words: str
) -> None:
    """In the moment between our look and the posting somebody pays, or the date is wrong: refused, nothing posted."""
    early = code == RULE
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED), posting=company.today - timedelta(days=1) if early else None)
    draft, client = draft_of(order), company.site.client
    always = batches.Ledger(partial(_nothing), partial(_false))
    writer = await company.writer()
    for step in writer.plan(order)[:-2]:
        await batches.take(client, draft, step, (), always, monotonic() + 10)
    if not early:
        await company.pay_by_hand(invoice, HUNDRED)
    with pytest.raises(Reject) as caught:
        await batches.take(client, draft, writer.plan(order)[-2], (), always, monotonic() + 10)
    assert (caught.value.code, words in caught.value.message, bool(caught.value.cure)) == (code, True, True)
    assert len(await company.lines(order)) == 1


async def _nothing() -> None:
    return


async def _false() -> bool:
    return False


async def test_an_external_number_is_used_once_where_the_setup_demands_it(company: BusinessCentralCompany) -> None:
    """Two lines of one payment are taken, since each has a number of its own."""
    await company.site.people("setup", values={"external_number_mandatory": True})
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
    order = payment(company, *((one, HUNDRED) for one in invoices))
    assert payment_differences(order, await posted(company, order)) == ()


async def test_refused_as_there_already_when_it_is(company: BusinessCentralCompany) -> None:
    """The refusal of a posting that took place is no refusal: the caller is told to look."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    walk = Walk(await company.writer(), order)
    await walk.go(until=StepEffect.POST)
    body = {"error": {"code": RULE, "message": f"Purchase Payment {order.mark} already exists."}}
    await company.site.operator.fault("status_after", path="Microsoft.NAV.post", status=400, body=body)
    with pytest.raises(Reject) as caught:
        await walk.go()
    assert caught.value.executed is Executed.YES
    assert payment_differences(order, await walk.paid()) == ()


async def test_posted_already_is_never_recorded_again(company: BusinessCentralCompany) -> None:
    """A caller that goes on without looking is told that it is there."""
    invoice = await company.invoice(await company.vendor(), Decimal(1000))
    order = payment(company, (invoice, HUNDRED))
    await posted(company, order)
    writer = await company.writer()
    before = await company.changes()
    with pytest.raises(Reject) as caught:
        await writer.perform(order, writer.plan(order)[0], (), monotonic() + 10)
    assert caught.value.executed is Executed.YES
    assert await company.changes() == before
