"""Single writes to BILL where no broker is needed to see what they do."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from support.commanding import classification, document, payment, vendor
from support.virtual_time import run
from tieout.domain.bill import Bill, BillApprovalStatus, BillDocument, ClassificationKind
from tieout.domain.bill_payments import AWAITS_APPROVAL, BillPayment, RecordedPaymentContent
from tieout.domain.errors import Reject
from tieout.effects.port import UnknownEffect
from tieout.events.commands import DocumentPlace, Intent
from tieout_bill_writer.writes import EFFECTS, effect_of
from tieout_bill_writer.writes.documents import MOST_UPLOADS
from tieout_bill_writer.writes.payments import UNAPPROVED

PLACE = DocumentPlace(partition=0, offsets=(1,), bytes=3, sha256="00")


class Documents:
    """BILL's files: it takes everything and lists nothing yet."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def find(self, _bill: str, _name: str) -> tuple[BillDocument, ...]:
        """Nothing is listed yet."""
        return ()

    async def upload(self, _bill: str, name: str, content: bytes, *, deadline: float | None) -> BillDocument:
        """A temporary id."""
        assert content == b"pdf"
        assert deadline is not None
        self.sent.append(name)
        return BillDocument(id=f"0du{len(self.sent)}", name=name)


def organization(**parts: Any) -> Any:
    """As much of an organization as a write needs."""
    base: dict[str, Any] = {
        "client": SimpleNamespace(vendors=None, classifications=None, documents=Documents()),
        "vendors": None,
        "classifications": lambda _kind: None,
        "uploads": {},
        "document_slow": 0.0,
        "read_document": lambda _command: b"pdf",
    }
    return SimpleNamespace(**(base | parts))


def test_every_intent_of_bill_has_its_effect_and_no_other_command_passes_for_it() -> None:
    """A command of another shape is refused instead of being misread."""
    assert set(EFFECTS) == {intent for intent in Intent if not intent.startswith("erp.")}
    wrong = vendor("W1").model_copy(update={"intent": Intent.BILL_ENSURE})
    with pytest.raises(UnknownEffect):
        effect_of(organization(), wrong)


def test_nothing_is_created_to_be_archived() -> None:
    """The command is refused before a call, and told."""

    async def story() -> None:
        commands = (vendor("W1", archived=True), classification(ClassificationKind.JOB, "J", archived=True))
        for command in commands:
            with pytest.raises(Reject) as told:
                await effect_of(organization(), command).perform(1.0)
            assert told.value.code == "unwritable"

    run(story())


def test_a_file_just_sent_is_known_and_the_memory_of_it_is_bounded() -> None:
    """The same name is not sent again while BILL does not list it; a million files do not fill the memory."""

    async def story() -> None:
        one = organization()
        first = effect_of(one, document("00n1", "a.pdf", PLACE))
        first_look = await first.look()
        done = await first.perform(1.0)
        again = await effect_of(one, document("00n1", "a.pdf", PLACE)).look()
        other = await effect_of(one, document("00n1", "b.pdf", PLACE)).look()
        assert (first_look, [each.id for each in again], other) == ((), [done.target], ())
        for number in range(MOST_UPLOADS + 10):
            write = effect_of(one, document("00n1", f"{number}.pdf", PLACE))
            await write.look()
            await write.perform(1.0)
        assert len(one.uploads) == MOST_UPLOADS
        assert ("00n1", "a.pdf") not in one.uploads

    asyncio.run(story())


class Bills:
    """One bill, approved as far as is said."""

    def __init__(self, approval: BillApprovalStatus) -> None:
        self._approval = approval

    async def get(self, bill: str) -> Bill:
        """The bill."""
        return Bill(id=bill, vendor="009V", invoice_number="INV-1", approval_status=self._approval)


class Payments:
    """No payment was recorded yet."""

    async def find_recorded(self, _content: RecordedPaymentContent) -> tuple[BillPayment, ...]:
        """Nothing."""
        return ()


@pytest.mark.parametrize("approval", list(BillApprovalStatus))
def test_no_payment_is_recorded_of_a_bill_that_bill_does_not_let_be_paid(approval: BillApprovalStatus) -> None:
    """The refusal has a code of its own, so that it is waited for and not released by a person."""
    client = SimpleNamespace(payments=Payments(), bills=Bills(approval))
    effect = effect_of(organization(client=client), payment("00n1", "30.00"))
    if approval in UNAPPROVED:
        with pytest.raises(Reject) as told:
            run(effect.look())
        assert told.value.code == AWAITS_APPROVAL
    else:
        assert run(effect.look()) == ()
