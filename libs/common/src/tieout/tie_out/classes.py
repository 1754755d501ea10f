"""Classes of differences: for each what it means, and whether somebody has to find out about it. Data, not branches."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Class(StrEnum):
    """Why two amounts differ."""

    MISSING_IN_BILL = "missing_in_bill"
    MISSING_IN_ERP = "missing_in_erp"
    DUPLICATE_IN_BILL = "duplicate_in_bill"
    DELETED_BILL = "deleted_bill"
    AMOUNT_DIFFERS = "amount_differs"
    PAID_OUTSIDE_BILL = "paid_outside_bill"
    RECORDED_IN_BILL_ONLY = "recorded_in_bill_only"
    CREDIT_IN_BILL_ONLY = "credit_in_bill_only"
    PAID_IN_BILL_NOT_POSTED = "paid_in_bill_not_posted"
    POSTED_NOT_PAID_IN_BILL = "posted_not_paid_in_bill"
    UNPOSTED_JOURNAL = "unposted_journal"
    UNAPPLIED_IN_ERP = "unapplied_in_erp"
    REVERSED_IN_ERP = "reversed_in_erp"
    POSTED_TWICE = "posted_twice"
    TRANSFER_DIFFERS = "transfer_differs"
    DIRECT_POSTING_ON_CONTROL = "direct_posting_on_control"
    MISSING_ON_CONTROL = "missing_on_control"
    DIRECT_POSTING_ON_CLEARING = "direct_posting_on_clearing"
    UNREADABLE = "unreadable"
    UNEXPLAINED = "unexplained"
    REVERSAL_DUE = "reversal_due"
    HELD = "held"
    IN_FLIGHT = "in_flight"


@dataclass(frozen=True)
class Meaning:
    """What a class says.

    Attributes:
        sentence: what was found, for a person. cure: what to do.
        expected: Tieout knows of it and it is on its way or in somebody's list; no reason to distrust the books.
    """

    sentence: str
    cure: str
    expected: bool = False


CLASSES: Final[dict[Class, Meaning]] = {
    Class.MISSING_IN_BILL: Meaning(
        "The invoice is open in the ERP and inside the cut-over, and no bill stands for it.",
        "Have the ERP read (tieout sync); if it stays missing, look at its record and report it.",
    ),
    Class.MISSING_IN_ERP: Meaning(
        "The bill stands in BILL, and no invoice of the ERP stands behind it.",
        "Enter the invoice in the ERP, or archive the bill.",
    ),
    Class.DUPLICATE_IN_BILL: Meaning(
        "A second bill of this vendor and number stands in BILL beside the linked one.",
        "Archive the one that is not linked before it is paid.",
    ),
    Class.DELETED_BILL: Meaning(
        "The bill was archived or is gone in BILL while its invoice is open in the ERP.",
        "Restore the bill in BILL, or settle the invoice in the ERP.",
    ),
    Class.AMOUNT_DIFFERS: Meaning(
        "The amount in BILL is not the ERP's.",
        "Set it back in BILL, or correct the invoice in the ERP.",
    ),
    Class.PAID_OUTSIDE_BILL: Meaning(
        "The invoice was settled in the ERP by something BILL does not know of.",
        "Record it in BILL as paid outside, before BILL pays it again.",
    ),
    Class.RECORDED_IN_BILL_ONLY: Meaning(
        "BILL was told of a payment made outside that the ERP does not show.",
        "Post the payment in the ERP, or take it out in BILL.",
    ),
    Class.CREDIT_IN_BILL_ONLY: Meaning(
        "A vendor credit was used in BILL that the ERP has not applied.",
        "Apply the credit memo to the invoice in the ERP.",
    ),
    Class.PAID_IN_BILL_NOT_POSTED: Meaning(
        "BILL has taken the money, and the ERP's ledger does not show the payment.",
        "Look at the payment's record: tieout records show PAYMENT.",
    ),
    Class.POSTED_NOT_PAID_IN_BILL: Meaning(
        "The ERP shows a payment for which BILL has not taken the money.",
        "Report it with the payment's id: nothing is posted before BILL has taken the money.",
    ),
    Class.UNPOSTED_JOURNAL: Meaning(
        "The payment stands in a journal of the ERP and is not posted.",
        "Post the journal in the ERP, as the task of the payment says.",
    ),
    Class.UNAPPLIED_IN_ERP: Meaning(
        "A payment of BILL's is posted in the ERP, and its invoice is open all the same.",
        "Apply the payment's entry to the invoice in the ERP.",
    ),
    Class.REVERSED_IN_ERP: Meaning(
        "A posted payment was reversed in the ERP, and BILL has paid all the same.",
        "Void it in BILL if the vendor has not got it; else enter it in the ERP again.",
    ),
    Class.POSTED_TWICE: Meaning(
        "The ledger shows more of a payment than BILL has paid.",
        "Reverse the entry that is not the first in the ERP.",
    ),
    Class.TRANSFER_DIFFERS: Meaning(
        "A funds transfer stands in the ledger otherwise than it was booked.",
        "Compare it with the bank's line, and correct the entry in the ERP.",
    ),
    Class.DIRECT_POSTING_ON_CONTROL: Meaning(
        "Something was posted on a control account past the vendor ledger.",
        "Reverse it in the ERP, and enter it on the vendor.",
    ),
    Class.MISSING_ON_CONTROL: Meaning(
        "The vendor ledger has an entry that the control accounts do not show.",
        "Name the vendor's control account in accounts.control, or correct the posting group in the ERP.",
    ),
    Class.DIRECT_POSTING_ON_CLEARING: Meaning(
        "Something was posted on the clearing account that is no payment and no transfer of BILL's.",
        "Move it to the account it belongs to in the ERP.",
    ),
    Class.UNREADABLE: Meaning(
        "An amount cannot be read, so nothing can be said of it.",
        "Mend the record at its source; tieout check tells whether a right or a page is missing.",
    ),
    Class.UNEXPLAINED: Meaning(
        "The accounts differ by an amount that no document since the cut-over explains.",
        "Compare the vendor ledger with the control accounts in the ERP for the time before the cut-over.",
    ),
    Class.REVERSAL_DUE: Meaning(
        "The payment is void in BILL, and its reversal in the ERP is somebody's task.",
        "Reverse it in the ERP, as the task of the payment says.",
        expected=True,
    ),
    Class.HELD: Meaning(
        "The record waits for a person.", "Mend what it is held for: tieout holds list.", expected=True
    ),
    Class.IN_FLIGHT: Meaning("It is on its way, or moved while it was read.", "Compare again later.", expected=True),
}
