"""What of BILL's objects is kept away from every log: bank details, tax numbers, cards, and whom payments are told to.

The client takes them out of every answer before it is read; whoever takes in webhooks does it with ``redacted``. Of
bank details a keyed fingerprint stays, so that a change can be seen and nothing can be guessed from it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tieout_connectors.bill.wire.fields import encode

FINGERPRINT: Final = "fingerprint"

# Objects that are bank details as a whole.
DETAILS: Final = frozenset({"bankAccount", "disbursementAccount"})

# Values that are never needed, wherever they stand. ``accountNumber`` is a bank's, a card's, or the payer's own number
# at the vendor; a general ledger account has its number in ``account.number``.
NEVER: Final = frozenset(
    {
        "accountNumber",
        "routingNumber",
        "nameOnAccount",
        "iban",
        "swiftCode",
        "taxId",
        "taxIdType",
        "last4",
        "last4CardNumber",
        "expiration",
        "dateOfBirth",
        "payeeName",
        "remitEmail",
        "rppsId",
        "bankAccountId",
    }
)

# How a vendor is paid names people where other objects name companies.
PAYMENT: Final = "paymentInformation"
NEVER_IN_PAYMENT: Final = NEVER | {"email"}

# Told by their type alone: most values are such, and a notification is redacted while BILL waits.
_PLAIN: Final = frozenset({str, int, bool, Decimal, type(None)})


def redacted(raw: Any, key: bytes | None, never: frozenset[str] = NEVER) -> Any:
    """The same object without what must not be kept. With a key, bank details leave their fingerprint.

    Doing it twice changes nothing. The readers of ``wire`` read nothing that is taken out. ``never`` names what is.
    """
    if type(raw) in _PLAIN:
        return raw
    if isinstance(raw, list | tuple):
        return [redacted(one, key, never) for one in raw]
    if not isinstance(raw, Mapping):
        return raw
    kept: dict[str, Any] = {}
    for name, value in raw.items():
        if name in DETAILS and isinstance(value, Mapping):
            if marked := _marked(value, key):
                kept[name] = marked
        elif name not in never:
            inside = NEVER_IN_PAYMENT if name == PAYMENT else never
            kept[name] = value if type(value) in _PLAIN else redacted(value, key, inside)
    return kept


def _marked(details: Mapping[str, Any], key: bytes | None) -> dict[str, str]:
    if set(details) == {FINGERPRINT}:
        return dict(details)
    if not key or not details:
        return {}
    ordered = encode(dict(sorted(details.items())))
    return {FINGERPRINT: hmac.new(key, ordered, hashlib.sha256).hexdigest()[:32]}
