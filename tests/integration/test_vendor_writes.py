"""Decider and bill-writer on real Kafka and PostgreSQL, against BILL's simulator."""

import signal
from collections.abc import Iterator

import pytest

from support.installation import Installation, eventually, store_bill_credentials
from support.simulators import Running, running
from support.writing import FAST, begin, linked, observe, settings, vendor, vendors
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import DEV_KEY, PASSWORD, USERNAME


@pytest.fixture
def bill() -> Iterator[Running]:
    """BILL, simulated."""
    with running(BillSimulator()) as one:
        yield one


def test_vendors_reach_bill_once_and_are_linked_back(made: Installation, bill: Running) -> None:
    """Forty vendors seen in the ERP stand in BILL, each once, with its number, and the link leads back."""
    begin(made, bill)
    observe(made, *(vendor(n) for n in range(40)))
    eventually(lambda: len(linked(made)) == 40, what="forty links")
    there = vendors(bill)
    assert all(there[f"W{n:05}"] == [f"Vendor {n} AS"] for n in range(40))
    assert len(bill.calls("POST", "/v3/login")) == 1
    observe(made, vendor(7, name="Vendor Seven ASA"))
    eventually(lambda: vendors(bill)["W00007"] == ["Vendor Seven ASA"], what="the rename")
    assert made.folded() == made.state()


def test_a_lost_answer_is_looked_up_and_linked(made: Installation, bill: Running) -> None:
    """The vendor was created but the answer was lost: it is found by its number, not created again."""
    bill.fault("drop_after", method="POST", path="/v3/vendors$")
    begin(made, bill)
    observe(made, vendor(1))
    eventually(lambda: linked(made), what="the link")
    assert vendors(bill)["W00001"] == ["Vendor 1 AS"]
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
