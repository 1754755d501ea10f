"""Parked, stale, paused, retired, expired: an order is given back only while nothing of it stands."""

import asyncio
from datetime import timedelta

from support.fake_effects import command as one_call
from support.fake_orders import MARK, Site, payment, recorded, told, until
from support.virtual_time import wall
from tieout.domain.erp_outcomes import Waiting
from tieout.domain.errors import Fatal, Retry
from tieout.effects.port import Admission, Verdict
from tieout.effects.trail import kind_of
from tieout.events.commands import Priority
from tieout.events.effects import DoubtLogged, IntentLogged, StepLogged
from tieout.events.facts import Result


def test_it_is_parked_only_while_nothing_of_it_stands() -> None:
    """Credentials that fail before the first step give it back; after it, it is gone on with once the side is well."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.append("fatal@create_journal")
        message = site.ask(payment())
        process = site.process()
        await site.ended(message)
        assert site.results(message.id) == ["parked"]
        assert process.companies.sickened == ["fatal (fatal)"]
        process.companies.sick.clear()
        with site.erp.open() as books:
            books.faults.append("fatal@post")
        again = site.ask(payment(), attempt=2)
        await until(lambda: site.results(again.id) == ["waiting"])
        fact = site.part.outcomes(again.id)[0].waiting
        assert fact is not None
        assert (fact.why, "fatal" in fact.detail) == (Waiting.STEPS, True)
        behind = site.ask(payment("i-3", mark=f"{MARK[:-1]}B"))
        await site.ended(again, behind)
        assert site.results(behind.id) == ["parked"]
        assert site.results(again.id) == ["waiting", "applied"]
        await site.close()

    told(story)


def test_credentials_that_are_missing_or_a_store_that_is_away_give_it_back() -> None:
    """Before anything was written."""

    async def story() -> None:
        site = Site()
        process = site.process()
        process.companies.broken.append(Fatal("there are no credentials", code="no_credentials"))
        message = site.ask(payment())
        await site.ended(message)
        assert (site.results(message.id), site.ends(message.id)[0].code) == (["parked"], "no_credentials")
        process.companies.sick.clear()
        process.companies.broken += [Retry("the store is away")] * 100
        again = site.ask(payment(), attempt=2)
        await site.ended(again)
        assert site.results(again.id) == ["parked"]
        await site.close()

    told(story)


def test_a_side_that_falls_ill_while_an_order_waits_for_its_turn_is_not_called() -> None:
    """It was admitted, then waited; by its turn the side is sick: given back without a look."""

    async def story() -> None:
        site = Site()
        process = site.process()
        proceed, park = Admission(Verdict.PROCEED), Admission(Verdict.PARK, "sick")
        process.companies.admissions += [proceed, proceed, park, park]
        message = site.ask(payment())
        await site.ended(message)
        assert site.results(message.id) == ["parked"]
        assert not site.erp.read().calls
        await site.close()

    told(story)


def test_a_throttled_erp_is_waited_for() -> None:
    """Known not executed: taken again after a pause, with an intent of its own, and told to nobody."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.extend(["retry@add_line", "retry@add_line", "retry@post"])
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        assert site.results(message.id) == ["applied"]
        assert len(site.logged(message.id, IntentLogged)) == 8
        await site.close()

    told(story)


def test_a_paused_connection_is_not_written_to_between_two_steps() -> None:
    """Nothing is called until it is active again; then it goes on. Before the first step it is given back."""

    async def story() -> None:
        site = Site()
        message, _process = await recorded(site, 2)
        calls = list(site.erp.read().calls)
        process = site.process()
        process.companies.paused.add("acme")
        await asyncio.sleep(600)
        assert site.erp.read().calls == calls
        other = site.ask(payment("i-3", mark=f"{MARK[:-1]}B"))
        await until(lambda: site.results(other.id) == ["parked"])
        process.companies.paused.clear()
        process.companies.sick.clear()
        await site.ended(message)
        assert site.results(message.id) == ["applied"]
        await site.close()

    told(story)


def test_a_doubt_is_looked_up_on_a_paused_connection_too() -> None:
    """What may have been done is found out; what would have to be written waits."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.append("never@post")
        message = site.ask(payment())
        process = site.process()
        await until(lambda: site.results(message.id) == ["in_doubt"])
        process.companies.paused.add("acme")
        await until(lambda: len(site.logged(message.id, DoubtLogged)) == 2, seconds=60)
        await asyncio.sleep(600)
        assert site.erp.read().calls.count(f"post {MARK}") == 1
        process.companies.paused.clear()
        await site.ended(message)
        assert site.results(message.id) == ["in_doubt", "applied"]
        await site.close()

    told(story)


def test_a_retired_connection_leaves_nothing_open() -> None:
    """Between two steps, and while it waits for a person, the order ends with a person who is told what stands."""

    async def story() -> None:
        site = Site()
        message, _process = await recorded(site, 2)
        process = site.process()
        process.companies.over.add("acme")
        await site.ended(message)
        end = site.ends(message.id)[0]
        assert (end.result, end.code) == (Result.ESCALATED, "retired")
        assert "line/1" in end.message
        process.companies.over.clear()
        with site.erp.open() as books:
            books.posts = False
        due = site.ask(payment("i-3", mark=f"{MARK[:-1]}B"))
        await until(lambda: site.results(due.id) == ["waiting"])
        process.companies.over.add("acme")
        await site.ended(due)
        end = site.ends(due.id)[0]
        assert (end.result, end.code, end.cure) == (Result.ESCALATED, "retired", "Journals: Do it by hand.")
        await site.close()

    told(story)


def test_a_doubt_that_can_never_be_settled_ends_with_its_connection() -> None:
    """The ERP does not answer any more and its connection is retired: a person is told, nothing stays open for ever."""

    async def story() -> None:
        for reads in ("retry", "fatal"):
            site = Site()
            with site.erp.open() as books:
                books.faults.append("lost@post")
            message = site.ask(payment())
            process = site.process()
            await asyncio.sleep(9)
            assert site.results(message.id) == ["in_doubt"]
            with site.erp.open() as books:
                books.reads = reads
            await asyncio.sleep(600)
            assert site.results(message.id) == ["in_doubt"]
            process.companies.over.add("acme")
            await site.ended(message)
            assert (site.ends(message.id)[0].result, site.ends(message.id)[0].code) == (Result.ESCALATED, "retired")
            await site.close()

    told(story)


def test_newer_settings_send_back_only_what_has_not_begun() -> None:
    """A command of an older generation is stale; an order with a step done goes on."""

    async def story() -> None:
        site = Site()
        message, _process = await recorded(site, 1)
        process = site.process()
        process.companies.stale = True
        other = site.ask(payment("i-3", mark=f"{MARK[:-1]}B"))
        await site.ended(message, other)
        assert site.results(message.id) == ["applied"]
        assert site.results(other.id) == ["stale"]
        await site.close()

    told(story)


def test_a_command_that_is_no_order_is_refused() -> None:
    """What another release may send here ends with an answer."""

    async def story() -> None:
        site = Site()
        message = one_call("v1", priority=Priority.MASTER)
        site.part.ask(message)
        site.process()
        await until(lambda: site.ends(message.id))
        assert (site.ends(message.id)[0].result, site.ends(message.id)[0].code) == (Result.REJECTED, "unknown")
        await site.close()

    told(story)


def test_an_old_command_is_decided_again() -> None:
    """A week without an intent: the world it was decided on is gone."""

    async def story() -> None:
        site = Site()
        message = site.ask(payment(), issued=wall() - timedelta(days=8))
        site.process()
        await site.ended(message)
        assert site.results(message.id) == ["expired"]
        assert not site.erp.read().calls
        await site.close()

    told(story)


def test_a_repeated_command_is_answered_as_before() -> None:
    """Nothing is done twice, and the same outcome is told under the same id."""

    async def story() -> None:
        site = Site()
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        calls = len(site.erp.read().calls)
        site.part.ask(message)
        await until(lambda: site.part.position == len(site.part.input) - 1)
        assert len({fact.id for fact in site.part.facts}) == 1
        assert len(site.part.facts) == 2
        assert len(site.erp.read().calls) == calls
        await site.close()

    told(story)


def test_a_rebalance_waits_for_the_call_under_way_and_for_nothing_else() -> None:
    """What waits is given up at once; the successor goes on with it."""

    async def story() -> None:
        site = Site()
        message = site.ask(payment())
        first = site.process()
        await until(lambda: len(site.erp.read().calls) == 2)
        assert len(site.logged(message.id, StepLogged)) == 1
        await first.leave()
        assert len(site.logged(message.id, StepLogged)) == 2
        site.process()
        await site.ended(message)
        assert site.results(message.id)[-1] == "applied"
        assert site.erp.read().repeated == []
        await site.close()

    told(story)


def test_crash_points_have_few_names() -> None:
    """A step's number does not make another name."""
    assert [kind_of(one) for one in ("line/3", "dimension/3/12", "back/line-gone/2", "post", "")] == [
        "line", "dimension", "back/line-gone", "post", "",
    ]  # fmt: skip
