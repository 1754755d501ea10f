"""Commands: what a writer is asked to make true outside, one effect each."""

from datetime import datetime
from enum import IntEnum, StrEnum

from tieout.domain.bill import BillVendorContent
from tieout.events.envelope import Payload


class Intent(StrEnum):
    """The effects a command can ask for."""

    VENDOR_ENSURE = "vendor.ensure"
    VENDOR_UPDATE = "vendor.update"


class Priority(IntEnum):
    """Smaller goes first."""

    PAYMENT = 10
    BEFORE_PAYMENT = 20
    MASTER = 30
    DOCUMENT = 40
    BACKFILL = 50


class CommandFrame(Payload):
    """What every command carries.

    Attributes:
        connection, organization: whose effect this is; the budget is the message's partition key.
        link: the link it serves; the outcome goes back to it.
        generation: of the settings it was decided under.
        content_hash: of what is to be true outside.
        mark: found again in the outside where a field can carry it.
        lane: commands of one lane are carried out one after another (one per natural key).
        issued: UTC, the deciding fact's time; older than seven days without an intent is never called.
        target: the outside's id, for a change of something that is there.
    """

    connection: str
    organization: str
    link: str
    intent: Intent
    attempt: int
    generation: int
    content_hash: str
    mark: str
    lane: str
    priority: Priority
    issued: datetime
    target: str = ""


class VendorCommand(CommandFrame):
    """Make a BILL vendor be as ``content`` says: ensured at first sight, changed by ``target`` later."""

    content: BillVendorContent
    exclude: tuple[str, ...] = ()
    """Ids of BILL vendors that a person said are not it."""
