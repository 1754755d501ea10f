"""What people can do about a refused posting.

What may be done next is decided by codes alone (``errors``). But nearly every business rule of the ledger shares one
code, so the message, where it is in English, helps to choose the better advice. In another language the general advice
of the code stands, and the message names the matter.
"""

import re
from typing import Final

from tieout.domain.errors import Reject

_ADVICE: Final = (
    (
        r"range of allowed posting dates",
        "Open the period: widen Allow Posting From and To in General Ledger Setup, or in the application's User Setup.",
    ),
    (
        r"already exists for this vendor",
        "An entry of this vendor has that external number: look at its Vendor Ledger Entries for a payment by hand.",
    ),
    (
        r"Purchase Payment .* already exists",
        "An entry has that document number: look for it in Vendor Ledger Entries before anything else.",
    ),
    (
        r"no Vendor Ledger Entry within the filter",
        "The invoice is closed, of another vendor or not there: compare it in Vendor Ledger Entries.",
    ),
    (
        r"must be in the same currency",
        "Enter this payment by hand in the invoice's currency: a journal line here has the vendor's own currency.",
    ),
    (
        r"earlier posting date",
        "The invoice was posted on a later day than the payment: have the payment posted on the invoice's day.",
    ),
    (
        r"is blocked with type",
        "Set Blocked to blank on the Vendor Card until the payment is posted, or enter the payment by hand.",
    ),
    (
        r"[Dd]imension",
        "Correct the dimension that the message names: its value, its combination, or what vendor and account demand.",
    ),
    (r"out of balance", "Give the journal batch its balancing account again."),
    (r"nothing to post", "Somebody took the lines away: look for the mark in Vendor Ledger Entries."),
    (r"Posting Group must have a value", "Give the vendor or the account the posting group that the message names."),
    (
        r"Blocked must be equal|Direct Posting|Account Type must be",
        "Use an account that is not blocked, of type Posting and with Direct Posting as clearing account.",
    ),
)


def explained(error: Reject) -> Reject:
    """The same refusal with the better advice, where the message tells which."""
    for pattern, cure in _ADVICE:
        if re.search(pattern, error.message):
            return Reject(
                error.message,
                code=error.code,
                cure=cure,
                call=error.call,
                status=error.status,
                duplicate=error.executed.value == "yes",
            )
    return error


def unknown_account(number: str) -> Reject:
    """There is no such general ledger account."""
    cure = "Correct the account in the connection; numbers are compared as they are written in the chart of accounts."
    return Reject(f"there is no account {number!r}", code="unknown_account", call="GET accounts", cure=cure)
