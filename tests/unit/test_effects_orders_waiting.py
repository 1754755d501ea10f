"""Orders that wait for a person, an approval or the ERP: told once, looked at until the ledger shows their end."""

import asyncio

import pytest

from support.fake_orders import MARK, PAUSES, Site, payment, reversal, told, until
from tieout.domain.erp_outcomes import Undone, Waiting
from tieout.effects import stepped
from tieout.events.effects import WaitingLogged
from tieout.events.facts import Result


def test_what_waits_for_a_person_frees_everything_and_ends_by_itself() -> None:
    """Told once with page and action; the position moves on, others are carried out, and the posting is noticed."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.posts = False
        message = site.ask(payment())
        process = site.process()
        await until(lambda: site.results(message.id) == ["waiting"])
        fact = site.part.outcomes(message.id)[0]
        assert fact.waiting is not None
        assert (fact.waiting.why, fact.waiting.work is not None) == (Waiting.PERSON, True)
        await until(lambda: site.part.position == len(site.part.input) - 1)
        assert process.runner.busy == 0
        await asyncio.sleep(1200)
        assert site.results(message.id) == ["waiting"]
        assert 8 < len(site.erp.read().measured) < 20
        with site.erp.open() as books:
            books.post_by_hand(MARK)
        await site.ended(message, seconds=PAUSES.cap + 10)
        assert site.results(message.id) == ["waiting", "applied"]
        await site.close()

    told(story)


def test_what_waits_is_remembered_and_told_again_only_when_it_changes() -> None:
    """A successor goes on looking, in silence; another reason is told, under an id of its own; then the end comes."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.posts = False
        message = site.ask(payment())
        first = site.process()
        await until(lambda: site.results(message.id) == ["waiting"])
        await first.kill()
        second = site.process()
        await asyncio.sleep(3 * PAUSES.cap)
        assert site.results(message.id) == ["waiting"]
        with site.erp.open() as books:
            books.detail = "approval asked"
        await until(lambda: len(site.results(message.id)) == 2)
        await second.kill()
        with site.erp.open() as books:
            books.post_by_hand(MARK)
        site.process()
        await site.ended(message)
        assert site.results(message.id) == ["waiting", "waiting", "applied"]
        assert len({fact.id for fact in site.part.facts}) == 3
        assert site.erp.read().measured[-1] == {"i-1": "100", "i-2": "100"}
        await site.close()

    told(story)


def test_what_waits_for_weeks_does_not_make_a_restart_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written anew now and then, with all that is known of it, so that the log is read from there."""

    async def story() -> None:
        site = Site()
        monkeypatch.setattr(site.part, "check", lambda: None)  # it knows nothing of what is written anew
        monkeypatch.setattr(stepped, "RENEWED_AFTER", 300.0)
        with site.erp.open() as books:
            books.posts = False
        message = site.ask(payment())
        first = site.process()
        await asyncio.sleep(1500)
        assert len(site.logged(message.id, WaitingLogged)) > 3
        assert site.part.checkpoint > 4
        await first.kill()
        with site.erp.open() as books:
            del books.journals[MARK]
        site.process()
        await site.ended(message)
        assert site.results(message.id) == ["waiting", "escalated"]
        assert "line/1" in site.ends(message.id)[0].message
        await site.close()

    told(story)


def test_what_an_earlier_attempt_recorded_is_missed_when_it_goes() -> None:
    """Found recorded, it waits; somebody takes it away: it is not written again behind their back."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.posts = False
        first = site.ask(payment())
        process = site.process()
        await until(lambda: site.results(first.id) == ["waiting"])
        await process.kill()
        site.part.input.clear()
        site.part.effects.clear()
        site.part.facts.clear()
        site.part.position = site.part.checkpoint = 0
        calls = list(site.erp.read().calls)
        again = site.ask(payment(), attempt=2)
        site.process()
        await until(lambda: site.results(again.id) == ["waiting"])
        with site.erp.open() as books:
            del books.journals[MARK]
        await site.ended(again)
        assert (site.ends(again.id)[0].result, site.ends(again.id)[0].code) == (Result.ESCALATED, "taken_away")
        assert site.erp.read().calls == calls
        await site.close()

    told(story)


def test_the_erp_s_own_job_queue_is_waited_for() -> None:
    """Accepted and carried out later: waiting for the ERP, then proved; posted once."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.deferred = True
        message = site.ask(payment())
        site.process()
        await until(lambda: site.results(message.id) == ["waiting"])
        fact = site.part.outcomes(message.id)[0].waiting
        assert fact is not None
        assert fact.why is Waiting.ERP
        with site.erp.open() as books:
            books.run_jobs()
        await site.ended(message)
        assert site.results(message.id) == ["waiting", "applied"]
        assert site.erp.read().repeated == []
        await site.close()

    told(story)


def test_a_reversal_that_a_person_owes_closes_itself() -> None:
    """No step is taken; undone in part it still waits; undone whole it is applied with its proof."""

    async def story() -> None:
        site = Site()
        paid = site.ask(payment())
        first = site.process()
        await site.ended(paid)
        calls = len(site.erp.read().calls)
        void = site.ask(reversal(payment(), "e1", "e2"))
        await until(lambda: site.results(void.id) == ["waiting"])
        await first.kill()
        site.process()
        with site.erp.open() as books:
            books.reverse([books.entries[0]["mark"]])
        await until(lambda: len(site.results(void.id)) == 2)
        with site.erp.open() as books:
            books.reverse([entry["mark"] for entry in books.entries])
        await site.ended(void)
        assert site.results(void.id) == ["waiting", "waiting", "applied"]
        proof = site.ends(void.id)[0].reversal
        assert proof is not None
        assert proof.state is Undone.REVERSED
        assert len(site.erp.read().calls) == calls
        await site.close()

    told(story)


def test_what_is_posted_and_cannot_be_proved_ends_with_a_person() -> None:
    """It stands in the ledger, so it is neither refused nor asked for again."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.unprovable = True
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        assert (site.ends(message.id)[0].result, site.ends(message.id)[0].code) == (Result.ESCALATED, "not_provable")
        await site.close()

    told(story)
