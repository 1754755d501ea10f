"""What the log of a connection holds after a story: facts and journal, as messages, for tests of the projection."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from support.deciding import ADDRESS, NOON, World, settings
from support.invoices import line, masters, see
from tieout.decide.state import Decision
from tieout.domain.bill_payments import BillPayment, BillPaymentPart, FundingAccount, FundingType, SingleStatus
from tieout.domain.capabilities import HandWork
from tieout.domain.erp import DocumentRef, Vendor
from tieout.domain.erp_orders import EntryRef, PaymentOrder
from tieout.domain.erp_outcomes import Applied, NotYet, PostedPayment, Waiting
from tieout.events import catalogue
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Message, Payload
from tieout.events.facts import (
    BillPaymentObserved,
    Candidate,
    DocumentFetched,
    Result,
    SettingsFact,
    VendorObserved,
)
from tieout_control_plane.projection.folding import Read

JUNE = date(2026, 6, 1)
ACCOUNTS = {"clearing": "2950", "banks": {"bac1": "GIRO"}}


class Story(World):
    """A connection whose facts and entries are kept as the services would have written them."""

    def __init__(self, connection: str = "acme") -> None:
        self.connection = connection
        self.facts: list[Message[Payload]] = []
        self.journal: list[Message[Payload]] = []
        super().__init__(active=False)

    def feed(self, fact: Payload) -> Decision:
        """Decide one fact and keep what the log would hold."""
        name = f"f{self.offset}"
        decision = super().feed(fact)
        self.facts.append(self._message(name, fact, ""))
        for entry in decision.entries:
            self.journal.append(self._message(f"j{len(self.journal)}", entry, name))
        return decision

    def _message(self, identity: str, data: Payload, cause: str) -> Message[Payload]:
        return Message(
            id=identity, source="/test", type=catalogue.name_of(data), subject="", time=NOON,
            partitionkey=self.connection, data=data, causationid=cause,
        )  # fmt: skip

    def reads(self) -> list[Read]:
        """All of it with offsets, as two partitions are read one after the other."""
        entries = [Read(message, offset) for offset, message in enumerate(self.journal)]
        return entries + [Read(message, offset) for offset, message in enumerate(self.facts)]


def told(connection: str = "acme") -> Story:
    """A connection with something of everything.

    Two invoices in BILL, one held, one waiting for its vendor in another currency, a file, a payment recorded and one
    that waits for a person, an open choice.
    """
    story = Story(connection)
    story.feed(SettingsFact(generation=1, settings=settings(accounts=ACCOUNTS)))
    masters(story)
    see(story)
    story.answer(Result.APPLIED, target="00n1")
    two = {"id": "i-2", "number": "108002", "vendor_invoice_number": "INV-2"}
    see(story, **two, net="250", total="250", open="250", lines=(line(net="250"),))
    story.answer(Result.APPLIED, target="00n2")
    see(story, id="i-3", number="108003", vendor_invoice_number="INV-3", on_hold="XYZ")
    see(story, id="i-4", number="108004", vendor_invoice_number="INV-4", currency="EUR")
    story.feed(
        DocumentFetched(
            link="bill/i-1", invoice="i-1", document=DocumentRef(id="doc-1", owner="i-1", name="a.pdf", size=7),
            place=DocumentPlace(partition=0, offsets=(1,), bytes=7, sha256="ab" * 32),
        )
    )  # fmt: skip
    story.answer(Result.APPLIED, target="0du1")
    pay(story, "stp1", "00n1", "100")
    post(story)
    pay(story, "stp2", "00n2", "50")
    work = HandWork(page="Payment Journals", action="Post the batch.", until="the invoice is settled")
    story.answer(Result.WAITING, waiting=NotYet(why=Waiting.PERSON, detail="recorded", work=work))
    other = Vendor(id="v-2", number="20000", name="Möller GmbH", currency="USD", address=ADDRESS)
    story.feed(VendorObserved(run=1, vendor=other))
    candidates = tuple(
        Candidate(id=f"009X{n}", number="20000", name="Moeller", detail=f"created {n}") for n in range(2)
    )
    story.answer(Result.FOUND, candidates=candidates)
    return story


def pay(story: World, payment: str, bill: str, amount: str, **changes: Any) -> Decision:
    """BILL showed a payment of one bill, its money taken from the bank."""
    base: dict[str, Any] = {
        "id": payment, "vendor": "009AAA", "amount": amount, "process_date": JUNE, "online": True,
        "parts": (BillPaymentPart(bill=bill, amount=Decimal(amount)),), "single_status": SingleStatus.PROCESSED,
        "funding": FundingAccount(type=FundingType.BANK_ACCOUNT, id="bac1"),
        "updated": datetime(2026, 6, 1, 12, tzinfo=UTC),
    }  # fmt: skip
    return story.feed(BillPaymentObserved(payment=BillPayment.model_validate(base | changes)))


def post(story: World) -> PaymentOrder:
    """The writer proves the newest payment."""
    asked = getattr(story.issued[-1].frame, "order")  # noqa: B009 - the newest command is one of the ERP's
    assert isinstance(asked, PaymentOrder)
    zero = Decimal(0)
    applied = tuple(Applied(document=one.document, amount=one.amount, open_after=zero) for one in asked.applications)
    proof = PostedPayment(
        mark=asked.mark, entries=(EntryRef(ledger="vendor", id="900"),), document_numbers=(asked.mark,),
        vendor_number=asked.vendor.number, posting_date=asked.posting_date, cash=asked.cash, applied=applied,
        unapplied=zero, clearing=asked.clearing, cleared=asked.cash.amount,
    )  # fmt: skip
    story.answer(Result.APPLIED, target=asked.mark, payment=proof)
    return asked
