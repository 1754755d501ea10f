"""Payments: created for bills, walked through their statuses, canceled, void, recorded when made elsewhere.

Money as the payer's books see it: at PROCESSED the payer has been debited, so payables and cash go down, each against
clearing. A void puts the payable back; whether the money comes back too depends on the kind of void.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill import vendor_credits
from tieout_sandbox.bill.books import cash, payables
from tieout_sandbox.bill.currency import account, in_dollars
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import populated
from tieout_sandbox.bill.organization import Act, Organization, find
from tieout_sandbox.bill.settlement import settle, standing
from tieout_sandbox.bill.stages import DEBITED, SINGLE, Stage, stage_of
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import printed

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VOID_TYPES = ("VOID_AND_CREDIT", "VOID_AND_REISSUE", "VOID_AND_REISSUE_VCARD", "VOID_ONLY")
# What only a payment recorded by hand has.
RECORDED = ("toPrintCheck", "classifications", "syncReference", "allowExport")
_HIDDEN = ("reissueOf", "voidType")


@dataclass(frozen=True)
class Part:
    """What a payment pays of one bill, and the credits used with it."""

    bill: Row
    amount: Decimal
    uses: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Order:
    """A payment to be made: one vendor, one or many bills."""

    parts: tuple[Part, ...]
    process_date: str
    account: Mapping[str, Any]
    disbursement: str = "ACH"
    more: Mapping[str, Any] = field(default_factory=dict)


def check(act: Act, order: Order) -> None:
    """Refuse what BILL would not pay."""
    vendors = {part.bill.fields["vendorId"] for part in order.parts}
    if len(vendors) != 1:
        raise refuse("BDC_1119", "billPayments: one payment is for bills of one vendor")
    if date.fromisoformat(order.process_date) < act.now.date() and not order.more.get("backdated"):
        raise refuse("BDC_1152", order.process_date, subject=order.parts[0].bill.id)
    _check_account(act.org, order.account)
    for part in order.parts:
        check_part(act, part)


def create(act: Act, order: Order) -> Row:
    """A checked payment, SCHEDULED."""
    vendor = find(act.org.vendors, order.parts[0].bill.fields["vendorId"])
    more = {name: one for name, one in order.more.items() if name != "backdated"}
    return _add(
        act,
        order,
        {
            "fundingAccount": dict(order.account),
            "processingOptions": {
                "requestPayFaster": False,
                "createBill": False,
                "requestCheckDeliveryType": "STANDARD",
            },
            "status": "SCHEDULED",
            "singleStatus": "SCHEDULED",
            "onlinePayment": True,
            "disbursementType": order.disbursement,
            "voidInfo": [],
            "cancelRequestSubmitted": False,
            "disbursementInfo": {"isVoidable": False},
            **in_dollars(act.org, vendor, sum((part.amount for part in order.parts), Decimal(0))),
            **more,
        },
    )


def record(act: Act, order: Order) -> Row:
    """A payment made outside BILL; it moves no money here."""
    outside = {"status": "PAID", "onlinePayment": False, "disbursementType": "OFFLINE", **order.more}
    row = _add(act, order, {**outside, "singleStatus": "CLEARED", "disbursementStatus": "DONE"})
    vendor_id = row.fields["vendorId"]
    sides = (payables(vendor_id), account(act.org, vendor_id, "outside"))
    act.org.books.book(printed(act.now), "payment made outside", row.id, sides, row.fields["amount"])
    return row


def move(act: Act, payment: Row, single: str) -> None:
    """Give a payment another singleStatus, with everything that follows from it."""
    known = SINGLE.get(single)

    def alter(row: Row) -> None:
        row.fields["singleStatus"] = single
        if known is not None:
            row.fields["status"] = known.status
        if known is not None and known.disbursement is not None:
            row.fields["disbursementStatus"] = known.disbursement
        _disburse(act, row, single)

    act.change(act.org.payments, payment, alter)
    _book(act, payment, single)
    _settle(act, payment)
    act.org.publish("payment.updated", payment)


def request_void(act: Act, payment: Row, kind: str, reason: str) -> None:
    """Ask for a void; it is done later."""
    if not payment.fields.get("disbursementInfo", {}).get("isVoidable"):
        raise refuse("BDC_1119", f"{payment.id} cannot be voided", status=422)
    request = {
        "id": act.org.ids.new("void"),
        "requestedBy": act.by,
        "type": kind,
        "status": "TO_BE_PROCESSED",
        "reason": reason,
        "createdTime": printed(act.now),
        "updatedTime": printed(act.now),
    }

    def alter(row: Row) -> None:
        row.fields["voidInfo"] = [*row.fields["voidInfo"], request]
        row.fields["voidType"] = kind

    act.change(act.org.payments, payment, alter)
    move(act, payment, "VOID_PENDING")


def show(org: Organization, row: Row, *, recording: bool = False) -> dict[str, Any]:
    """A payment as BILL prints it; ``recording`` for the answer to its recording."""
    hidden = _HIDDEN if recording or org.switches["recorded_fields_in_reads"] else (*_HIDDEN, *RECORDED)
    fields = {name: one for name, one in row.fields.items() if name not in hidden}
    parts = fields["billPayments"]
    vendor = None if recording else org.vendors.get(fields["vendorId"])
    return {
        "id": row.id,
        **({"vendorName": vendor.fields["name"]} if vendor else {}),
        **({"billId": parts[0]["billId"]} if len(parts) == 1 else {}),
        **populated(fields),
        "createdBy": row.created_by,
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
    }


def _check_account(org: Organization, account: Mapping[str, Any]) -> None:
    kind, account_id = account.get("type"), account.get("id")
    if kind == "WALLET":
        return
    rows = org.banks if kind == "BANK_ACCOUNT" else org.cards
    row = find(rows, account_id)
    if row.fields["status"] not in ("VERIFIED", "ACTIVE"):
        raise refuse("BDC_1151", str(account_id))


def check_part(act: Act, part: Part) -> None:
    """Refuse what cannot be paid of a bill."""
    bill = part.bill
    if bill.archived or bill.fields["approvalStatus"] not in ("UNASSIGNED", "APPROVED"):
        state = "archived" if bill.archived else bill.fields["approvalStatus"]
        raise refuse("BDC_1119", f"{bill.id} cannot be paid: {state}", status=422, subject=bill.id)
    credit = Decimal(0)
    for use in part.uses:
        vendor_credits.check_use(act, use, bill.fields["vendorId"], "")
        credit += use["amount"]
    if part.amount <= 0 or part.amount + credit > standing(act.org, bill).due:
        raise refuse("BDC_1159", bill.id, subject=bill.id)


def _add(act: Act, order: Order, fields: dict[str, Any]) -> Row:
    parts = []
    for part in order.parts:
        one: dict[str, Any] = {"id": act.org.ids.new("bill_payment"), "billId": part.bill.id, "amount": part.amount}
        if part.uses:
            one["vendorCredits"] = [dict(use) for use in part.uses]
        parts.append(one)
    common = {
        "vendorId": order.parts[0].bill.fields["vendorId"],
        "billPayments": parts,
        "processDate": order.process_date,
        "amount": sum((part.amount for part in order.parts), Decimal(0)),
        "transactionNumber": act.org.ids.letters(20, LETTERS),
        "confirmationNumber": f"P{order.process_date[2:].replace('-', '')}01 - {act.org.ids.letters(7, '0123456789')}",
    }
    row = act.add(act.org.payments, "payment", {**common, **fields})
    for part in order.parts:
        act.org.payments_of_bill.setdefault(part.bill.id, {})[row.id] = None
        for use in part.uses:
            vendor_credits.used_by(act, use["id"], row.id)
    _settle(act, row)
    act.org.publish("payment.updated", row)
    return row


def _settle(act: Act, payment: Row) -> None:
    """Bring bills and credits in line with the payment."""
    for part in payment.fields["billPayments"]:
        bill = find(act.org.bills, part["billId"])
        changed = settle(act, bill, touch=bool(act.org.switches["payment_touches_bill"]))
        if changed and act.org.switches["payment_raises_bill_updated"]:
            act.org.publish("bill.updated", bill)
        for use in part.get("vendorCredits", []):
            vendor_credits.refresh(act, find(act.org.credits, use["id"]))


def _disburse(act: Act, row: Row, single: str) -> None:
    """What the payment shows of its way to the vendor: a check has its number from PROCESSED on."""
    info = dict(row.fields.get("disbursementInfo", {}))
    info["isVoidable"] = single in DEBITED and stage_of(row.fields) is not Stage.NONE
    if row.fields["disbursementType"] == "CHECK":
        check_info = dict(info.get("checkDisbursement", {}))
        if single in DEBITED and "checkNumber" not in check_info:
            check_info["checkNumber"] = 10_000_000 + len(act.org.payments)
        if single == "SENT":
            check_info["sentDate"] = act.now.date().isoformat()
        info["checkDisbursement"] = check_info
    row.fields["disbursementInfo"] = info
    if single in ("VOIDED", "FUNDING_FAILED_VOIDED"):
        done = {"status": "ACCEPTED", "updatedTime": printed(act.now)}
        row.fields["voidInfo"] = [{**one, **done} for one in row.fields["voidInfo"]]


def _book(act: Act, payment: Row, single: str) -> None:
    fields = payment.fields
    amount, books, now = fields["amount"], act.org.books, printed(act.now)
    vendor_id, funding = fields["vendorId"], fields["fundingAccount"]
    clearing = account(act.org, vendor_id, "clearing")
    debt = (payables(vendor_id), clearing)
    # A reissued payment goes out with the money of the first one; nothing is debited again.
    own = Decimal(0) if fields.get("reissueOf") else amount
    money = (clearing, account(act.org, vendor_id, cash(funding.get("id", funding["type"]))))
    if single in DEBITED and stage_of(fields) is not Stage.NONE:
        books.bring(now, "payment", payment.id, debt, amount)
        # A debit that bounced stays out until somebody says otherwise: BILL has paid, the payer owes BILL.
        bounced = single == "FUNDING_FAILED_ACTION_NEEDED"
        books.bring(now, "debit of the payer", payment.id, money, Decimal(0) if bounced else own)
    elif single == "VOIDED":
        books.bring(now, "void", payment.id, debt, Decimal(0))
        if fields.get("voidType", "VOID_AND_CREDIT") == "VOID_AND_CREDIT":
            books.bring(now, "money back to the payer", payment.id, money, own - amount)
    elif single == "FUNDING_FAILED_VOIDED":
        books.bring(now, "void", payment.id, debt, Decimal(0))
