"""The life of a payment in BILL's ``singleStatus``: what each value means and which may follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Stage(Enum):
    """How far a payment is, seen from the bill."""

    NONE = "counts no longer"
    SCHEDULED = "no money has moved"
    IN_PROCESS = "money moves"
    CLEARED = "settled"


@dataclass(frozen=True)
class Single:
    """One value: the ``status`` beside it, the stage, ``disbursementStatus``, and which values may come next."""

    status: str
    stage: Stage
    disbursement: str | None
    following: tuple[str, ...]


_FAILED = ("DISBURSEMENT_FAILED_ACTION_NEEDED", "DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED")
_UNFUNDED = "FUNDING_FAILED_ACTION_NEEDED"
_OUT = ("CLEARED", "EXPIRING", "FUNDS_ESCHEATED", "DISBURSEMENT_ON_HOLD", *_FAILED, _UNFUNDED, "VOID_PENDING", "VOIDED")

SINGLE: dict[str, Single] = {
    "SCHEDULED": Single("SCHEDULED", Stage.SCHEDULED, None, ("READY_TO_FUND", "CANCELLATION_IN_PROGRESS", "CANCELED")),
    "READY_TO_FUND": Single("SCHEDULED", Stage.SCHEDULED, None, ("FUNDING_STARTED",)),
    "CANCELLATION_IN_PROGRESS": Single("SCHEDULED", Stage.SCHEDULED, None, ("CANCELED", "SCHEDULED")),
    "CANCELED": Single("CANCELLED", Stage.NONE, None, ()),
    "FUNDING_STARTED": Single("SCHEDULED", Stage.IN_PROCESS, None, ("PROCESSED", "DISBURSEMENT_ON_HOLD", _UNFUNDED)),
    "PROCESSED": Single("PAID", Stage.IN_PROCESS, None, ("SENT", *_OUT)),
    "SENT": Single("PAID", Stage.IN_PROCESS, "DONE", ("DELIVERED", "PARTIALLY_CLAIMED", *_OUT)),
    "DELIVERED": Single("PAID", Stage.IN_PROCESS, "DONE", ("PARTIALLY_CLAIMED", *_OUT)),
    "PARTIALLY_CLAIMED": Single("PAID", Stage.IN_PROCESS, "DONE", _OUT),
    "EXPIRING": Single("PAID", Stage.IN_PROCESS, "DONE", _OUT),
    "CLEARED": Single("PAID", Stage.CLEARED, "DONE", (*_FAILED, _UNFUNDED, "VOID_PENDING", "VOIDED")),
    "DISBURSEMENT_ON_HOLD": Single("PAID", Stage.IN_PROCESS, "HOLD", ("PROCESSED", "SENT", *_OUT)),
    **{name: Single("PAID", Stage.IN_PROCESS, "FAILED", ("VOID_PENDING", "VOIDED", "SENT")) for name in _FAILED},
    _UNFUNDED: Single("PAID", Stage.IN_PROCESS, "DONE", ("FUNDING_FAILED_VOIDED", "CLEARED")),
    "VOID_PENDING": Single("PAID", Stage.IN_PROCESS, None, ("VOIDED", "SENT", "CLEARED")),
    "VOIDED": Single("VOID", Stage.NONE, None, ()),
    "FUNDING_FAILED_VOIDED": Single("VOID", Stage.NONE, None, ()),
    "FUNDS_ESCHEATED": Single("ESCHEATED", Stage.CLEARED, "DONE", ()),
}

# The way a payment takes when nothing goes wrong; only checks are DELIVERED.
USUAL = ("SCHEDULED", "READY_TO_FUND", "FUNDING_STARTED", "PROCESSED", "SENT", "DELIVERED", "CLEARED")
DEBITED = frozenset(SINGLE) - {
    "SCHEDULED", "READY_TO_FUND", "CANCELLATION_IN_PROGRESS", "CANCELED", "FUNDING_STARTED", "DISBURSEMENT_ON_HOLD",
}  # fmt: skip


def stage_of(fields: Mapping[str, Any]) -> Stage:
    """The stage of a payment. One recorded by hand is settled; a value nobody knows moves money."""
    if not fields["onlinePayment"]:
        return Stage.NONE if fields["status"] == "VOID" else Stage.CLEARED
    known = SINGLE.get(fields["singleStatus"])
    return known.stage if known else Stage.IN_PROCESS


def steps(fields: Mapping[str, Any], wanted: str) -> list[str] | None:
    """The values on the way to a wanted one, None if it cannot be reached."""
    now = fields["singleStatus"]
    usual = [one for one in USUAL if one != "DELIVERED" or fields["disbursementType"] == "CHECK" or wanted == one]
    if now in usual and wanted in usual and usual.index(now) < usual.index(wanted):
        return usual[usual.index(now) + 1 : usual.index(wanted) + 1]
    known = SINGLE.get(now)
    return [wanted] if known and wanted in known.following else None


def following(fields: Mapping[str, Any]) -> str | None:
    """The next value when nothing goes wrong, None at the end or off the usual way."""
    usual = [one for one in USUAL if one != "DELIVERED" or fields["disbursementType"] == "CHECK"]
    now = fields["singleStatus"]
    if now not in usual or now == usual[-1]:
        return None
    return usual[usual.index(now) + 1]
