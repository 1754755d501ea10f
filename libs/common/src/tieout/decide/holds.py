"""Hold reasons: for each, who mends it and where, and the sentence a person reads. Data, not branches."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class HoldReason:
    """A reason to wait for a person.

    Attributes:
        who: the desk that can mend it. where: the place it is mended.
        sentence: what is wrong, with the hold's params in braces.
        cure: what to do; the hold goes by itself once that is done, unless ``release`` is needed.
        release: a person has to release it by hand, because nothing in the data will show that it is mended.
    """

    who: str
    where: str
    sentence: str
    cure: str
    release: bool = False


REASONS: Final[dict[str, HoldReason]] = {
    "vendor.address_incomplete": HoldReason(
        who="accounts payable",
        where="ERP, vendor card",
        sentence="Vendor {number} has no {missing}; BILL demands a full address.",
        cure="Complete the address of the vendor in the ERP.",
    ),
    "vendor.name_empty": HoldReason(
        who="accounts payable",
        where="ERP, vendor card",
        sentence="Vendor {number} has no name.",
        cure="Give the vendor a name in the ERP.",
    ),
    "vendor.currency_unknown": HoldReason(
        who="accounts payable",
        where="ERP, vendor card",
        sentence="Vendor {number} has the currency {currency}, which is no ISO 4217 code.",
        cure="Give the vendor an ISO currency in the ERP.",
    ),
    "vendor.archived_in_bill": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="Vendor {number} ({target}) was archived in BILL.",
        cure="Restore it in BILL, or block the vendor in the ERP.",
    ),
    "match.ambiguous": HoldReason(
        who="accounts payable",
        where="BILL or the ERP, and Tieout",
        sentence="{count} objects outside may be {number}; none was chosen and none was created.",
        cure="Release the hold with the one that is it, or with create if none is; in BILL those that are not it may "
        "be renamed or archived instead. For a payment that somebody entered in the ERP no funds transfer is booked: "
        "if it credits the clearing account and not the bank, book the transfer by hand.",
        release=True,
    ),
    "match.taken": HoldReason(
        who="accounts payable",
        where="BILL and Tieout",
        sentence="BILL's {target} already belongs to {owner}; it cannot be {number} too.",
        cure="Find out which of the two is right; give the other its own object in BILL, then release the hold.",
        release=True,
    ),
    "match.archived": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="BILL's {target} is {number}, but it is archived there.",
        cure="Restore it in BILL, then release the hold. Tieout does not restore what a person archived.",
        release=True,
    ),
    "bill.number_missing": HoldReason(
        who="accounts payable",
        where="ERP, posted purchase invoice",
        sentence="Invoice {number} has no vendor invoice number; BILL demands one.",
        cure="Correct the invoice in the ERP so that it carries the vendor's number.",
    ),
    "bill.due_date_missing": HoldReason(
        who="accounts payable",
        where="ERP, posted purchase invoice",
        sentence="Invoice {number} has no due date; BILL demands one.",
        cure="Set the due date in the ERP.",
    ),
    "bill.decimals": HoldReason(
        who="accounts payable",
        where="ERP, payment journal",
        sentence="Invoice {number} ends in a third decimal of {currency}; BILL keeps two.",
        cure="Pay this invoice outside BILL.",
    ),
    "bill.line_account_unknown": HoldReason(
        who="the controller",
        where="settings of the connection, mapping.line_accounts",
        sentence="{lines} lines of invoice {number} ({kinds}) show no certain account in the ledger.",
        cure="Configure an account for these kinds of lines.",
    ),
    "bill.tax_account_unknown": HoldReason(
        who="the controller",
        where="settings of the connection, mapping.tax",
        sentence="The tax of invoice {number} shows no certain account in the ledger.",
        cure="Choose gross-up for tax, or make the invoice's ledger entries readable.",
    ),
    "bill.total_unexplained": HoldReason(
        who="the controller",
        where="ERP, posted purchase invoice",
        sentence="The lines of invoice {number} leave {difference} of its total unexplained.",
        cure="Compare the invoice's lines with its total in the ERP; nothing is sent that does not add up.",
    ),
    "bill.open_unknown": HoldReason(
        who="the ERP's administrator",
        where="ERP, the published vendor ledger page",
        sentence="What is open of invoice {number} cannot be read, so it may have been paid.",
        cure="Run `tieout check` and publish the vendor ledger as it says.",
    ),
    "bill.on_hold_in_erp": HoldReason(
        who="accounts payable",
        where="ERP, vendor ledger entry",
        sentence="Invoice {number} is on hold in the ERP ({hold}).",
        cure="Clear the hold in the ERP when it may be paid.",
    ),
    "bill.vendor_blocked": HoldReason(
        who="accounts payable",
        where="ERP, vendor card",
        sentence="Vendor {vendor} of invoice {number} is blocked in the ERP.",
        cure="Unblock the vendor in the ERP when it may be paid.",
    ),
    "bill.coding_blocked": HoldReason(
        who="the controller",
        where="ERP, chart of accounts or dimension values",
        sentence="Invoice {number} uses {coding}, closed for posting in the ERP by now.",
        cure="Open it again in the ERP, or map its lines to another account.",
    ),
    "bill.negative_total": HoldReason(
        who="accounts payable",
        where="ERP",
        sentence="Invoice {number} has a negative total; it is a credit.",
        cure="Post it as a credit memo in the ERP.",
    ),
    "bill.cancelled_in_erp": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="Invoice {number} was cancelled in the ERP after its bill was sent.",
        cure="Archive the bill in BILL unless it has been paid.",
    ),
    "bill.duplicate": HoldReason(
        who="accounts payable",
        where="Tieout",
        sentence="Invoices {number} and {twin} of one vendor carry the same number ({original} and {twin_original}).",
        cure="If both are owed, release the hold with a reason; else cancel one in the ERP.",
        release=True,
    ),
    "document.too_large": HoldReason(
        who="accounts payable",
        where="ERP, documents of the invoice",
        sentence="{name} of invoice {invoice} is larger than BILL takes.",
        cure="Attach a smaller copy; the bill goes on without it.",
    ),
    "document.missing": HoldReason(
        who="accounts payable",
        where="ERP, documents of the invoice",
        sentence="{name} of invoice {invoice} could not be read.",
        cure="Attach it again in the ERP; the bill goes on without it.",
    ),
    "bill.changed_in_bill": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="The bill of {number} was changed in BILL: {what} is {there}, in the ERP it is {here}.",
        cure="Set it back in BILL; until then its payments are held before they are posted.",
    ),
    "bill.archived_in_bill": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="The bill of {number} was archived in BILL while the invoice is open in the ERP.",
        cure="Restore the bill in BILL, or settle the invoice in the ERP.",
    ),
    "bill.recoded_in_bill": HoldReason(
        who="the controller",
        where="BILL",
        sentence="The bill of {number} was changed in BILL: {what}. The invoice in the ERP stays as it is posted.",
        cure="Set it back in BILL, or correct the invoice in the ERP; its payments go on meanwhile.",
    ),
    "bill.denied_in_bill": HoldReason(
        who="accounts payable",
        where="BILL, approvals of the bill",
        sentence="The bill of {number} was denied in BILL by {who} ({since}).",
        cure="Settle it with the approver: have it approved in BILL, or cancel the invoice in the ERP.",
    ),
    "bill.rerouted_in_bill": HoldReason(
        who="the approver in BILL",
        where="BILL, approvals of the bill",
        sentence="The approval of the bill of {number} was passed on in BILL to {who}, who has not decided (since "
        "{since}).",
        cure="Have it approved or denied in BILL.",
    ),
    "bill.approval_missing": HoldReason(
        who="the controller",
        where="BILL, approval policies",
        sentence="BILL is to approve the bill of {number} again, and asks nobody to.",
        cure="Make an approval policy in BILL that it meets, or name an approver on it; or set policy.approval to erp.",
    ),
    "paid.awaits_approval": HoldReason(
        who="the approver in BILL",
        where="BILL, approvals of the bill",
        sentence="What was paid of invoice {number} before cannot be told to BILL while bill {bill} is not approved "
        "there.",
        cure="Have the bill approved in BILL.",
    ),
    "payment.bill_unknown": HoldReason(
        who="accounts payable",
        where="BILL and the ERP",
        sentence="Payment {number} pays bill {bill}, which belongs to no invoice that Tieout knows.",
        cure="Enter the invoice in the ERP; until then the amount stands in clearing as unidentified.",
    ),
    "payment.unexplained": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="Payment {number} of {amount} is not what its parts add up to.",
        cure="Report this with the payment's id: nothing is posted that does not add up.",
    ),
    "payment.credits": HoldReason(
        who="accounts payable",
        where="ERP, apply vendor entries",
        sentence="Payment {number} uses vendor credits, which this ERP cannot apply by its API.",
        cure="Apply the credits to their invoices in the ERP first.",
    ),
    "payment.mixed": HoldReason(
        who="accounts payable",
        where="BILL and the ERP",
        sentence="Payment {number} pays invoices of several vendors or currencies of the ERP: {vendors}.",
        cure="Report this with the payment's id; enter it in the ERP by hand.",
    ),
    "payment.bill_held": HoldReason(
        who="accounts payable",
        where="the hold of the bill",
        sentence="Payment {number} pays the bill of {bill}, which was changed in BILL: {why}.",
        cure="Mend what the bill is held for; or, if it was meant to be paid so, release the hold with a reason.",
        release=True,
    ),
    "payment.account_missing": HoldReason(
        who="the controller",
        where="settings of the connection, accounts",
        sentence="Payment {number} was taken from {funding}, for which no account is configured.",
        cure="Name the ERP's account for it in the settings as {setting}.",
    ),
    "payment.date_missing": HoldReason(
        who="the platform team",
        where="BILL",
        sentence="Payment {number} shows no process date, so it cannot be dated.",
        cure="Report this with the payment's id.",
    ),
    "payment.differs": HoldReason(
        who="accounts payable",
        where="ERP, vendor ledger entries",
        sentence="Payment {number} stands in the ledger otherwise than it was asked: {differences}.",
        cure="Correct the entry in the ERP, then release the hold.",
        release=True,
    ),
    "transfer.bank_missing": HoldReason(
        who="the controller",
        where="settings of the connection, accounts.banks",
        sentence="BILL took {amount} from funding account {account}, for which no bank is configured.",
        cure="Name the ERP's bank account for it in the settings.",
    ),
    "refused": HoldReason(
        who="accounts payable",
        where="the ERP or BILL, as the message says",
        sentence="{side} refused {number}: {message} ({code})",
        cure="{cure}",
        release=True,
    ),
    "doubt.unsettled": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="A write for {number} lost its answer, and {count} objects in BILL may be its result.",
        cure="Keep the right one, archive or correct the others, then release the hold. For a payment that is chosen "
        "in the ERP no funds transfer is booked: if it credits the clearing account, book the transfer by hand.",
        release=True,
    ),
    "unreadable": HoldReason(
        who="the platform team",
        where="the source named",
        sentence="{kind} {key} could not be read: {reason} (raw at {place}).",
        cure="Mend the record at its source; the next version that can be read removes the hold.",
    ),
    "fault": HoldReason(
        who="the platform team",
        where="the log of the decider",
        sentence="Deciding fact {fact} failed with {error}.",
        cure="This is a defect of Tieout: report it with the fact's id, then release the hold to decide it again.",
        release=True,
    ),
    "fault.not_kept": HoldReason(
        who="the platform team",
        where="the log of the decider",
        sentence="Deciding fact {fact} failed with {error}, and it is too large to be kept here.",
        cure="This is a defect of Tieout: report it with the fact's id, have its record read again with `tieout sync`, "
        "then release the hold.",
        release=True,
    ),
    "paid.take_back": HoldReason(
        who="accounts payable",
        where="BILL, payments recorded on the bill",
        sentence="A discount of {amount} {currency} on invoice {number} stands in BILL as paid outside; the payment "
        "that took it is void.",
        cure="Take the discount of {amount} back in BILL: void the payment {target} that is recorded on bill {bill} "
        "there; its API cannot. The hold goes once BILL shows that, or you release it.",
        release=True,
    ),
}
