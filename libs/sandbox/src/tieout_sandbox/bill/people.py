"""What a person does by hand in BILL's web application: the rules are BILL's, the permissions are not checked.

``POST /_sandbox/people`` ``{"do": ..., "kind": ..., "id": ..., "body": {...}, "user": ...}``: ``create``, ``edit``,
``archive``, ``restore``, ``delete``, ``approve``, ``deny``, ``reroute`` (``body`` is a list of user ids),
``bank_account`` (``body`` null takes it away), ``attach`` (``body`` is {name, base64}).
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from tieout_sandbox.bill import approvals, bills, classifications, directory, documents, vendor_credits, vendors
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import read
from tieout_sandbox.bill.organization import CLASSIFICATIONS, Act, Organization, find
from tieout_sandbox.bill.store import Collection, Row

Wish = Mapping[str, Any]


def act_by_hand(act: Act, wish: Wish) -> Row:
    """Do it; the row concerned. What BILL does not allow is a Refusal."""
    deed = DEEDS.get(str(wish.get("do")))
    if deed is None:
        raise refuse("BDC_1129", f"do: one of {', '.join(DEEDS)}")
    return deed(act, wish)


def rows_of(org: Organization, kind: str) -> Collection:
    """The rows of a kind by the name a tester gives it."""
    named = {
        "vendor": org.vendors,
        "bill": org.bills,
        "vendor-credit": org.credits,
        "document": org.documents,
        "bank": org.banks,
        "card": org.cards,
        **org.classifications,
    }
    if kind not in named:
        raise refuse("BDC_1129", f"kind: one of {', '.join(named)}")
    return named[kind]


def _create(act: Act, wish: Wish) -> Row:
    kind, body, row_id = wish["kind"], wish["body"], wish.get("id")
    if kind in CLASSIFICATIONS:
        return classifications.store(act, kind, classifications.prepare(act, kind, body), row_id)
    if kind == "vendor":
        return vendors.store(act, vendors.prepare(body), row_id)
    if kind == "bill":
        return bills.store(act, bills.prepare(act, body), row_id)
    if kind == "vendor-credit":
        return vendor_credits.store(act, vendor_credits.prepare(act, body), row_id)
    if kind in ("bank", "card"):
        return (directory.add_bank if kind == "bank" else directory.add_card)(act, body, row_id)
    raise refuse("BDC_1129", f"kind: {kind} is not created by hand")


def _edit(act: Act, wish: Wish) -> Row:
    kind, body = wish["kind"], wish["body"]
    row = find(rows_of(act.org, kind), wish["id"])
    if kind in CLASSIFICATIONS:
        return classifications.change(act, kind, row, classifications.prepare_change(act, kind, row, body))
    if kind == "vendor":
        return vendors.change(act, row, body)
    if kind == "bill":
        # The web application shows approvers always; the flag is one of the API's.
        return bills.patch(act, row, {**body, "billApprovals": True} if row.fields.get("billApprovals") else body)
    if kind == "vendor-credit":
        return vendor_credits.become(act, row, vendor_credits.prepare_patch(act, row, body))
    return _change_account(act, kind, row, body)


def _change_account(act: Act, kind: str, row: Row, body: Mapping[str, Any]) -> Row:
    act.change(rows_of(act.org, kind), row, lambda account: account.fields.update(body))
    act.org.publish("bank-account.updated" if kind == "bank" else "card-account.updated", row)
    return row


def _set_archived(*, archived: bool) -> Callable[[Act, Wish], Row]:
    def deed(act: Act, wish: Wish) -> Row:
        kind = wish["kind"]
        row = find(rows_of(act.org, kind), wish["id"])
        if kind in CLASSIFICATIONS:
            return classifications.archive(act, kind, row, archived=archived)
        if kind == "vendor":
            return vendors.archive(act, row, archived=archived)
        if kind == "bill":
            return bills.archive(act, row, archived=archived)
        if kind == "vendor-credit" and archived:
            return vendor_credits.archive(act, row)
        raise refuse("BDC_1129", f"kind: {kind} is not archived or restored by hand")

    return deed


def _delete(act: Act, wish: Wish) -> Row:
    """Only classifications that nothing names, and documents, can be gone for good."""
    kind = wish["kind"]
    rows = rows_of(act.org, kind)
    row = find(rows, wish["id"])
    if kind not in (*CLASSIFICATIONS, "document"):
        raise refuse("BDC_1129", f"kind: {kind} is archived, never deleted")
    named = (line.get("classifications") or {} for bill in act.org.bills for line in bill.fields["billLineItems"])
    if any(row.id in references.values() for references in named):
        raise refuse("BDC_1143", f"{row.id} is used by bills.", status=422)
    rows.remove(row)
    return row


def _decide(action: str) -> Callable[[Act, Wish], Row]:
    def deed(act: Act, wish: Wish) -> Row:
        bill = find(act.org.bills, wish["id"])
        waiting = (one["userId"] for one in bill.fields["approvers"] if one["status"] == "WAITING")
        user = wish.get("user") or next(waiting, "")
        approvals.decide(act, bill, user, action)
        return bill

    return deed


def _reroute(act: Act, wish: Wish) -> Row:
    bill = find(act.org.bills, wish["id"])
    approvals.reroute(act, bill, list(wish["body"]))
    return bill


def _bank_account(act: Act, wish: Wish) -> Row:
    vendor = find(act.org.vendors, wish["id"])
    body = wish.get("body")
    vendors.set_bank_account(act, vendor, read(vendors.BANK_ACCOUNT, body) if body else None)
    return vendor


def _attach(act: Act, wish: Wish) -> Row:
    bill = find(act.org.bills, wish["id"])
    return documents.upload(act, bill.id, wish["body"]["name"], b64decode(wish["body"]["base64"]))


DEEDS: dict[str, Callable[[Act, Wish], Row]] = {
    "create": _create,
    "edit": _edit,
    "archive": _set_archived(archived=True),
    "restore": _set_archived(archived=False),
    "delete": _delete,
    "approve": _decide("APPROVE"),
    "deny": _decide("DENY"),
    "reroute": _reroute,
    "bank_account": _bank_account,
    "attach": _attach,
}
