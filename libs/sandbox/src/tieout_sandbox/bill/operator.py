"""What people do in BILL's own web application, for a tester to order: paying, editing, archiving, approving.

``POST /_sandbox/payments`` ``{"action": ...}``:

| action | more keys (``?`` may be left out) | what happens |
| --- | --- | --- |
| ``create`` | bills [{billId, amount?, vendorCredits?}], fundingAccount?, disbursementType?, processDate?, \
description?, to? | one payment per vendor, then walked to ``to`` |
| ``advance`` | id, to?, force? | the next singleStatus, or each up to ``to``; ``force`` sets any text |
| ``cancel`` | id | CANCELED, while SCHEDULED |
| ``void`` | id, type?, reason?, pending? | VOID_PENDING, then VOIDED unless ``pending``; a reissue follows |
| ``return`` | id, rejected? | DISBURSEMENT_FAILED_ACTION_NEEDED, or ..._VENDOR_BANK_REJECTED |
| ``bounce`` | id | FUNDING_FAILED_ACTION_NEEDED: the payer's debit failed, the vendor has its money |
| ``record`` | bills, processDate?, syncReference? | a payment made elsewhere, entered by hand |
| ``fail`` | bills, code?, message? | no payment: only the event payment.failed |
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill import payments
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.organization import Act, Organization, find
from tieout_sandbox.bill.payments import Order, Part
from tieout_sandbox.bill.settlement import standing
from tieout_sandbox.bill.stages import following, steps
from tieout_sandbox.bill.store import Row

Wish = Mapping[str, Any]


def pay(act: Act, wish: Wish) -> list[Row]:
    """Do one thing with payments; the payments concerned. What cannot be done is a Refusal or a KeyError."""
    action = ACTIONS.get(str(wish.get("action")))
    if action is None:
        raise refuse("BDC_1129", f"action: one of {', '.join(ACTIONS)}")
    return action(act, wish)


def _create(act: Act, wish: Wish) -> list[Row]:
    by_vendor: dict[str, list[Part]] = {}
    for item in wish["bills"]:
        part = _part(act.org, item)
        by_vendor.setdefault(part.bill.fields["vendorId"], []).append(part)
    more = {name: wish[name] for name in ("description", "remittanceEmail") if name in wish}
    today = act.now.date().isoformat()
    orders = [
        Order(
            tuple(parts),
            wish.get("processDate", today),
            wish.get("fundingAccount") or _first_bank(act.org),
            wish.get("disbursementType", "ACH"),
            {**more, "backdated": True},
        )
        for parts in by_vendor.values()
    ]
    for order in orders:
        payments.check(act, order)
    made = [payments.create(act, order) for order in orders]
    for payment in made if "to" in wish else []:
        _walk(act, payment, wish["to"])
    return made


def _advance(act: Act, wish: Wish) -> list[Row]:
    payment = find(act.org.payments, wish["id"])
    wanted = wish.get("to") or following(payment.fields)
    if wanted is None:
        raise refuse("BDC_1119", f"{payment.id}: nothing follows {payment.fields['singleStatus']}", status=409)
    if wish.get("force"):
        payments.move(act, payment, wanted)
    else:
        _walk(act, payment, wanted)
    return [payment]


def _cancel(act: Act, wish: Wish) -> list[Row]:
    return _to(act, wish, "CANCELED")


def _void(act: Act, wish: Wish) -> list[Row]:
    payment = find(act.org.payments, wish["id"])
    kind = wish.get("type", "VOID_AND_CREDIT")
    payments.request_void(act, payment, kind, wish.get("reason", "asked for by the payer"))
    if wish.get("pending"):
        return [payment]
    payments.move(act, payment, "VOIDED")
    if not kind.startswith("VOID_AND_REISSUE"):
        return [payment]
    return [payment, _reissue(act, payment)]


def _reissue(act: Act, old: Row) -> Row:
    """A new payment of the same parts with the money of the old one."""
    parts = tuple(
        Part(find(act.org.bills, part["billId"]), part["amount"], tuple(part.get("vendorCredits", ())))
        for part in old.fields["billPayments"]
    )
    order = Order(
        parts,
        act.now.date().isoformat(),
        old.fields["fundingAccount"],
        old.fields["disbursementType"],
        {"reissueOf": old.id},
    )
    payments.check(act, order)
    return payments.create(act, order)


def _return(act: Act, wish: Wish) -> list[Row]:
    rejected = "DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED"
    return _to(act, wish, rejected if wish.get("rejected") else "DISBURSEMENT_FAILED_ACTION_NEEDED")


def _bounce(act: Act, wish: Wish) -> list[Row]:
    return _to(act, wish, "FUNDING_FAILED_ACTION_NEEDED")


def _record(act: Act, wish: Wish) -> list[Row]:
    parts = tuple(_part(act.org, item) for item in wish["bills"])
    for part in parts:
        payments.check_part(act, part)
    more = {"toPrintCheck": False, **({"syncReference": wish["syncReference"]} if "syncReference" in wish else {})}
    order = Order(parts, wish.get("processDate", act.now.date().isoformat()), {"type": "WALLET"}, "OFFLINE", more)
    return [payments.record(act, order)]


def _fail(act: Act, wish: Wish) -> list[Row]:
    parts = [_part(act.org, item) for item in wish["bills"]]
    error = {
        "code": wish.get("code", "BDC_1151"),
        "message": wish.get("message", "The payment could not be created."),
    }
    fields = {
        "bills": [{"id": part.bill.id, "amount": part.amount} for part in parts],
        "transactionNumber": act.org.ids.letters(20, payments.LETTERS),
        "fundingAccount": wish.get("fundingAccount") or _first_bank(act.org),
        "vendorId": parts[0].bill.fields["vendorId"],
        "errors": [error],
    }
    act.org.publish("payment.failed", Row(act.org.ids.new("payment"), fields, act.now, act.now, created_by=act.by))
    return []


ACTIONS: dict[str, Callable[[Act, Wish], list[Row]]] = {
    "create": _create,
    "advance": _advance,
    "cancel": _cancel,
    "void": _void,
    "return": _return,
    "bounce": _bounce,
    "record": _record,
    "fail": _fail,
}


def _to(act: Act, wish: Wish, single: str) -> list[Row]:
    payment = find(act.org.payments, wish["id"])
    _walk(act, payment, single)
    return [payment]


def _walk(act: Act, payment: Row, wanted: str) -> None:
    way = steps(payment.fields, wanted)
    if way is None:
        now = payment.fields["singleStatus"]
        raise refuse("BDC_1119", f"{payment.id}: {wanted} cannot be reached from {now}", status=409)
    for single in way:
        payments.move(act, payment, single)


def _part(org: Organization, item: Mapping[str, Any]) -> Part:
    bill = find(org.bills, item["billId"])
    uses = tuple({"id": use["id"], "amount": Decimal(use["amount"])} for use in item.get("vendorCredits", ()))
    credit = sum((use["amount"] for use in uses), Decimal(0))
    amount = Decimal(item["amount"]) if "amount" in item else standing(org, bill).due - credit
    return Part(bill, amount, uses)


def _first_bank(org: Organization) -> dict[str, Any]:
    bank = next(iter(org.banks), None)
    if bank is None:
        raise refuse("BDC_1151", "the organization has no bank account")
    return {"type": "BANK_ACCOUNT", "id": bank.id}
