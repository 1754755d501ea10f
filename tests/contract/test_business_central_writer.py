"""What Business Central's writer records and proves, read back from the books of its simulator over sockets."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from support.business_central_company import BusinessCentralCompany, company_of
from tieout.domain.capabilities import Ability
from tieout.domain.erp import DimensionCode
from tieout.domain.erp_orders import AccountKind, PaymentOrder, PostingAccount, Settled
from tieout.domain.erp_outcomes import (
    FoundBy,
    NotYet,
    PostedPayment,
    Standing,
    StepEffect,
    Waiting,
    payment_differences,
)
from tieout.domain.errors import Fatal, Reject
from tieout.domain.money import Money
from tieout_conformance.walking import Walk, payment, posted
from tieout_connectors.business_central.drafts import batch_code
from tieout_connectors.business_central.wire.postings import is_mark
from tieout_connectors.business_central.writer import BusinessCentralWriter
from tieout_connectors.spi.erp import CheckStatus
from tieout_devstack.certificates import Authority, authority

if TYPE_CHECKING:
    from tieout_connectors.spi.erp_writer import ErpWriter

ZERO = Decimal(0)
HUNDRED = Decimal(100)


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def company(throw_away: Authority) -> AsyncIterator[BusinessCentralCompany]:
    """The default company."""
    async with company_of(throw_away) as made:
        yield made


def changed(order: PaymentOrder, **changes: object) -> PaymentOrder:
    """The same order but for some of it."""
    return PaymentOrder.model_validate(order.model_dump() | changes)


def test_it_is_a_whole_writer() -> None:
    """The services may use every verb of the protocol."""
    writer: type[ErpWriter] = BusinessCentralWriter
    assert writer is BusinessCentralWriter


@pytest.mark.promise("BC4")
async def test_what_stands_in_the_books(company: BusinessCentralCompany) -> None:
    """One payment entry per invoice with the marks people look for, against clearing, and no batch left."""
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
    order = changed(payment(company, *((one, HUNDRED) for one in invoices)), transaction="check 4711")
    proof = await posted(company, order)
    assert payment_differences(order, proof) == ()
    for number, application in enumerate(order.applications, start=1):
        entry = await company.entry(order.mark_of(application))
        assert (entry["vendor"], Decimal(entry["amount"]), Decimal(entry["remaining"])) == (
            vendor.number,
            HUNDRED,
            ZERO,
        )
        assert entry["external_document_number"] == f"{order.mark}/{number}"
        assert entry["posting_date"] == company.today.isoformat()
        assert is_mark(entry["document_number"])
    assert {ref.ledger for ref in proof.entries} == {"vendor", "general"}
    assert proof.cleared == 200
    assert not [one for one in (await company.books())["journal_lines"] if one["batch"] and one["document_number"]]
    changes = await company.changes()
    assert not [one for one in changes if "applyVendorEntries" in one]
    assert changes[-1].startswith("DELETE vendorPaymentJournals(")


async def test_a_payment_of_one_invoice_bears_the_mark_itself(company: BusinessCentralCompany) -> None:
    """Document number and external number are the mark; the batch's code has no digit that posting could count up."""
    await company.site.people("change_template", key="PAYMENT", values={"increment": True})
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    await posted(company, order)
    entry = await company.entry(order.mark)
    assert entry["external_document_number"] == order.mark
    code = batch_code(order.mark)
    assert (len(code), code.isalpha(), code.isupper()) == (10, True, True)


@pytest.mark.promise("BC3")
async def test_dimensions_are_carried(company: BusinessCentralCompany) -> None:
    """Those of the order and of its invoices; a vendor's default of another value gives way, a further one stays."""
    vendor = await company.vendor()
    rules = {"AREA": {"value": "EAST", "rule": " "}, "PROJECT": {"value": "TOYOTA", "rule": " "}}
    projects = [one["code"] for one in await _values(company, "PROJECT")]
    rules["PROJECT"]["value"] = projects[0]
    await company.site.people("set_dimension_rules", vendor=vendor.number, rules=rules)
    department = (await _values(company, "DEPARTMENT"))[0]["code"]
    first, second = await company.invoice(vendor, HUNDRED), await company.invoice(vendor, HUNDRED)
    plain = payment(company, (first, HUNDRED), (second, HUNDRED))
    applications = [
        plain.applications[0].model_copy(update={"dimensions": (DimensionCode(dimension="AREA", value="WEST"),)}),
        plain.applications[1],
    ]
    order = changed(
        plain,
        applications=[one.model_dump() for one in applications],
        dimensions=[{"dimension": "DEPARTMENT", "value": department}],
    )
    assert payment_differences(order, await posted(company, order)) == ()
    have = [(await company.entry(order.mark_of(one)))["dimensions"] for one in order.applications]
    assert have[0] == {"AREA": "WEST", "DEPARTMENT": department, "PROJECT": projects[0]}
    assert have[1] == {"AREA": "EAST", "DEPARTMENT": department, "PROJECT": projects[0]}


async def _values(company: BusinessCentralCompany, dimension: str) -> list[dict[str, str]]:
    client = company.site.client
    found = await client.rows(await client.api("dimensionValues"), "GET dimensionValues", {})
    dimensions = await client.rows(await client.api("dimensions"), "GET dimensions", {})
    key = next(one["id"] for one in dimensions if one["code"] == dimension)
    return [dict(one) for one in found if one["dimensionId"] == key]


async def test_the_pay_to_vendor_is_paid(company: BusinessCentralCompany) -> None:
    """The invoice of a branch is paid to its head office."""
    invoice = await company.known("108012")
    assert invoice.vendor.number == "20000"
    order = payment(company, (invoice, invoice.total))
    assert payment_differences(order, await posted(company, order)) == ()


async def test_numbers_with_blanks_slashes_and_hashes_are_found(company: BusinessCentralCompany) -> None:
    """A vendor named #99/A 1 is paid like any other, and by hand is seen as well."""
    invoice = await company.known("108013")
    await company.pay_by_hand(invoice, Decimal(7))
    writer, order = await company.writer(), payment(company, (invoice, Decimal(7)))
    found = await writer.find(order)
    assert (found.standing, found.by) == (Standing.POSTED, FoundBy.NATURAL_KEY)
    rest = payment(company, (invoice, Decimal("30.02")), name="rest")
    assert payment_differences(rest, await posted(company, rest)) == ()


@pytest.mark.parametrize(("number", "currency", "part"), [("108008", "EUR", "400.25"), ("108009", "JPY", "33333")])
async def test_a_foreign_payment_is_proved_in_its_currency(
    company: BusinessCentralCompany, number: str, currency: str, part: str
) -> None:
    """The line has the vendor's currency; clearing is credited in local currency with what the entry is worth."""
    invoice = await company.known(number)
    amount = Decimal(part)
    order = changed(payment(company, (invoice, amount)), cash=Money(amount=amount, currency=currency).model_dump())
    proof = await posted(company, order)
    assert payment_differences(order, proof) == ()
    assert proof.cleared == amount
    assert proof.applied[0].open_after == invoice.total - amount
    entry = await company.entry(order.mark)
    assert await company.balance(company.clearing) == -Decimal(entry["amount_local"])


async def test_another_clearing_account_needs_no_setting_up(company: BusinessCentralCompany) -> None:
    """Cards have an account of their own: each payment names its clearing account."""
    assert (await company.capabilities()).allows(Ability.CLEARING_PER_PAYMENT)
    cards = PostingAccount(kind=AccountKind.GENERAL, number="2960")
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED), clearing=cards)
    assert payment_differences(order, await posted(company, order)) == ()
    assert await company.balance(cards) == -100
    assert await company.balance(company.clearing) == 0


@pytest.mark.promise("C18")
@pytest.mark.parametrize(
    ("amount", "discount", "late", "code"),
    [
        ("1000", "0", False, "discount_differs"),
        ("980", "0", False, "discount_differs"),
        ("1000", "0", True, ""),
        ("500", "0", False, ""),
        ("980", "20", False, ""),
        ("980", "20", True, "discount_differs"),
        ("970", "30", False, "discount_differs"),
    ],
)
async def test_a_discount_is_taken_as_ordered_or_not_posted(
    company: BusinessCentralCompany,
    amount: str,
    discount: str,
    late: bool,  # noqa: FBT001 - a case
    code: str,
) -> None:
    """Posting would take what is still possible by itself; what was not agreed is refused before, with what to do."""
    day = company.today - timedelta(days=20 if late else 5)
    seller = (await company.known("108007")).vendor
    invoice = await company.invoice(seller, Decimal(1000), posted=day)
    entry = await company.entry(invoice.number, "Invoice")
    assert Decimal(entry["discount_left"]) == -20
    plain = payment(company, (invoice, Decimal(amount)))
    application = plain.applications[0].model_copy(update={"discount": Decimal(discount)})
    order = changed(plain, applications=[application.model_dump()])
    if code:
        with pytest.raises(Reject) as caught:
            await posted(company, order)
        assert caught.value.code == code
        assert "Vendor Ledger Entries" in caught.value.cure
        assert await company.lines(order) == []
        return
    assert payment_differences(order, await posted(company, order)) == ()
    assert await company.open_amount(invoice) == 1000 - Decimal(amount) - Decimal(discount)


async def test_a_payment_unapplied_later_is_told(company: BusinessCentralCompany) -> None:
    """A person takes the application back: the entry stands, its invoice is open, and the proof tells."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    walk = Walk(await company.writer(), order)
    await walk.paid()
    await company.site.people("unapply", document=order.mark)
    proof = await walk.paid()
    assert (proof.unapplied, proof.applied[0].amount, proof.applied[0].open_after) == (HUNDRED, ZERO, HUNDRED)
    assert payment_differences(order, proof)


async def test_a_payment_applied_elsewhere_is_told(company: BusinessCentralCompany) -> None:
    """A person applies our payment to another invoice: used up, but not where it was ordered."""
    vendor = await company.vendor()
    invoice, other = await company.invoice(vendor, HUNDRED), await company.invoice(vendor, HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    walk = Walk(await company.writer(), order)
    await walk.paid()
    await company.site.people("unapply", document=order.mark)
    await company.site.people("apply", document=order.mark, type="Payment", invoices=[other.number])
    proof = await walk.paid()
    assert (proof.unapplied, proof.applied[0].amount, proof.applied[0].open_after) == (ZERO, ZERO, HUNDRED)
    assert payment_differences(order, proof)


async def test_a_proof_needs_no_measure_from_before(company: BusinessCentralCompany) -> None:
    """A process that finds it posted, and knows nothing of before, proves it from the entries."""
    invoice = await company.invoice(await company.vendor(), Decimal(1000))
    order = payment(company, (invoice, Decimal(400)))
    await posted(company, order)
    writer = await company.writer()
    for before in ((), (await writer.find(order)).open):
        proof = await writer.prove(order, before)
        assert isinstance(proof, PostedPayment)
        assert payment_differences(order, proof) == ()


async def test_without_the_ledger_page_nothing_is_written(company: BusinessCentralCompany) -> None:
    """Unpublished meanwhile: the connection stops with what to publish; the site says what it cannot do."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    writer = await company.writer()
    await company.site.switch(ledger_page_published=False)
    with pytest.raises(Fatal) as caught:
        await writer.find(order)
    assert caught.value.code == "not_supported"
    assert "29" in caught.value.cure
    capabilities = await company.capabilities()
    assert not capabilities.allows(Ability.RECORD_PAYMENT)
    assert capabilities.allows(Ability.FUNDS_TRANSFER)
    assert await company.changes() == []


@pytest.mark.promise("C12")
async def test_a_check_warns_of_journals_that_cannot_be_read(company: BusinessCentralCompany) -> None:
    """A connection that only reads goes on; for the other it says which permission sets payments need."""
    await company.site.switch(denied_tables=["Gen. Journal Batch"])
    lines = {line.name: line for line in await company.site.reader.check()}
    warned = [name for name, line in lines.items() if line.status is CheckStatus.WARNING]
    assert warned == ["vendorPaymentJournals", "journals"]
    assert "D365 JOURNALS, POST" in lines["journals"].cure


async def test_what_only_looks_alike_is_no_candidate(company: BusinessCentralCompany) -> None:
    """Other orders of the same amount and day, and payments used up by other invoices, hold nothing up."""
    vendor = await company.vendor()
    mine, other, third = [await company.invoice(vendor, HUNDRED) for _ in range(3)]
    await posted(company, payment(company, (other, HUNDRED), name="other"))
    await company.pay_by_hand(third, HUNDRED)
    writer, order = await company.writer(), payment(company, (mine, HUNDRED))
    assert (await writer.find(order)).standing is Standing.ABSENT
    await company.site.people("post_payment", vendor=vendor.number, amount="100", document="ON-ACCOUNT", account="2950")
    found = await writer.find(order)
    assert (found.standing, found.by) == (Standing.POSTED, FoundBy.NATURAL_KEY)
    assert "ON-ACCOUNT" in found.detail
    for taken in (set(found.candidates), {"ON-ACCOUNT"}):
        assert (await writer.find(order, taken)).standing is Standing.ABSENT


async def test_the_same_part_of_an_invoice_is_paid_twice(company: BusinessCentralCompany) -> None:
    """Two payments of 100 on one invoice on one day are two: the first one's mark tells it from a payment by hand."""
    invoice = await company.invoice(await company.vendor(), Decimal(1000))
    for name in ("first", "second"):
        order = payment(company, (invoice, HUNDRED), name=name)
        assert payment_differences(order, await posted(company, order)) == ()
    assert await company.open_amount(invoice) == 800


@pytest.mark.parametrize(("days", "standing"), [(3, Standing.POSTED), (4, Standing.ABSENT)])
async def test_a_payment_by_hand_is_looked_for_about_its_day(
    company: BusinessCentralCompany, days: int, standing: Standing
) -> None:
    """Three days apart it may be the same, a week apart it is the next one of a weekly bill."""
    day = company.today - timedelta(days=10)
    invoice = await company.invoice(await company.vendor(), Decimal(1000), posted=day)
    order = payment(company, (invoice, HUNDRED), posting=day)
    paid = {"invoice": invoice.number, "vendor": invoice.vendor.number, "amount": "100", "document": "HAND"}
    await company.site.people("post_payment", account="2950", date=(day + timedelta(days=days)).isoformat(), **paid)
    assert (await (await company.writer()).find(order)).standing is standing


async def test_a_payment_by_hand_in_parts_is_offered(company: BusinessCentralCompany) -> None:
    """Each invoice paid by a payment of its own is the same as one of all; one of them alone is not."""
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, Decimal(amount)) for amount in (100, 250)]
    order = payment(company, *((one, one.total) for one in invoices))
    await company.pay_by_hand(invoices[0], HUNDRED)
    writer = await company.writer()
    assert (await writer.find(order)).standing is Standing.ABSENT
    await company.pay_by_hand(invoices[1], Decimal(250))
    found = await writer.find(order)
    assert (found.standing, found.by, len(found.candidates)) == (Standing.POSTED, FoundBy.NATURAL_KEY, 2)


async def test_what_can_never_be_recorded_is_refused_without_a_call(company: BusinessCentralCompany) -> None:
    """Credits, instalments and a bank as clearing account: the plan refuses, with what to do."""
    vendor = await company.vendor()
    plain = payment(company, (await company.invoice(vendor, HUNDRED), HUNDRED))
    application = plain.applications[0].model_dump()
    credit = application | {"settles": Settled.CREDIT, "document": "c", "amount": Decimal(-10)}
    ninety = Money(amount=Decimal(90), currency="USD").model_dump()
    cases = {
        "credits": changed(plain, applications=[application, credit], cash=ninety),
        "instalments": changed(plain, applications=[application | {"instalment": 2}]),
        "bank_clearing": changed(plain, clearing=company.bank.model_dump()),
    }
    writer = await company.writer()
    for code, order in cases.items():
        with pytest.raises(Reject) as caught:
            writer.plan(order)
        assert (caught.value.code, bool(caught.value.cure)) == (code, True)


async def test_a_posting_number_series_changes_nothing(company: BusinessCentralCompany) -> None:
    """Where the site gives posted documents numbers of its own, the external numbers find and prove the payment."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    walk = Walk(await company.writer(), order)
    await company.site.people("create_series", values={"code": "PPMT", "last": "PP-0009"})
    await walk.go(until=StepEffect.POST)
    await company.site.people(
        "change_batch", key=["PAYMENT", batch_code(order.mark)], values={"posting_series": "PPMT"}
    )
    proof = await walk.paid()
    assert proof.document_numbers == ("PP-0010",)
    assert payment_differences(order, proof) == ()


async def test_nothing_recorded_and_nothing_posted_is_no_proof(company: BusinessCentralCompany) -> None:
    """Before the first step the proof says that the steps are missing."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    proof = await (await company.writer()).prove(payment(company, (invoice, HUNDRED)), ())
    assert isinstance(proof, NotYet)
    assert (proof.why, proof.work) == (Waiting.STEPS, None)
