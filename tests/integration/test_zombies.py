"""A process that was paused and superseded (SIGSTOP, takeover, SIGCONT) writes nothing more, here or outside."""

import signal
from collections.abc import Iterator

import pytest

from support.installation import Installation, eventually
from support.simulators import Running, running
from support.writing import FAST, begin, linked, observe, vendor, vendors
from tieout.log.topics import Topic
from tieout_sandbox.systems import simulator


@pytest.fixture
def bill() -> Iterator[Running]:
    """BILL, simulated."""
    with running(simulator("bill")) as one:
        yield one


def test_a_paused_writer_is_fenced_and_its_call_is_found_not_repeated(made: Installation, bill: Running) -> None:
    """It is stopped in the middle of a call that BILL carries out late; the successor links the result."""
    begin(made, bill)
    observe(made, vendor(1))
    eventually(lambda: linked(made), what="the first link")
    bill.fault("slow", method="POST", path="/v3/vendors$", seconds=1.5)
    observe(made, vendor(2))
    eventually(lambda: len(made.read(Topic.BILL_EFFECTS)) >= 4, what="the intent")
    zombie = made.running["tieout_bill_writer"]
    zombie.send(signal.SIGSTOP)
    made.start("tieout_bill_writer", name="successor", **FAST)
    eventually(lambda: len(linked(made)) == 2, what="the link by the successor")
    zombie.send(signal.SIGCONT)
    assert zombie.wait_gone(seconds=30)
    observe(made, vendor(3))
    eventually(lambda: len(linked(made)) == 3, what="the successor's next link")
    assert {number: len(names) for number, names in vendors(bill).items() if number.startswith("W0000")} == {
        "W00001": 1,
        "W00002": 1,
        "W00003": 1,
    }
    assert made.folded() == made.state()


def test_a_paused_decider_is_fenced_with_all_it_would_have_written(made: Installation, bill: Running) -> None:
    """It comes back after a takeover: journal, state and commands are as if it had never been there."""
    begin(made, bill)
    observe(made, *(vendor(n) for n in range(10)))
    eventually(lambda: len(linked(made)) == 10, what="ten links")
    zombie = made.running["tieout_decider"]
    zombie.send(signal.SIGSTOP)
    observe(made, *(vendor(n) for n in range(10, 20)))
    made.start("tieout_decider", name="successor")
    eventually(lambda: len(linked(made)) == 20, what="links by the successor")
    zombie.send(signal.SIGCONT)
    assert zombie.wait_gone(seconds=30)
    observe(made, vendor(20))
    eventually(lambda: len(linked(made)) == 21, what="the successor's next link")
    assert made.folded() == made.state()
    commands = [message.id for message in made.read(Topic.BILL_COMMANDS)]
    assert len(commands) == len(set(commands)) == 21
