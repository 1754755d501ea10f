"""The demo's figures once more, from the simulators alone: standard library only, nothing of Tieout.

    python -I recount.py '{"erp": URL, "bill": URL, "entra": URL, "ca": FILE, "cutover": DAY, "also": [NUMBER]}'

Prints JSON: vendors_linked, bills_created, bills_total, without_bill, without_invoice,
payments_applied, calls.
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


def get(url: str, path: str, ca: str | None = None) -> Any:
    """The JSON of a simulator's path."""
    context = ssl.create_default_context(cafile=ca) if ca else None
    with urllib.request.urlopen(url + path, timeout=60, context=context) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read())


def recount(place: Json) -> Json:
    """All figures."""
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
        "calls": {side: calls(place, side) for side in ("bill", "erp")},
    }


def scope(books: Json, place: Json) -> Json:
    """Posted invoices by number that are open and within the cut-over."""
    entries = {one["document_number"]: one for one in books["vendor_entries"] if one["document_type"] == "Invoice"}
    found = {}
    for one in books["invoices"]:
        if one["status"] == "Draft" or not entries[one["number"]]["open"]:
            continue
        if one["posting_date"] >= place["cutover"] or one["number"] in place["also"]:
            found[one["number"]] = one
    return found


def applied(books: Json, there: Json) -> int:
    """Payments of BILL whose every part the ERP has applied to the invoice, by a posting that credits clearing."""
    credited = {
        one["transaction"] for one in books["entries"] if one["account"] == CLEARING and one["amount"][0] == "-"
    }
    entries = {one["number"]: one for one in books["vendor_entries"]}
    pool: Counter[tuple[str, Decimal]] = Counter()
    for one in books["applications"]:
        invoice, paying = entries[one["vendor_entry"]], entries.get(one["applied_entry"])
        if one["kind"] != "Application" or one["unapplied"] or invoice["document_type"] != "Invoice":
            continue
        if paying and paying["document_type"] == "Payment" and paying["transaction"] in credited:
            pool[(invoice["document_number"], Decimal(one["amount"]))] += 1
    of_bill = {one["id"]: one.get("description", "").split(",")[0] for one in there["bills"]}
    count = 0
    for one in there["payments"]:
        if one["onlinePayment"] and one["status"] == "PAID":
            parts = Counter((of_bill[part["billId"]], Decimal(part["amount"])) for part in one["billPayments"])
            count += not parts - pool
            pool -= parts
    return count


def calls(place: Json, side: str) -> Json:
    """Calls and log-ins that a side has seen."""
    seen = get(place[side], "/_sandbox/requests")
    logins = [one for one in seen if one["path"] == "/connect/v3/login"]
    if side == "erp":
        logins = [
            one for one in get(place["entra"], "/_sandbox/requests", place["ca"]) if one["path"].endswith("/token")
        ]
    return {"calls": len(seen), "logins": len(logins)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(recount(json.loads(sys.argv[1]))))
