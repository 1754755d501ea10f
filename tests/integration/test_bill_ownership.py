"""Partitions that change hands: commands, budgets and reads go with them."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from support.commanding import Writer, vendor
from support.installation import Installation, eventually, store_bill_credentials
from support.simulators import Running, running
from support.writing import settings
from tieout.events.effects import BudgetReserved
from tieout.events.facts import Result
from tieout.log.topics import Topic
from tieout_sandbox.bill.default_world import DEV_KEY, TOKEN_NAME, TOKEN_VALUE
from tieout_sandbox.systems import simulator


@pytest.fixture
def bill_side() -> Iterator[Running]:
    """BILL, simulated; every call takes a moment."""
    with running(simulator("bill")) as one:
        one.ask("/_sandbox/switches", {"latency_seconds": 0.05})
        yield one


def test_new_credentials_in_the_middle_cost_nothing(made: Installation, bill_side: Running) -> None:
    """The password is changed in BILL and here while calls are under way: every vendor is created, once."""
    bill_side.ask("/_sandbox/switches", {"latency_seconds": 0.2})
    writer = Writer(made, bill_side)
    writer.begin()
    commands = [vendor(f"W{number}") for number in range(24)]
    ids = writer.ask(*commands)
    eventually(lambda: len(writer.outcomes()) >= 3, what="the first outcomes")
    store_bill_credentials(made, "acme", TOKEN_NAME, TOKEN_VALUE, DEV_KEY)
    made.apply(settings(bill_side), secret_version=2)
    eventually(lambda: set(ids) <= {one.command for one in writer.outcomes()}, what="all outcomes")
    assert {one.result for one in writer.outcomes()} == {Result.APPLIED}
    there = Counter(one.get("shortName") for one in writer.ledger()["vendors"])
    assert {there[f"W{number}"] for number in range(24)} == {1}
    assert len(bill_side.calls("POST", "/v3/login")) == 2


def test_commands_go_on_while_writers_come_and_go(made: Installation, bill_side: Running) -> None:
    """A second writer joins in the middle and the first one is stopped: each vendor is created once, none is lost."""
    writer = Writer(made, bill_side, {"instance": ""})
    writer.begin()
    commands = [vendor(f"W{number}") for number in range(60)]
    ids = writer.ask(*commands[:30])
    eventually(lambda: len(writer.outcomes()) >= 3, what="the first outcomes")
    writer.start(name="second")
    ids += writer.ask(*commands[30:])
    first = made.running["tieout_bill_writer"]
    first.send(signal.SIGTERM)
    assert first.wait_gone(seconds=25)

    def done() -> bool:
        final = {one.command for one in writer.outcomes() if one.result in (Result.APPLIED, Result.FOUND)}
        return set(ids) <= final

    eventually(done, seconds=40, what="all outcomes")
    there = Counter(one.get("shortName") for one in writer.ledger()["vendors"])
    assert {there[f"W{number}"] for number in range(60)} == {1}
    reserved = [one.data for one in made.read(Topic.BILL_EFFECTS) if isinstance(one.data, BudgetReserved)]
    calls = sum(one.amount for one in reserved if one.resource == "calls")
    assert calls >= len(bill_side.calls(path="/v3/"))


@pytest.mark.promise("C3")
def test_calls_of_a_writer_that_was_killed_keep_their_places(made: Installation, bill_side: Running) -> None:
    """Three slow calls go on in BILL after the process that made them is gone: its successor waits for their ends."""
    writer = Writer(made, bill_side, {"bill_http_timeout": "4"})
    writer.begin()
    assert writer.answer(vendor("FIRST")).result is Result.APPLIED
    bill_side.fault("slow", method="POST", path="/v3/vendors$", times=3, seconds=4)
    ids = writer.ask(*(vendor(f"W{number}") for number in range(12)))

    def under_way() -> int:
        (lane,) = bill_side.ask("/_sandbox/usage")["lanes"]
        return int(lane["under_way"])

    eventually(lambda: under_way() == 3, what="three calls")
    made.running["tieout_bill_writer"].kill()
    writer.start()

    def ended() -> set[str]:
        return {one.command for one in writer.outcomes() if one.result is not Result.IN_DOUBT}

    eventually(lambda: set(ids) <= ended(), seconds=60, what="all outcomes")
    (lane,) = bill_side.ask("/_sandbox/usage")["lanes"]
    assert lane["peak"] == 3
    assert [one for one in bill_side.calls() if one["status"] in (422, 429)] == []
