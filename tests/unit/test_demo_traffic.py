"""What the demo makes of the simulators' logs: writes, log-ins, changed ledgers, and the timeline of an invoice."""

from typing import Any

from tieout_cli.demo import traffic
from tieout_cli.demo.comparing import unexplained
from tieout_cli.demo.timeline import events


def call(method: str, path: str, status: int = 200) -> dict[str, Any]:
    """A call as a simulator logs it."""
    return {"method": method, "path": path, "status": status}


CALLS = [
    call("POST", "/connect/v3/login"),
    call("GET", "/connect/v3/bills"),
    call("POST", "/connect/v3/bills"),
    call("PATCH", "/connect/v3/vendors/009", 422),
    call("POST", "/connect-events/v3/subscriptions"),
    call("POST", "/tenant/oauth2/v2.0/token"),
    call("POST", "/v2.0/t/production/api/v2.0/subscriptions"),
    call("DELETE", "/v2.0/t/production/api/v2.0/companies(1)/journals(2)"),
]


def test_writes_are_told_apart_from_logins_and_subscriptions() -> None:
    """Whatever could write a record counts, also if it was refused; log-ins and subscriptions are counted apart."""
    assert traffic.writes(CALLS) == [
        "POST /connect/v3/bills",
        "PATCH /connect/v3/vendors/009",
        "DELETE /v2.0/t/production/api/v2.0/companies(1)/journals(2)",
    ]
    assert traffic.spent(CALLS) == {"calls": 8, "logins": 2, "subscription_calls": 2, "writes": 3, "refused": 1}


def test_a_changed_ledger_names_the_place() -> None:
    """One amount, one more row; what is no record, such as the calls used, is left out at the top alone."""
    before = {"now": "1", "usage": 3, "org": {"bills": [{"amount": "1"}], "usage": "a", "payments": []}}
    after = {"now": "2", "usage": 4, "org": {"bills": [{"amount": "2"}], "usage": "b", "payments": [{}]}}
    assert traffic.changed(before, before) == []
    assert traffic.changed(before, after) == [
        "/org/bills",
        '/org/usage: "a" before, "b" after',
        "/org/payments: 0 before, 1 after",
    ]


def entry(row: str, what: str, phase: str = "", why: str = "", amount: str | None = None) -> dict[str, Any]:
    """An entry of the journal as the API tells it."""
    link = row.removeprefix("link/").replace("invoice/", "bill/").removeprefix("want/")
    return {"link": link, "row": row, "what": what, "why": why, "phase": phase, "amount": amount, "currency": "USD"}


def step(second: int, *entries: dict[str, Any], **fact: Any) -> dict[str, Any]:
    """What one fact led to."""
    return {"time": f"2026-01-01T00:00:0{second}Z", "entries": list(entries), "fact": fact or None}


def test_a_timeline_tells_an_invoice_with_its_payment() -> None:
    """What was seen, and where each fact left each link, in order; bookkeeping is left out."""
    steps = [
        step(
            1,
            entry("invoice/I1", "invoice", amount="10.50"),
            entry("want/bill/I1", "wanted"),
            entry("link/bill/I1", "waiting", "waiting", "vendor:V1:USD"),
        ),
        step(2, entry("link/bill/I1", "ready", "ready"), entry("link/bill/I1", "requested", "requested")),
        step(3, entry("link/bill/I1", "linked", "linked"), link="bill/I1", target="00n1"),
        step(
            4,
            entry("payment/P1", "payment.taken", why="PROCESSED", amount="10.50"),
            entry("link/payment/P1", "requested", "requested"),
        ),
        step(5, entry("link/payment/P1", "held", "held", "it differs"), link="payment/P1", target="T1"),
    ]
    assert [(one.time[18], one.about, one.text) for one in events(steps)] == [
        ("1", "invoice", "seen in the ERP: 10.50 USD"),
        ("1", "bill", "waits for vendor:V1:USD"),
        ("2", "bill", "asked of BILL"),
        ("3", "bill", "stands in BILL as 00n1"),
        ("4", "payment", "shown by BILL: 10.50 USD PROCESSED"),
        ("4", "payment", "asked of the ERP"),
        ("5", "payment", "is held: it differs"),
    ]


def test_a_tie_out_is_explained_or_named() -> None:
    """What Tieout expects is left out; any other difference, and an equation not compared, is unexplained."""
    line = {"documents": ["108001"], "currency": "USD", "equation": "bill", "text": "no bill"}
    result = {
        "subledger": {"status": "unknown", "problem": "no page"},
        "bill": {"status": "differs", "problem": ""},
        "clearing": {"status": "equal", "problem": ""},
        "differences": [
            {**line, "class": "in_flight", "amount": "5", "expected": True},
            {**line, "class": "missing_in_bill", "amount": "7.00", "expected": False},
        ],
    }
    assert [(one.kind, str(one.amount), one.text) for one in unexplained(result)] == [
        ("tie-out (bill): missing_in_bill", "7.00", "no bill"),
        ("tie-out (subledger)", "0", "not compared: no page"),
    ]
