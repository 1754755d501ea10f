"""Hands and eyes of tests of the books: what people do on both sides, what ledgers show, how a record came about."""

import json
import os
import subprocess
import sys
import urllib.request
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from support.installation import eventually
from support.pipeline import TOKEN, Pipeline
from tieout.log.topics import Topic
from tieout_sandbox.bill.default_world import BANK, DEV_KEY, ORGANIZATION

TODAY: Final = datetime.now(UTC).date()
TIEOUT: Final = Path(sys.executable).with_name("tieout")
FIRST: Final = {"type": "BANK_ACCOUNT", "id": BANK}
"""The organization's first bank account."""


def days_ago(days: int) -> str:
    """A day of the past."""
    return (TODAY - timedelta(days=days)).isoformat()


def people(pipe: Pipeline, do: str, **order: Any) -> dict[str, Any]:
    """What somebody does in the ERP."""
    done: dict[str, Any] = pipe.erp.ask("/_sandbox/people", {"do": do, **order})
    return done


def in_bill(pipe: Pipeline, do: str, number: str, body: Any = None) -> dict[str, Any]:
    """What somebody does with a bill in BILL."""
    order = {"do": do, "kind": "bill", "id": bills(pipe)[number]["id"], "body": body}
    done: dict[str, Any] = pipe.bill.ask("/_sandbox/people", order)
    return done


def post(pipe: Pipeline, number: str, cost: str, **order: Any) -> dict[str, Any]:
    """An invoice of the vendor 20000, posted."""
    lines = [{"number": "6150", "unit_cost": cost}]
    order = {"vendor": "20000", "lines": lines, **order}
    return people(pipe, "post_invoice", vendor_invoice_number=number, **order)


def pay(pipe: Pipeline, number: str, amount: str = "", to: str = "PROCESSED", **order: Any) -> str:
    """Somebody pays a bill in BILL; the payment's id."""
    part = {"billId": bills(pipe)[number]["id"], **({"amount": float(amount)} if amount else {})}
    order = {"action": "create", "bills": [part], "fundingAccount": FIRST, "to": to, **order}
    made: str = pipe.bill.ask("/_sandbox/payments", order)["payments"][0]["id"]
    return made


def bills(pipe: Pipeline) -> dict[str, dict[str, Any]]:
    """BILL's bills by invoice number."""
    (books,) = pipe.bill.ledger()["organizations"].values()
    return {one["invoice"]["invoiceNumber"]: one for one in books["bills"]}


def company(pipe: Pipeline) -> dict[str, Any]:
    """The ERP's books; they balance at any moment."""
    books: dict[str, Any] = pipe.erp.ledger()["companies"][0]
    assert books["balanced"]
    return books


def booked(pipe: Pipeline, document: str) -> dict[str, Decimal]:
    """Debit less credit of each account in what was posted under a document number."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in company(pipe)["entries"]:
        if one["document_number"] == document:
            sums[one["account"]] += Decimal(one["amount"])
    return dict(sums)


def days(pipe: Pipeline, document: str) -> set[str]:
    """The days on which a document is posted."""
    return {one["posting_date"] for one in company(pipe)["entries"] if one["document_number"] == document}


def balance(pipe: Pipeline, account: str) -> Decimal:
    """Debit less credit of an account, from its entries; the chart of accounts says the same."""
    books = company(pipe)
    (row,) = [one for one in books["accounts"] if one["number"] == account]
    total = sum((Decimal(one["amount"]) for one in books["entries"] if one["account"] == account), Decimal(0))
    assert Decimal(row["debit"]) - Decimal(row["credit"]) == total
    return total


def still_open(pipe: Pipeline, number: str) -> Decimal:
    """What is open of an invoice in the ERP's vendor ledger."""
    books = company(pipe)
    (document,) = [one["id"] for one in books["invoices"] if one["vendor_invoice_number"] == number]
    (entry,) = [one for one in books["vendor_entries"] if one["document_id"] == document]
    return -Decimal(entry["remaining"])


def unapplied(pipe: Pipeline, document: str) -> Decimal:
    """What of a payment settles nothing, in the ERP's vendor ledger."""
    (entry,) = [one for one in company(pipe)["vendor_entries"] if one["document_number"] == document]
    return Decimal(entry["remaining"])


def recorded(pipe: Pipeline, payment: str) -> str:
    """Wait until a payment stands in the ERP, proved; the document number it is posted under."""
    link = f"payment/{payment}"
    return eventually(lambda: pipe.linked("payment").get(link), seconds=60, what=f"the proof of {payment}")


def hold(pipe: Pipeline, link: str) -> dict[str, Any]:
    """What is held under a link, {} if nothing is."""
    value = pipe.made.state().get(f"acme/hold/{link}")
    return {} if value is None else json.loads(value)


def held(pipe: Pipeline, link: str, reason: str) -> dict[str, Any]:
    """Wait for a hold, and see what a person is told of it: who mends what and where."""
    eventually(lambda: hold(pipe, link).get("reason") == reason, seconds=60, what=f"{link}: {reason}")
    told: dict[str, Any] = eventually(
        lambda: next((one for one in shown_holds(pipe) if (one["ref"], one["reason"]) == (link, reason)), None),
        what=f"{link}: {reason} over the API",
    )
    assert told["who"]
    assert told["where"]
    assert told["cure"]
    assert "{" not in told["sentence"] + told["cure"], told
    return told


def shown_holds(pipe: Pipeline) -> list[dict[str, Any]]:
    """All holds over the API."""
    status, answer = pipe.ask("GET", "/v1/connections/acme/holds?limit=1000")
    assert status == 200, answer
    found: list[dict[str, Any]] = answer["holds"]
    return found


def gone(pipe: Pipeline, link: str) -> None:
    """Wait until a hold has gone."""
    eventually(lambda: not hold(pipe, link), seconds=60, what=f"the end of the hold of {link}")


def bill_link(pipe: Pipeline, number: str) -> str:
    """The link of an invoice's bill."""
    (document,) = [one["id"] for one in company(pipe)["invoices"] if one["vendor_invoice_number"] == number]
    return f"bill/{document}"


def tieout(pipe: Pipeline, *words: str) -> str:
    """The `tieout` command, as a person runs it."""
    environment = {
        "PATH": os.environ["PATH"],
        "TIEOUT_API_URL": f"http://127.0.0.1:{pipe.api_port}",
        "TIEOUT_API_TOKEN": TOKEN,
    }
    done = subprocess.run([TIEOUT, *words], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def settle(pipe: Pipeline, *numbers: str) -> None:
    """Wait until these invoices are bills, and Tieout knows it, held for something or not."""
    eventually(lambda: set(numbers) <= set(bills(pipe)), seconds=60, what=f"the bills {', '.join(numbers)}")
    links = {bill_link(pipe, number) for number in numbers}
    known = lambda: {link for link, row in pipe.links("bill").items() if row.get("target")}  # noqa: E731
    eventually(lambda: links <= known(), what=f"the links of {', '.join(numbers)}")


def as_administrator(pipe: Pipeline, path: str, body: Any) -> None:
    """A call of BILL's own API by its administrator."""
    who = {"username": "admin@sandbox.example", "password": "sandbox-admin", "organizationId": ORGANIZATION}
    session = pipe.bill.ask("/connect/v3/login", {**who, "devKey": DEV_KEY})["sessionId"]
    request = urllib.request.Request(  # noqa: S310 - loopback
        pipe.bill.url + path,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", "devKey": DEV_KEY, "sessionId": session},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
        assert answer.status == 201


def raw_log(pipe: Pipeline) -> dict[str, str]:
    """What each raw message of the log is about, by its id."""
    return {one.id: one.subject for topic in (Topic.ERP_CHANGES, Topic.BILL_EVENTS) for one in pipe.made.read(topic)}


def story(pipe: Pipeline, link: str) -> tuple[str, list[dict[str, Any]]]:
    """A record's id on the other side, and its own timeline over the API.

    Every step of it hangs on the one before: what was seen on a raw document that stands in the log, an answer on the
    command that was asked.
    """
    path = f"/v1/connections/acme/records/{link.replace('/', '%2F')}"

    def told() -> list[dict[str, Any]]:
        status, answer = pipe.ask("GET", f"{path}/timeline?related=false&limit=1000")
        assert (status, answer["next"]) == (200, None), answer
        steps: list[dict[str, Any]] = answer["steps"]
        return steps if answers(steps, link)[-1:] == [("applied", "")] else []

    steps = eventually(told, what=f"the whole story of {link}")
    raw = raw_log(pipe)
    status, shown = pipe.ask("GET", path)
    assert status == 200, shown
    commands: set[str] = set()
    for step in steps:
        assert step["cause"]
        if step["kind"] == "seen":
            assert raw[step["fact"]["raw"]] == step["fact"]["subject"]
        if step["kind"] == "outcome" and step["fact"]["link"] == link:
            assert step["fact"]["command"] in commands
        commands |= {entry["command"] for entry in step["entries"] if entry["command"]}
    return shown["record"]["target"], steps


def answers(steps: list[dict[str, Any]], link: str) -> list[tuple[str, str]]:
    """Results and codes of the answers in a story that are its own, and not of what it waited for."""
    facts = [step["fact"] for step in steps if step["kind"] == "outcome" and step["fact"]["link"] == link]
    return [(fact["result"], fact.get("code", "")) for fact in facts]


def words(steps: list[dict[str, Any]]) -> set[str]:
    """What was decided in a story."""
    return {word for step in steps for word in step["what"]}


def kinds(steps: list[dict[str, Any]]) -> list[str]:
    """What each step of a story came from, repeats left out."""
    found = [step["kind"] for step in steps if step["kind"]]
    return [kind for number, kind in enumerate(found) if number == 0 or found[number - 1] != kind]
