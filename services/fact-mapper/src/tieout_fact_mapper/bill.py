"""What is said of an object of BILL. Pure.

Objects that bill-writer has read whole become facts. A notification becomes none: it carries neither the lines of a
bill nor the division of a payment, and the read that it causes tells more. Only one that cannot be read is told, so
that somebody sees it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tieout.events.envelope import Payload
from tieout.events.facts import BillObserved, BillPaymentObserved, BillVendorObserved
from tieout.events.raw import BillDocument
from tieout_connectors.bill.wire.bills import read_bill
from tieout_connectors.bill.wire.events import read_event, unwrap
from tieout_connectors.bill.wire.payments import read_payment
from tieout_connectors.bill.wire.vendors import read_vendor
from tieout_connectors.spi.wire import Unreadable

NOTIFICATION: Final = "event"

FACTS: Final[Mapping[str, Callable[[Mapping[str, Any]], Payload]]] = {
    "vendor": lambda raw: BillVendorObserved(vendor=read_vendor(raw)),
    "bill": lambda raw: BillObserved(bill=read_bill(raw)),
    "payment": lambda raw: BillPaymentObserved(payment=read_payment(raw)),
}
"""What is said of each kind of object. A new kind is one line here."""


def said_of(document: BillDocument) -> Payload | None:
    """The fact in an object, None for a notification that can be read.

    Raises:
        Unreadable: a kind that this release does not read, or an object that is none of its kind. Whatever else a
            reader stumbles over passes, too.
    """
    if document.kind == NOTIFICATION:
        if read_event(unwrap(document.document)).id != document.key:
            raise Unreadable("", "nobody was told to read the record when it came")
        return None
    if document.kind not in FACTS:
        raise Unreadable("", f"{document.kind} of BILL is not read by this release")
    return FACTS[document.kind](document.document)
