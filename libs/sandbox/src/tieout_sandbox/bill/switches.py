"""What differs between installations of BILL, or is not established; a tester turns it while the simulator runs."""

from collections.abc import Mapping
from typing import Any

DEFAULTS: dict[str, Any] = {
    # HTTP status of BDC_1144 and BDC_1322: 422 or 429.
    "rate_limit_status": 422,
    "calls_per_hour": 20_000,
    "logins_per_hour": 200,
    "concurrent_calls": 3,
    # Every call takes at least so long, in real seconds.
    "latency_seconds": 0.0,
    # Wrong passwords in a row until BDC_1110; 0: never.
    "login_lock_after": 0,
    # Ids of organizations that answer 423 BDC_1107.
    "locked_organizations": [],
    # Operations refused to everybody with 403 BDC_1145; the names are in roles.py.
    "denied_operations": [],
    # Kinds of classification that are off: 403 BDC_1145.
    "classifications_off": [],
    # full, minimal_shape (only message and severity on 400), minimal (on every refusal).
    "error_items": "full",
    # object ({}), array ([{name, value, additional}]), absent.
    "error_params": "object",
    # array, object ({message}), errors ({errors: [...]}).
    "error_body": "array",
    # Refusals that concern a bill come twice: plain, and with the bill's id in front.
    "doubled_messages": False,
    # Every call is answered by the gateway: 502 with HTML; nothing is done.
    "html_502": False,
    # Same vendor and invoice number again: accepted, or 422 BDC_1171.
    "duplicate_invoice_refused": False,
    # Bills can be filtered by invoice.invoiceNumber, else 400 BDC_1130.
    "invoice_number_filter": False,
    # keyset or offset; none, middle or end; see lists.py.
    "paging": "keyset",
    "empty_pages": "none",
    "null_page_tokens": False,
    "repeated_page_token": False,
    "list_lag_seconds": 0.0,
    # A payment's progress moves the updated time of its bills; and raises bill.updated too.
    "payment_touches_bill": True,
    "payment_raises_bill_updated": False,
    # GET of a recorded payment shows syncReference and its like; else only the answer to the recording does.
    "recorded_fields_in_reads": True,
    # Creating payments needs a trusted session; the code of the text message.
    "mfa_required": True,
    "mfa_code": "424242",
    # Simulated seconds until an uploaded document is there.
    "document_seconds": 120.0,
    # How often each notification is sent beside the first time, how late, in groups turned round, how many are lost.
    "webhook_duplicates": 0,
    "webhook_delay_seconds": 0.0,
    "webhook_reorder": 0,
    "webhook_lose": 0,
    "webhook_concurrency": 4,
    # object, string (the JSON as a JSON string), item (an event item with the payload as a string).
    "webhook_body": "object",
    # accountNumber of a vendor as a number.
    "webhook_numeric_account_number": False,
    # errors of payment.failed: beside the payment, or inside.
    "payment_failed_errors": "beside",
    # Events that happen while a subscription is off are in its history.
    "history_while_disabled": True,
    # Simulated seconds for which the old key still signs after a rotation.
    "key_rotation_lag_seconds": 0.0,
    # Payment events can be subscribed to; else 403.
    "payment_events_allowed": True,
}  # fmt: skip


OPTIONS: dict[str, tuple[Any, ...]] = {
    "rate_limit_status": (422, 429),
    "error_items": ("full", "minimal_shape", "minimal"),
    "error_params": ("object", "array", "absent"),
    "error_body": ("array", "object", "errors"),
    "paging": ("keyset", "offset"),
    "empty_pages": ("none", "middle", "end"),
    "webhook_body": ("object", "string", "item"),
    "payment_failed_errors": ("beside", "inside"),
}


class Switches(dict[str, Any]):
    """The switches as they stand; a value that means nothing is a ValueError, and then none is turned."""

    def __init__(self) -> None:
        super().__init__({name: list(one) if isinstance(one, list) else one for name, one in DEFAULTS.items()})

    def update(self, wanted: Mapping[str, Any]) -> None:  # type: ignore[override] # one form is enough here
        """Turn some switches."""
        for name, value in wanted.items():
            _check(name, value)
        super().update(wanted)


def _check(name: str, value: Any) -> None:
    if name not in DEFAULTS:
        raise ValueError(f"unknown switch {name!r}")
    options = OPTIONS.get(name)
    if options is not None and value not in options:
        raise ValueError(f"{name} is one of {', '.join(map(str, options))}, not {value!r}")
    expected = type(DEFAULTS[name])
    fits = isinstance(value, expected) or (expected is float and isinstance(value, int))
    if not fits or (isinstance(value, bool) and expected is not bool):
        raise ValueError(f"{name} is {expected.__name__}, not {value!r}")
    if isinstance(value, int | float) and value < 0:
        raise ValueError(f"{name} cannot be below zero")
