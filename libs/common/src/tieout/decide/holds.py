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
    "match.ambiguous": HoldReason(
        who="accounts payable",
        where="BILL and Tieout",
        sentence="{count} objects in BILL may be {number}; none was chosen and none was created.",
        cure="Rename or archive the ones that are not it in BILL, then release the hold.",
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
    "refused": HoldReason(
        who="accounts payable",
        where="the ERP or BILL, as the message says",
        sentence="BILL refused {number}: {message} ({code})",
        cure="{cure}",
        release=True,
    ),
    "doubt.unsettled": HoldReason(
        who="accounts payable",
        where="BILL",
        sentence="A write for {number} lost its answer, and {count} objects in BILL may be its result.",
        cure="Keep the right one in BILL, archive the others, then release the hold.",
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
}
