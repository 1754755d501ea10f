"""Orders of several steps: whatever dies, is lost or is late, each step takes effect once and the end is told once."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from support.fake_orders import MARK, OrderProcess, Site, payment
from support.virtual_time import run
from tieout.domain.erp_outcomes import payment_differences
from tieout.events.commands import CommandFrame
from tieout.events.effects import EndLogged, IntentLogged, StepLogged
from tieout.events.envelope import Message
from tieout.events.facts import Result

# Everything a payment of two invoices does, before and after: see the test that counts it.
EVENTS = 60


async def _story(site: Site, kills: list[int], faults: list[str]) -> tuple[Message[CommandFrame], OrderProcess]:
    """One payment, with processes that die at these places, then one that does not."""
    with site.erp.open() as books:
        books.faults.extend(faults)
    message = site.ask(payment())
    for place in kills:
        process = site.process(burns_at=place)
        ended = asyncio.create_task(site.ended(message))
        burnt = asyncio.create_task(process.burnt())
        await asyncio.wait([ended, burnt], return_when=asyncio.FIRST_COMPLETED)
        await process.kill()
        for task in (ended, burnt):
            task.cancel()
    last = site.process()
    await site.ended(message)
    return message, last


def _check(site: Site, message: Message[CommandFrame]) -> None:
    """The invariants."""
    books = site.erp.read()
    assert books.repeated == []
    assert len(site.logged(message.id, EndLogged)) == 1
    ends = site.ends(message.id)
    assert [end.result for end in ends] == [Result.APPLIED]
    proof = ends[0].payment
    assert proof is not None
    assert payment_differences(payment(), proof) == ()
    assert (ends[0].target, ends[0].content) == (MARK, "c0ffee")
    assert [invoice["open"] for invoice in books.invoices.values()] == ["0", "0", "100", "100"]
    assert books.balance("2950") == -200
    assert len({fact.id for fact in site.part.facts}) == len(site.part.facts)
    measured = [intent.before for intent in site.logged(message.id, IntentLogged)]
    assert {tuple((one.document, str(one.open)) for one in each) for each in measured} <= {
        (("i-1", "100"), ("i-2", "100"))
    }


def test_a_payment_goes_step_by_step_to_its_proof() -> None:
    """Each step is intended, taken and noted once; the proof is measured from what was open before the first one."""

    async def story() -> None:
        site = Site()
        message, process = await _story(site, [], [])
        _check(site, message)
        steps = ["journal", "line/1", "line/2", "post", "journal-gone"]
        assert [intent.step for intent in site.logged(message.id, IntentLogged)] == steps
        assert [logged.result.step for logged in site.logged(message.id, StepLogged)] == steps
        assert site.results(message.id) == ["applied"]
        assert site.erp.read().measured[-1] == {"i-1": "100", "i-2": "100"}
        assert process.fuse.passed < EVENTS
        await site.close()

    run(story())


@settings(max_examples=150, deadline=None)
@given(kills=st.lists(st.integers(1, EVENTS), max_size=3), seed=st.integers(0, 1000))
def test_killed_anywhere_it_is_recorded_once_and_told_once(kills: list[int], seed: int) -> None:
    """Between any two durable writes or calls, up to three times in a row."""

    async def story() -> None:
        site = Site(seed)
        message, _process = await _story(site, kills, [])
        _check(site, message)
        await site.close()

    run(story())


FAULTS = st.sampled_from(["lost", "never", "late", "retry"])


@settings(max_examples=150, deadline=None)
@given(
    kills=st.lists(st.integers(1, EVENTS), max_size=2), faults=st.lists(FAULTS, max_size=4), seed=st.integers(0, 1000)
)
def test_lost_late_and_killed_it_is_recorded_once_and_told_once(kills: list[int], faults: list[str], seed: int) -> None:
    """Answers that are lost, calls that take effect late or never, and processes that die meanwhile."""

    async def story() -> None:
        site = Site(seed)
        message, _process = await _story(site, kills, faults)
        _check(site, message)
        await site.close()

    run(story())
