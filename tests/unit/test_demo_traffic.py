"""What the demo makes of the simulators' logs: writes, log-ins, changed ledgers, and the timeline of an invoice."""

from typing import Any

from tieout_cli.demo import traffic
from tieout_cli.demo.logview import Step
from tieout_cli.demo.timeline import timeline


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


def step(fact: str, row: str, what: str, **value: Any) -> Step:
    """An assignment."""
    return Step(f"2026-01-01T00:00:0{fact}.000000Z", row, what, "", value or None, fact)


def test_a_timeline_tells_an_invoice_with_its_document_and_its_payment() -> None:
    """One line per fact and thing, in order; other invoices and bookkeeping are left out."""
    journal = [
        step("1", "invoice/I1", "invoice", number="108001", total="10.50", currency="USD"),
        step("1", "link/bill/I1", "waiting", kind="bill", phase="waiting", waits="vendor:V1:USD"),
        step("1", "link/bill/I2", "waiting", kind="bill", phase="waiting", waits="vendor:V1:USD"),
        step("2", "window/bill", "window", unanswered=1),
        step("2", "link/bill/I1", "ready", kind="bill", phase="ready"),
        step("2", "link/bill/I1", "requested", kind="bill", phase="requested"),
        step("3", "link/bill/I1", "linked", kind="bill", phase="linked", target="00n1"),
        step("4", "want/document/D1", "wanted", content={"bill": "bill:I1", "name": "a.pdf"}),
        step("4", "link/document/D1", "requested", kind="document", phase="requested"),
        step("5", "want/payment/P1", "wanted", content={"order": {"applications": [{"document": "I1"}]}}),
        step("5", "link/payment/P1", "requested", kind="payment", phase="requested"),
        step("6", "hold/payment/P1", "held", reason="refused", params={}),
    ]
    events = timeline(journal, "I1")
    assert [(one.time[18], one.about, one.text) for one in events] == [
        ("1", "invoice", "seen in the ERP: 108001 over 10.50 USD"),
        ("1", "bill", "waits for vendor:V1:USD"),
        ("2", "bill", "asked of BILL"),
        ("3", "bill", "stands in BILL as 00n1"),
        ("4", "document", "asked of BILL"),
        ("5", "payment", "asked of the ERP"),
        ("6", "payment", "held: refused"),
    ]
