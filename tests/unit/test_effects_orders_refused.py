"""Refused steps: what stands is taken back, the refusal is told in the ERP's words, and nothing is posted."""

import asyncio

import pytest

from support.fake_orders import DAY, MARK, Site, payment, told, transfer, until
from tieout.events.effects import RefusedLogged, StepLogged
from tieout.events.facts import Result


def test_a_refused_posting_is_taken_back() -> None:
    """Closed books: our lines go, nothing is posted, the refusal is told in the ERP's words; it may come again."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.closed_through = DAY.isoformat()
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        end = site.ends(message.id)[0]
        assert (end.result, end.code) == (Result.REJECTED, "closed_period")
        assert "still there" not in end.message
        assert site.erp.read().journals == {}
        assert site.erp.read().entries == []
        with site.erp.open() as books:
            books.closed_through = ""
        again = site.ask(payment(), attempt=2)
        await site.ended(again)
        assert site.ends(again.id)[0].result is Result.APPLIED
        await site.close()

    told(story)


@pytest.mark.parametrize("place", range(1, 40))
def test_killed_while_it_is_taken_back_the_refusal_is_not_forgotten(place: int) -> None:
    """Wherever it dies, the successor takes the rest away and tells the refusal, once."""

    async def story() -> None:
        site = Site(place)
        with site.erp.open() as books:
            books.closed_through = DAY.isoformat()
        message = site.ask(payment())
        first = site.process()
        await until(lambda: site.logged(message.id, RefusedLogged) or site.ends(message.id))
        first.fuse._burns_at = first.fuse.passed + place
        burnt = await first.burnt(seconds=200)
        await first.kill()
        site.process()
        await site.ended(message)
        assert [end.code for end in site.ends(message.id)] == ["closed_period"]
        assert site.erp.read().journals == {}
        assert site.erp.read().repeated == []
        assert burnt or place > 15
        await site.close()

    told(story)


@pytest.mark.parametrize("fault", ["reject@delete_line", "fatal@delete_line"])
def test_what_cannot_be_taken_back_is_left_and_told(fault: str) -> None:
    """The refusal is told all the same, with what is left; it moves no ledger."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.closed_through = DAY.isoformat()
            books.faults.append(fault)
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        end = site.ends(message.id)[0]
        assert (end.result, end.code) == (Result.REJECTED, "closed_period")
        assert "could not be taken back" in end.message
        assert site.erp.read().entries == []
        await site.close()

    told(story)


def test_posted_by_a_person_while_it_is_taken_back_it_is_posted() -> None:
    """The refusal is overtaken: the payment is told as it stands."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.closed_through = DAY.isoformat()
        message = site.ask(payment())
        first = site.process()
        await until(lambda: site.logged(message.id, RefusedLogged))
        await first.kill()
        with site.erp.open() as books:
            books.closed_through = ""
            books.post_by_hand(MARK)
        site.process()
        await site.ended(message)
        assert site.ends(message.id)[0].result is Result.APPLIED
        assert site.erp.read().measured[-1] == {"i-1": "100", "i-2": "100"}
        await site.close()

    told(story)


def test_a_refused_transfer_is_left_harmless() -> None:
    """No plan takes a transfer back: what was recorded stays for a person, the refusal is told."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.closed_through = DAY.isoformat()
        message = site.ask(transfer())
        site.process()
        await site.ended(message)
        assert (site.ends(message.id)[0].result, site.ends(message.id)[0].code) == (Result.REJECTED, "closed_period")
        assert site.erp.read().journals
        assert not site.logged(message.id, RefusedLogged)
        await site.close()

    told(story)


def test_a_first_step_that_is_refused_ends_at_once() -> None:
    """Nothing stands, so there is nothing to take back."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.append("reject@create_journal")
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        assert site.ends(message.id)[0].result is Result.REJECTED
        assert len(site.erp.read().calls) == 1
        await site.close()

    told(story)


def test_tidying_up_never_stands_in_the_way_of_the_proof() -> None:
    """Refused or forbidden, what posting leaves behind stays, and the payment is applied."""

    async def story() -> None:
        for fault in ("reject@delete_journal", "fatal@delete_journal"):
            site = Site()
            with site.erp.open() as books:
                books.faults += [fault, fault]
            message, moved = site.ask(payment()), site.ask(transfer())
            process = site.process()
            await site.ended(message, moved)
            assert site.results(message.id) == site.results(moved.id) == ["applied"]
            assert not process.companies.sickened
            await site.close()

    told(story)


def test_reads_that_fail_are_waited_for_and_a_refused_read_is_nobody_s_proof() -> None:
    """Retry: gone on with. Refused: rejected if nothing stands, else a person has to look."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.reads = "reject"
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        assert site.results(message.id) == ["rejected"]
        await site.close()
        with site.erp.open() as books:
            books.reads = ""
        again = site.ask(payment(), attempt=2)
        process = site.process()
        await until(lambda: len(site.logged(again.id, StepLogged)) == 2)
        with site.erp.open() as books:
            books.reads = "retry"
        await asyncio.sleep(300)
        assert site.results(again.id) == ["waiting"]
        with site.erp.open() as books:
            books.reads = "reject"
        await site.ended(again)
        assert site.results(again.id) == ["waiting", "escalated"]
        await process.kill()

    told(story)
