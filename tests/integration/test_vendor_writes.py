"""Decider and bill-writer on real Kafka and PostgreSQL, against BILL's simulator."""

import json
import signal
from collections.abc import Iterator

import pytest

from support.installation import Installation, eventually, store_bill_credentials
from support.simulators import Running, running
from tieout.domain.erp import Vendor
from tieout.domain.records import Address
from tieout.domain.settings import ConnectionSettings
from tieout.events.facts import VendorObserved
from tieout.log.topics import Topic
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME

FAST = {
    "bill_write_within": "1", "bill_http_timeout": "2", "bill_settle": "0.5", "bill_lookup_gap": "0.3",
    "bill_retry_cap": "0.5", "bill_retry_for": "20",
}  # fmt: skip
ADDRESS = Address(line1="1 Quay", city="Oslo", postal_code="0150", country="NO")


@pytest.fixture
def bill() -> Iterator[Running]:
    """BILL, simulated."""
    with running(BillSimulator()) as one:
        yield one


def settings(bill: Running, **changes: object) -> ConnectionSettings:
    """A connection to the simulated organization."""
    base: dict[str, object] = {
        "connection": "acme",
        "state": "active",
        "erp": {"kind": "business-central", "tenant": "contoso.example", "company": "CRONUS"},
        "bill": {
            "organization": ORGANIZATION,
            "endpoints": {"api": f"{bill.url}/connect", "events": f"{bill.url}/connect-events"},
        },
        "cutover": {"date": "2026-01-01"},
    }
    return ConnectionSettings.model_validate(base | changes)


def vendor(number: int, **changes: object) -> VendorObserved:
    """A poll run saw a vendor."""
    base: dict[str, object] = {
        "id": f"v-{number}", "number": f"V{number:05}", "name": f"Vendor {number} AS", "currency": "USD",
        "address": ADDRESS,
    }  # fmt: skip
    return VendorObserved(run=1, vendor=Vendor.model_validate(base | changes))


def observe(made: Installation, *facts: VendorObserved) -> None:
    """The mapper's share: facts in the log."""
    made.write(*((Topic.FACTS, made.message("acme", fact, f"f{fact.vendor.id}{fact.vendor.name}")) for fact in facts))


def vendors(bill: Running) -> dict[str, list[str]]:
    """Names in BILL by short name."""
    found: dict[str, list[str]] = {}
    for organization in bill.ledger()["organizations"].values():
        for one in organization["vendors"]:
            found.setdefault(one.get("shortName", ""), []).append(one["name"])
    return found


def linked(made: Installation) -> dict[str, str]:
    """Links that stand, with BILL's ids."""
    rows = {key: json.loads(value) for key, value in made.state().items() if key.startswith("acme/link/")}
    return {key: row["target"] for key, row in rows.items() if row["phase"] == "linked"}


def begin(made: Installation, bill: Running) -> None:
    """Credentials, settings, both services."""
    store_bill_credentials(made, "acme", USERNAME, PASSWORD, DEV_KEY)
    made.apply(settings(bill))
    made.start("tieout_decider")
    made.start("tieout_bill_writer", **FAST)


def test_vendors_reach_bill_once_and_are_linked_back(made: Installation, bill: Running) -> None:
    """Forty vendors seen in the ERP stand in BILL, each once, with its number, and the link leads back."""
    begin(made, bill)
    observe(made, *(vendor(n) for n in range(40)))
    eventually(lambda: len(linked(made)) == 40, what="forty links")
    there = vendors(bill)
    assert all(there[f"V{n:05}"] == [f"Vendor {n} AS"] for n in range(40))
    assert len(bill.calls("POST", "/v3/login")) == 1
    observe(made, vendor(7, name="Vendor Seven ASA"))
    eventually(lambda: vendors(bill)["V00007"] == ["Vendor Seven ASA"], what="the rename")
    assert made.folded() == made.state()


def test_a_lost_answer_is_looked_up_and_linked(made: Installation, bill: Running) -> None:
    """The vendor was created but the answer was lost: it is found by its number, not created again."""
    bill.fault("drop_after", method="POST", path="/v3/vendors$")
    begin(made, bill)
    observe(made, vendor(1))
    eventually(lambda: linked(made), what="the link")
    assert vendors(bill)["V00001"] == ["Vendor 1 AS"]
    assert len(bill.calls("POST", "/v3/vendors")) == 1


def test_a_writer_killed_after_its_call_leaves_nothing_twice(made: Installation, bill: Running) -> None:
    """SIGKILL between the answer and its record: the successor looks the effect up."""
    store_bill_credentials(made, "acme", USERNAME, PASSWORD, DEV_KEY)
    made.apply(settings(bill))
    made.start("tieout_decider")
    first = made.start("tieout_bill_writer", crash_at="bill-writer.call.after:POST /v3/vendors", **FAST)
    observe(made, vendor(1))
    assert first.wait_gone(seconds=30)
    made.start("tieout_bill_writer", name="second", **FAST)
    eventually(lambda: linked(made), what="the link")
    assert len(bill.calls("POST", "/v3/vendors")) == 1
    assert made.folded() == made.state()


def test_sigterm_drains_and_ends_in_time(made: Installation, bill: Running) -> None:
    """Both services end by themselves within their grace."""
    begin(made, bill)
    observe(made, vendor(1))
    eventually(lambda: linked(made), what="the link")
    for name in ("tieout_bill_writer", "tieout_decider"):
        made.running[name].send(signal.SIGTERM)
        assert made.running[name].wait_gone(seconds=25)
