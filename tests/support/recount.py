"""The figures once more, from the simulators alone: standard library only, nothing of Tieout.

    python -I recount.py '{"erp": URL, "bill": URL, "cutover": DAY, "also": [NUMBER], "control": {GROUP: ACCOUNT}}'

Prints JSON: what the three equations of a tie-out compare (``totals``). With ``"entra": URL, "ca": FILE`` also the
demo's figures: vendors_linked, bills_created, bills_total, without_bill, without_invoice, payments_applied,
payments_reversed, calls.
"""

import json
import ssl
import sys
import urllib.request
from collections import Counter
from decimal import Decimal
from typing import Any

TIEOUT_USER = "tieout@harborfinch.example"
CLEARING = "2950"
Json = dict[str, Any]
Part = tuple[str, Decimal]
"""An invoice of the ERP's by its number, and an amount of it."""


def get(url: str, path: str, ca: str | None = None) -> Any:
    """The JSON of a simulator's path."""
    context = ssl.create_default_context(cafile=ca) if ca else None
    with urllib.request.urlopen(url + path, timeout=60, context=context) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read())


def recount(place: Json) -> Json:
    """The demo's figures."""
    books = get(place["erp"], "/_sandbox/ledger")["companies"][0]
    (there,) = get(place["bill"], "/_sandbox/ledger")["organizations"].values()
    user = next(one["id"] for one in there["users"] if one["username"] == TIEOUT_USER)
    vendors = {one["id"]: one for one in there["vendors"]}
    bills = [one for one in there["bills"] if one["createdBy"] == user and not one["archived"]]
    totals: dict[str, Decimal] = {}
    for one in bills:
        currency = vendors[one["vendorId"]]["billCurrency"]
        totals[currency] = totals.get(currency, Decimal(0)) + Decimal(one["amount"])
    every = {one["number"]: one for one in books["invoices"] if one["status"] != "Draft"}
    matched, strange = set(), []
    for one in bills:
        number = one["description"].split(",")[0]
        invoice, vendor = every.get(number), vendors[one["vendorId"]].get("shortName")
        if invoice and invoice["pay_to"] == vendor and Decimal(invoice["including_tax"]) == Decimal(one["amount"]):
            matched.add(number)
        else:
            strange.append(one["id"])
    numbers = {one["number"] for one in books["vendors"]}
    return {
        "vendors_linked": len({one.get("shortName") for one in there["vendors"] if not one["archived"]} & numbers),
        "bills_created": len(bills),
        "bills_total": {currency: str(amount) for currency, amount in sorted(totals.items())},
        "without_bill": sorted(set(scope(books, place)) - matched),
        "without_invoice": strange,
        "payments_applied": applied(books, there),
        "payments_reversed": taken_back(books, there),
        "calls": {side: calls(place, side) for side in ("bill", "erp")},
    }


def scope(books: Json, place: Json) -> Json:
    """Posted invoices by number that are open and within the cut-over."""
    entries = {one["document_number"]: one for one in books["vendor_entries"] if one["document_type"] == "Invoice"}
    return {
        one["number"]: one
        for one in books["invoices"]
        if one["status"] != "Draft" and entries[one["number"]]["open"] and within(one, place)
    }


def within(invoice: Json, place: Json) -> bool:
    """Whether an invoice lies within the cut-over."""
    return invoice["posting_date"] >= place["cutover"] or invoice["number"] in place["also"]


def applied(books: Json, there: Json) -> int:
    """Payments of BILL whose every part the ERP has applied to the invoice, by a posting that credits clearing."""
    pool = postings(books, reversed_too=False)
    return sum(take(pool, parts_of(there, one)) for one in made_by_bill(there) if one["status"] == "PAID")


def taken_back(books: Json, there: Json) -> int:
    """Void payments of BILL whose every part the ERP had applied once, and has reversed."""
    pool = postings(books, reversed_too=True) - postings(books, reversed_too=False)
    return sum(take(pool, parts_of(there, one)) for one in made_by_bill(there) if one["status"] == "VOID")


def postings(books: Json, *, reversed_too: bool) -> Counter[Part]:
    """Invoices and amounts that payments were applied to which credit clearing."""
    credited = {
        one["transaction"] for one in books["entries"] if one["account"] == CLEARING and one["amount"][0] == "-"
    }
    entries = {one["number"]: one for one in books["vendor_entries"]}
    pool: Counter[Part] = Counter()
    for one in books["applications"]:
        invoice, paying = entries[one["vendor_entry"]], entries.get(one["applied_entry"])
        if one["kind"] != "Application" or invoice["document_type"] != "Invoice" or Decimal(one["amount"]) <= 0:
            continue
        if paying is None or paying["document_type"] != "Payment" or paying["transaction"] not in credited:
            continue
        if reversed_too or not (one["unapplied"] or paying["reversed"]):
            pool[(invoice["document_number"], Decimal(one["amount"]))] += 1
    return pool


def made_by_bill(there: Json) -> list[Json]:
    """Payments that BILL makes itself."""
    return [one for one in there["payments"] if one["onlinePayment"]]


def parts_of(there: Json, payment: Json) -> Counter[Part]:
    """The ERP's invoices that a payment pays, and how much of each."""
    of_bill = {one["id"]: one.get("description", "").split(",")[0] for one in there["bills"]}
    return Counter((of_bill[part["billId"]], Decimal(part["amount"])) for part in payment["billPayments"])


def take(pool: Counter[Part], parts: Counter[Part]) -> bool:
    """Whether all parts are in the pool; then they are taken out of it."""
    there = not parts - pool
    if there:
        pool.subtract(parts)
    return there


def totals(place: Json) -> Json:
    """Both sides of each equation, as the simulators' own entries give them."""
    books = get(place["erp"], "/_sandbox/ledger")["companies"][0]
    (there,) = get(place["bill"], "/_sandbox/ledger")["organizations"].values()
    groups = of_groups(books, place["control"])
    return {
        "groups": {group: texts(one) for group, one in groups.items()},
        "subledger": str(sum((one["subledger"] for one in groups.values()), Decimal(0))),
        "control": str(sum((one["control"] for one in groups.values()), Decimal(0))),
        "currencies": {currency: texts(one) for currency, one in of_currencies(books, there, place).items()},
        "clearing": texts(of_clearing(books, place["cutover"])),
    }


def of_groups(books: Json, control: Json) -> dict[str, dict[str, Decimal]]:
    """What vendors of each posting group are owed by their ledger, and by the group's account; debit positive."""
    group = {one["number"]: one["posting_group"] for one in books["vendor_entries"]}
    found = {name: {"subledger": Decimal(0), "control": Decimal(0)} for name in control}
    for one in books["applications"]:
        found[group[one["vendor_entry"]]]["subledger"] += Decimal(one["amount_local"])
    accounts = {account: name for name, account in control.items()}
    for one in books["entries"]:
        if one["account"] in accounts:
            found[accounts[one["account"]]]["control"] += Decimal(one["amount"])
    return found


def of_currencies(books: Json, there: Json, place: Json) -> dict[str, dict[str, Decimal]]:
    """What is open in the ERP within the cut-over, and what BILL has still to take from the payer's money."""
    due = scope(books, place)
    local = books["setup"].get("local_currency") or "USD"
    found: dict[str, dict[str, Decimal]] = {}
    for entry in books["vendor_entries"]:
        if entry["document_type"] == "Invoice" and entry["document_number"] in due:
            row = found.setdefault(entry["currency_code"] or local, {"erp": Decimal(0), "bill": Decimal(0)})
            row["erp"] -= Decimal(entry["remaining"])
    inside = {one["number"] for one in books["invoices"] if one["status"] != "Draft" and within(one, place)}
    currencies = {one["id"]: one["billCurrency"] for one in there["vendors"]}
    less = settled(there)
    for one in there["bills"]:
        ours = one.get("description", "").split(",")[0] in inside
        if not one["archived"] and (ours or one["invoice"]["invoiceDate"] >= place["cutover"]):
            row = found.setdefault(currencies[one["vendorId"]], {"erp": Decimal(0), "bill": Decimal(0)})
            row["bill"] += Decimal(one["amount"]) - less.get(one["id"], Decimal(0))
    return found


def settled(there: Json) -> dict[str, Decimal]:
    """What of each bill is credited, told as paid outside, or paid with money that BILL has taken."""
    found = {one["id"]: Decimal(one["creditAmount"]) for one in there["bills"]}
    for payment in there["payments"]:
        if payment["status"] in ("PAID", "ESCHEATED"):
            for part in payment["billPayments"]:
                found[part["billId"]] += Decimal(part["amount"])
    return found


def of_clearing(books: Json, cutover: str) -> dict[str, Decimal]:
    """The clearing account by what moved it: payments of vendors, their reversals, the bank. The rest is nobody's."""
    vendor = {one["transaction"]: one for one in books["vendor_entries"]}
    bank = {one["transaction"] for one in books["bank_entries"]}
    names = ("opening", "balance", "payments_posted", "transfers_booked", "refunds_due")
    found = dict.fromkeys(names, Decimal(0))
    seen: set[str] = set()
    for one in (one for one in books["entries"] if one["account"] == CLEARING):
        amount = Decimal(one["amount"])
        found["balance"] += amount
        if one["posting_date"] < cutover:
            found["opening"] += amount
        elif one["transaction"] in vendor and amount > 0:
            found["refunds_due"] += amount
        elif one["transaction"] in vendor and one["document_number"] not in seen:
            # The same document once more is a mistake of somebody's, and no second payment of BILL's.
            seen.add(one["document_number"])
            found["payments_posted"] -= amount
        elif one["transaction"] in bank:
            found["transfers_booked"] += amount
    return found


def texts(amounts: dict[str, Decimal]) -> dict[str, str]:
    """Amounts as JSON has them."""
    return {name: str(amount) for name, amount in amounts.items()}


def calls(place: Json, side: str) -> Json:
    """Calls and log-ins that a side has seen."""
    seen = get(place[side], "/_sandbox/requests")
    logins = [one for one in seen if one["path"] == "/connect/v3/login"]
    if side == "erp":
        logins = [
            one for one in get(place["entra"], "/_sandbox/requests", place["ca"]) if one["path"].endswith("/token")
        ]
    return {"calls": len(seen), "logins": len(logins)}


def main(place: Json) -> Json:
    """Everything that is asked for."""
    return (recount(place) if "entra" in place else {}) | {"totals": totals(place)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
