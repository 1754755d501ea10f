"""Commands to bill-writer as the decider would give them, and its answers."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from support.installation import Installation, eventually, store_bill_credentials
from support.simulators import Running
from support.writing import FAST, settings
from tieout.domain.bill import (
    BillAccountType,
    BillClassificationContent,
    BillCoding,
    BillContent,
    BillLineContent,
    BillVendorContent,
    ClassificationKind,
)
from tieout.domain.bill_payments import RecordedPart, RecordedPaymentContent
from tieout.domain.records import Address
from tieout.events import catalogue
from tieout.events.commands import (
    BillCommand,
    ClassificationCommand,
    CommandFrame,
    DocumentCommand,
    DocumentPlace,
    Intent,
    PaymentRecordCommand,
    Priority,
    VendorCommand,
)
from tieout.events.envelope import Message
from tieout.events.facts import OutcomeFact, Result
from tieout.events.identity import command_id, content_hash, mark
from tieout.log.topics import Topic
from tieout_devstack.processes import Background
from tieout_sandbox.bill.default_world import DEV_KEY, EXPENSE_ACCOUNT, ORGANIZATION, PASSWORD, USERNAME, VENDOR

BUDGET: Final = "main"
DAY: Final = date(2026, 10, 1)
ADDRESS: Final = Address(line1="1 Quay", city="Oslo", postal_code="0150", country="NO")
CODED: Final = BillCoding(account=EXPENSE_ACCOUNT)


def frame(link: str, intent: Intent, content: str, **changes: Any) -> dict[str, Any]:
    """What every command has."""
    base = {
        "connection": "acme",
        "organization": ORGANIZATION,
        "link": link,
        "intent": intent,
        "attempt": 1,
        "generation": 1,
        "content_hash": content,
        "mark": mark(ORGANIZATION, "cronus", link, "x"),
        "lane": link,
        "priority": Priority.MASTER,
        "issued": datetime.now(UTC),
    }
    return base | changes


def hashed(content: Any, *, archived: bool = False) -> str:
    """The hash of a content as the decider makes it."""
    text = content_hash(content.model_dump(mode="json", exclude_defaults=True))
    return f"{text}-archived" if archived else text


def vendor(number: str, *, archived: bool = False, name: str = "", **changes: Any) -> VendorCommand:
    """A vendor that BILL is to have; with a target it is changed."""
    name = name or f"Vendor {number}"
    content = BillVendorContent(name=name, short_name=number, currency="USD", address=ADDRESS)
    intent = Intent.VENDOR_UPDATE if "target" in changes else Intent.VENDOR_ENSURE
    base = frame(f"vendor/{number}", intent, hashed(content, archived=archived), **changes)
    return VendorCommand(**base, content=content, archived=archived)


def classification(
    kind: ClassificationKind, number: str, *, archived: bool = False, name: str = "", **changes: Any
) -> ClassificationCommand:
    """A classification that BILL is to have; with a target it is changed."""
    is_account = kind is ClassificationKind.ACCOUNT
    content = BillClassificationContent(
        kind=kind,
        name=name or f"Number {number}",
        number=number,
        account_type=BillAccountType.EXPENSE if is_account else None,
    )
    intent = Intent.CLASSIFICATION_UPDATE if "target" in changes else Intent.CLASSIFICATION_ENSURE
    base = frame(f"{kind.value}/{number}", intent, hashed(content, archived=archived), **changes)
    return ClassificationCommand(**base, content=content, archived=archived)


def bill_content(number: str, *amounts: str, vendor: str = VENDOR, **changes: Any) -> BillContent:
    """A bill with a line for each amount."""
    lines = tuple(BillLineContent(amount=Decimal(one), description=f"line {one}", coding=CODED) for one in amounts)
    base = {
        "vendor": vendor,
        "invoice_number": number,
        "invoice_date": DAY,
        "due_date": date(2026, 11, 1),
        "lines": lines or (BillLineContent(amount=Decimal("100.00"), coding=CODED),),
        "description": f"Invoice {number}",
    }
    return BillContent.model_validate(base | changes)


def bill(content: BillContent, intent: Intent | None = None, **changes: Any) -> BillCommand:
    """A bill that BILL is to have; with a target it is changed."""
    wanted = intent or (Intent.BILL_UPDATE if "target" in changes else Intent.BILL_ENSURE)
    link = f"bill/{content.vendor}/{content.invoice_number}"
    return BillCommand(
        **frame(link, wanted, hashed(content), **changes), content=content, original_number=content.invoice_number
    )


def payment(
    bill_id: str, amount: str, *, day: date = DAY, link: str = "paid/1", **changes: Any
) -> PaymentRecordCommand:
    """A payment made outside, of one bill; its reference is the mark."""
    part = RecordedPart(bill=bill_id, amount=Decimal(amount))
    reference = mark(ORGANIZATION, "cronus", link, "x")
    content = RecordedPaymentContent(vendor=VENDOR, process_date=day, parts=(part,), sync_reference=reference)
    return PaymentRecordCommand(**frame(link, Intent.PAYMENT_RECORD, hashed(content), **changes), content=content)


def document(bill_id: str, name: str, place: DocumentPlace, **changes: Any) -> DocumentCommand:
    """A file for a bill."""
    base = frame(f"document/{name}", Intent.DOCUMENT_UPLOAD, place.sha256, **changes)
    return DocumentCommand(**base, bill=bill_id, name=name, place=place)


@dataclass
class Writer:
    """A bill-writer with one active connection, to which commands can be given."""

    made: Installation
    bill: Running
    settings: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Credentials, settings, the service."""
        store_bill_credentials(self.made, "acme", USERNAME, PASSWORD, DEV_KEY)
        self.made.apply(settings(self.bill))
        self.start()

    def start(self, name: str = "", **extra: str) -> Background:
        """Start the service."""
        return self.made.start("tieout_bill_writer", name=name, **(FAST | self.settings | extra))

    def ask(self, *commands: CommandFrame) -> list[str]:
        """Give commands; their ids."""
        messages = []
        for one in commands:
            identity = command_id(one.link, one.intent, one.content_hash, one.attempt)
            name, now = catalogue.name_of(one), datetime.now(UTC)
            messages.append(Message(identity, "/decider", name, one.link, now, BUDGET, one))
        self.made.write(*((Topic.BILL_COMMANDS, message) for message in messages))
        return [message.id for message in messages]

    def outcomes(self) -> list[OutcomeFact]:
        """Everything it has said."""
        return [message.data for message in self.made.read(Topic.FACTS) if isinstance(message.data, OutcomeFact)]

    def answers(self, *commands: CommandFrame, seconds: float = 20) -> list[OutcomeFact]:
        """Give commands and wait for their final outcomes, in the commands' order."""
        ids = self.ask(*commands)

        def final() -> dict[str, OutcomeFact]:
            return {one.command: one for one in self.outcomes() if one.result is not Result.IN_DOUBT}

        eventually(lambda: set(ids) <= final().keys(), seconds=seconds, what="the outcomes")
        found = final()
        return [found[identity] for identity in ids]

    def answer(self, command: CommandFrame, seconds: float = 20) -> OutcomeFact:
        """The final outcome of one command."""
        return self.answers(command, seconds=seconds)[0]

    def ledger(self) -> Any:
        """BILL's truth about the organization."""
        return self.bill.ledger()["organizations"][ORGANIZATION]

    def people(self, **order: Any) -> Any:
        """Somebody acts in BILL by hand."""
        return self.bill.ask("/_sandbox/people", order)

    def writes(self, path: str) -> int:
        """How many calls wrote to a path."""
        seen = self.bill.calls(path=path)
        return sum(one["method"] != "GET" for one in seen)
