"""All readers by the name of what they read, for replay, for inspection and for whoever maps raw messages."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from tieout.domain.bill import ClassificationKind
from tieout.domain.records import Record
from tieout_connectors.bill.wire.bills import read_bill
from tieout_connectors.bill.wire.classifications import read_classification
from tieout_connectors.bill.wire.credits import read_credit
from tieout_connectors.bill.wire.documents import read_document
from tieout_connectors.bill.wire.events import read_event
from tieout_connectors.bill.wire.organization import read_bank_account
from tieout_connectors.bill.wire.payments import read_payment
from tieout_connectors.bill.wire.subscriptions import read_delivered, read_subscription
from tieout_connectors.bill.wire.vendors import read_vendor

READERS: Final[Mapping[str, Callable[[Any], Record]]] = {
    "vendor": read_vendor,
    "bill": read_bill,
    "credit": read_credit,
    "payment": read_payment,
    "document": read_document,
    "bank_account": read_bank_account,
    "subscription": read_subscription,
    "event": read_event,
    "delivered_event": read_delivered,
    **{kind.value: partial(read_classification, kind) for kind in ClassificationKind},
}
"""Each takes one raw object with exact decimals and raises ``spi.wire.Unreadable`` with the path of a wrong field."""
