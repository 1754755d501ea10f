"""What counts as on its way for a tie-out: Tieout's own commands, and nothing that people do."""

from decimal import Decimal

from support.agreement import Agreement
from support.deciding import World, settings
from support.invoices import BILL, masters, see
from support.projecting import ACCOUNTS, pay
from tieout.domain.bill import Bill
from tieout.domain.bill_payments import PaymentStage
from tieout.domain.capabilities import HandWork
from tieout.domain.erp_outcomes import NotYet, Waiting
from tieout.events.facts import BillObserved, Result, SettingsFact
from tieout.tie_out.classes import Class
from tieout.tie_out.comparing import compare
from tieout_control_plane.projection.beliefs import is_out

HUNDRED = Decimal(100)


def company() -> World:
    """A connection with the masters of an invoice."""
    world = World(active=False)
    world.feed(SettingsFact(generation=1, settings=settings(accounts=ACCOUNTS)))
    masters(world)
    return world


def test_a_bill_is_on_its_way_from_the_command_to_its_answer() -> None:
    """Also while its answer was lost; never once it is known, whatever people then do to the bill."""
    world = company()
    see(world)
    assert is_out(world.link(BILL), "")
    world.answer(Result.IN_DOUBT)
    assert is_out(world.link(BILL), "")
    world.answer(Result.APPLIED, target="00n1")
    assert not is_out(world.link(BILL), "")
    for amount in (90, 100, 90):
        shown = Bill(id="00n1", vendor="009AAA", invoice_number="INV-1", amount=Decimal(amount))
        world.feed(BillObserved(bill=shown))
        assert (world.hold(BILL) is None) == (amount == 100)
        assert not is_out(world.link(BILL), "")


def test_a_payment_is_not_on_its_way_while_a_person_has_to_post_it() -> None:
    """Its journal stands in the ERP for days; a plan whose steps are not through is a matter of seconds."""
    world = company()
    see(world)
    world.answer(Result.APPLIED, target="00n1")
    pay(world, "stp1", "00n1", "40")
    assert is_out(world.link("payment/stp1"), "")
    work = HandWork(page="Payment Journals", action="Post the batch.", until="the invoice is settled")
    world.answer(Result.WAITING, waiting=NotYet(why=Waiting.PERSON, work=work))
    assert not is_out(world.link("payment/stp1"), Waiting.PERSON)
    assert is_out(world.link("payment/stp1"), Waiting.STEPS)


def test_a_payment_that_is_being_posted_moves_the_invoices_it_pays() -> None:
    """The invoice was read before, the clearing account after: not an invoice from which somebody took a payment."""
    books = Agreement()
    books.invoice(HUNDRED)
    link = books.pay({0: Decimal(40)})
    books.invoices[0].open += 40
    (found,) = compare(books.inputs()).differences[:1]
    assert (found.kind, found.amount) == (Class.UNAPPLIED_IN_ERP, Decimal(40))
    books.links[link.payment] = link.model_copy(update={"moved": True})
    (found,) = compare(books.inputs()).differences[:1]
    assert (found.kind, found.amount, found.expected) == (Class.IN_FLIGHT, Decimal(40), True)


def test_a_payment_that_was_taken_and_posted_while_bill_was_read_is_in_flight() -> None:
    """BILL was read before it took the money, the ledger after the posting; nothing was posted too early."""
    books = Agreement()
    books.invoice(HUNDRED)
    link = books.pay({0: HUNDRED})
    seen = books.payments[link.payment]
    books.payments[link.payment] = seen.model_copy(update={"stage": PaymentStage.PLANNED})
    books.links[link.payment] = link.model_copy(update={"moved": True})
    (found,) = compare(books.inputs()).differences
    assert (found.kind, found.amount) == (Class.IN_FLIGHT, Decimal(-100))
