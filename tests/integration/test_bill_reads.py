"""Questions to BILL on ``bill.reads``, answered by bill-writer on ``snapshots``."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from support.commanding import BUDGET, Writer, bill, bill_content
from support.installation import Installation, eventually, store_bill_credentials
from support.simulators import Running, running
from support.writing import settings
from tieout.domain.settings import Side
from tieout.events import catalogue
from tieout.events.envelope import Message
from tieout.events.facts import Result, SideFact
from tieout.events.requests import CheckAnswered, CheckAsked, CheckLine, CheckStatus
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Topic
from tieout_sandbox.bill.default_world import DEV_KEY, PASSWORD, USERNAME
from tieout_sandbox.systems import simulator


@pytest.fixture
def bill_side() -> Iterator[Running]:
    """BILL, simulated."""
    with running(simulator("bill")) as one:
        yield one


def check(writer: Writer, *, seconds: float = 8, generation: int = 1, secret: int = 1) -> str:
    """Ask whether the connection would work; the request's id."""
    made, now = writer.made, datetime.now(UTC)
    data = CheckAsked(
        connection="acme",
        side=Side.BILL,
        generation=generation,
        secret_version=secret,
        deadline=now + timedelta(seconds=seconds),
    )
    identity = f"r{now.timestamp()}"
    message: Message[CheckAsked] = Message(identity, "/test", catalogue.name_of(data), "acme", now, BUDGET, data)
    PlainProducer(made.access).send_now([outgoing(made.names, Topic.BILL_READS, message)])
    return identity


def answer(writer: Writer, request: str) -> dict[str, CheckLine]:
    """The lines of the answer, by name."""

    def found() -> list[CheckAnswered]:
        answers = [message.data for message in writer.made.read(Topic.SNAPSHOTS)]
        return [one for one in answers if isinstance(one, CheckAnswered) and one.request == request]

    return {line.name: line for line in eventually(found, what="the answer")[0].lines}


def test_a_draft_is_checked_with_real_calls(made: Installation, bill_side: Running) -> None:
    """Before anything is synchronized the owner sees what works; a list the user may not read has code and cure."""
    writer = Writer(made, bill_side)
    bill_side.ask("/_sandbox/switches", {"classifications_off": ["departments"]})
    store_bill_credentials(made, "acme", USERNAME, PASSWORD, DEV_KEY)
    made.apply(settings(bill_side, state="draft"))
    writer.start()
    lines = answer(writer, check(writer))
    assert lines["sign-in"].status is CheckStatus.OK
    assert {lines[name].status for name in ("vendors", "bills", "payments", "accounts")} == {CheckStatus.OK}
    off = lines["departments"]
    assert (off.status, off.code, off.http_status) == (CheckStatus.WARNING, "BDC_1145", 403)
    assert off.cure
    (asked,) = [one for one in made.read(Topic.SNAPSHOTS) if isinstance(one.data, CheckAnswered)]
    assert asked.partitionkey == "acme"


def test_settings_and_credentials_are_waited_for_but_not_beyond_the_deadline(
    made: Installation, bill_side: Running
) -> None:
    """What the asker knows has to arrive here first; a question nobody waits for any more is dropped unread."""
    writer = Writer(made, bill_side)
    writer.begin()
    late = check(writer, seconds=-1)
    early = check(writer, generation=2, secret=2)
    store_bill_credentials(made, "acme", USERNAME, PASSWORD, DEV_KEY)
    made.apply(settings(bill_side), generation=2, secret_version=2)
    assert answer(writer, early)["sign-in"].status is CheckStatus.OK
    never = answer(writer, check(writer, seconds=1, generation=3))
    assert (never["bill"].code, never["bill"].status) == ("not_there", CheckStatus.FAILED)
    answered = [one.data for one in made.read(Topic.SNAPSHOTS) if isinstance(one.data, CheckAnswered)]
    assert late not in {one.request for one in answered}


def test_a_sick_connection_is_asked_for_real_and_heals(made: Installation, bill_side: Running) -> None:
    """A wrong password parks commands; mended in BILL, a check sees it, and the parked side is reported healed."""
    writer = Writer(made, bill_side)
    store_bill_credentials(made, "acme", USERNAME, "wrong", DEV_KEY)
    made.apply(settings(bill_side))
    writer.start()
    parked = writer.answer(bill(bill_content("SICK-1")))
    # A scheduled poll may have been refused before the command came: then it is told the poll's reason.
    assert parked.result is Result.PARKED
    assert "BDC_1101" in parked.message
    assert writer.answer(bill(bill_content("SICK-2"))).result is Result.PARKED
    logins = len(bill_side.calls("POST", "/v3/login"))
    refused = answer(writer, check(writer))["sign-in"]
    assert (refused.status, refused.code, refused.http_status) == (CheckStatus.FAILED, "BDC_1101", 401)
    assert refused.cure
    assert len(bill_side.calls("POST", "/v3/login")) > logins
    store_bill_credentials(made, "acme", USERNAME, PASSWORD, DEV_KEY)
    made.apply(settings(bill_side), secret_version=2)
    assert answer(writer, check(writer, secret=2))["sign-in"].status is CheckStatus.OK
    eventually(lambda: [one for one in made.read(Topic.FACTS) if isinstance(one.data, SideFact)], what="healed")
    assert writer.answer(bill(bill_content("SICK-1"), attempt=2)).result is Result.APPLIED


def test_what_is_owed_survives_the_process(made: Installation, bill_side: Running) -> None:
    """The process that parked is gone; its successor tries again by itself and reports the side healed."""
    writer = Writer(made, bill_side)
    store_bill_credentials(made, "acme", USERNAME, "wrong", DEV_KEY)
    made.apply(settings(bill_side))
    first = writer.start()
    assert writer.answer(bill(bill_content("SICK-1"))).result is Result.PARKED
    first.kill()
    store_bill_credentials(made, "acme", USERNAME, PASSWORD, DEV_KEY)
    writer.start(name="second", bill_first_heal="0.5")
    eventually(lambda: [one for one in made.read(Topic.FACTS) if isinstance(one.data, SideFact)], what="healed")
