"""What a look finds decides: our mark, a likeness, somebody's change, something gone, a list that lags."""

import asyncio
from decimal import Decimal

import pytest

from support.fake_orders import FAST, MARK, Site, payment, recorded, told, transfer, until
from tieout.domain.errors import Retry
from tieout.events.effects import DoubtLogged, EndLogged
from tieout.events.facts import Result


def test_a_lost_call_is_taken_again_after_two_empty_looks_apart() -> None:
    """The doubt is told at once; the call is made again only after its settle time and a second look."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.append("never@add_line")
        message = site.ask(payment())
        site.process()
        await until(lambda: site.results(message.id) == ["in_doubt"])
        lost = asyncio.get_running_loop().time()
        await until(lambda: len([one for one in site.erp.read().calls if one.startswith("add_line")]) > 1)
        assert asyncio.get_running_loop().time() - lost > FAST.settle + FAST.lookup_gap
        assert [one.lookups for one in site.logged(message.id, DoubtLogged)] == [0, 1]
        await site.ended(message)
        assert site.results(message.id) == ["in_doubt", "applied"]
        await site.close()

    told(story)


def test_a_takeover_after_the_first_look_waits_before_the_second() -> None:
    """Its look may come right after the predecessor's: the gap between the two is kept."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.append("never@add_line")
        message = site.ask(payment())
        first = site.process()
        await until(lambda: len(site.logged(message.id, DoubtLogged)) == 2)
        await first.kill()
        began = asyncio.get_running_loop().time()
        site.process()
        await until(lambda: len([one for one in site.erp.read().calls if one.startswith("add_line")]) > 1)
        assert asyncio.get_running_loop().time() - began > FAST.lookup_gap
        await site.ended(message)
        await site.close()

    told(story)


def test_answers_that_are_always_lost_end_with_a_person() -> None:
    """Five calls of a step without an answer and without effect: somebody has to look at what cuts them off."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.extend(["never@create_journal"] * 20)
        message = site.ask(payment())
        site.process()
        await site.ended(message)
        assert (site.ends(message.id)[0].result, site.ends(message.id)[0].code) == (Result.ESCALATED, "no_answer")
        assert len(site.erp.read().calls) == 5
        await site.close()

    told(story)


def test_what_stands_under_our_mark_is_proved_whatever_its_amount() -> None:
    """A state that was lost asks for another amount: nothing is written, and the outcome tells what stands."""

    async def story() -> None:
        site = Site()
        first = site.ask(transfer("200"))
        site.process()
        await site.ended(first)
        calls = list(site.erp.read().calls)
        again = site.ask(transfer("350"), attempt=2)
        await site.ended(again)
        end = site.ends(again.id)[0]
        assert end.result is Result.APPLIED
        assert end.transfer is not None
        assert end.transfer.amount.amount == Decimal(200)
        assert site.erp.read().calls == calls
        assert site.erp.read().measured[-1] == {}
        await site.close()

    told(story)


def test_what_only_looks_like_it_is_offered() -> None:
    """Paid by hand: found with its candidates and nothing written; what belongs to others or was excluded is none."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.by_hand("i-1", "100", "2026-04-20", "2950")
            books.invoices["i-1"]["open"] = "100"
        message = site.ask(payment("i-1"))
        site.process()
        await site.ended(message)
        end = site.ends(message.id)[0]
        assert (end.result, [one.id for one in end.candidates]) == (Result.FOUND, ["e1"])
        assert not site.erp.read().calls
        for attempt, changes in enumerate(({"taken": ("e1",)}, {"exclude": ("e1",)}), 2):
            other = site.ask(payment("i-1", mark=f"{MARK[:-1]}{attempt}"), attempt=attempt, **changes)
            await site.ended(other)
            with site.erp.open() as books:
                books.invoices["i-1"]["open"] = "100"
            assert site.ends(other.id)[0].result is Result.APPLIED
        await site.close()

    told(story)


def test_a_likeness_counts_only_once_our_own_call_is_known_not_to_have_arrived() -> None:
    """Our first call was lost and somebody pays by hand meanwhile: ours is missed twice before theirs is offered."""

    async def story() -> None:
        site = Site()
        with site.erp.open() as books:
            books.faults.append("never@create_journal")
        message = site.ask(payment("i-1"))
        site.process()
        await until(lambda: site.results(message.id) == ["in_doubt"])
        with site.erp.open() as books:
            books.by_hand("i-1", "100", "2026-04-20", "2950")
        await site.ended(message)
        assert [one.lookups for one in site.logged(message.id, DoubtLogged)] == [0, 1]
        assert site.results(message.id) == ["in_doubt", "found"]
        await site.close()

    told(story)


def test_a_payment_that_stands_is_proved_without_what_was_open_before() -> None:
    """A state that was lost knows nothing of before: what is open now is never taken for it."""

    async def story() -> None:
        site = Site()
        first = site.ask(payment())
        site.process()
        await site.ended(first)
        again = site.ask(payment(), attempt=2)
        await site.ended(again)
        assert site.results(again.id) == ["applied"]
        assert site.erp.read().measured == [{"i-1": "100", "i-2": "100"}, {}]
        await site.close()

    told(story)


def test_a_changed_line_ends_with_a_person() -> None:
    """Somebody changed an amount between two steps: nothing follows."""

    async def story() -> None:
        site = Site()
        message, _process = await recorded(site, 3)
        with site.erp.open() as books:
            next(iter(books.journals[MARK].values()))["amount"] = "90"
        site.process()
        await site.ended(message)
        end = site.ends(message.id)[0]
        assert (end.result, end.code, [one.id for one in end.candidates]) == (Result.ESCALATED, "altered", [MARK])
        assert end.message
        assert site.erp.read().entries == []
        await site.close()

    told(story)


@pytest.mark.parametrize("everything", [False, True])
def test_a_deleted_line_is_not_written_again(everything: bool) -> None:  # noqa: FBT001 - a case
    """Somebody took away what was recorded: it is missed, also by a successor, and a person decides."""

    async def story() -> None:
        site = Site()
        message, _process = await recorded(site, 3)
        with site.erp.open() as books:
            books.journals[MARK].popitem()
            if everything:
                del books.journals[MARK]
        calls = list(site.erp.read().calls)
        site.process()
        await site.ended(message)
        end = site.ends(message.id)[0]
        assert (end.result, end.code) == (Result.ESCALATED, "taken_away")
        assert "line/2" in end.message
        assert site.erp.read().calls == calls
        await site.close()

    told(story)


def test_a_list_that_lags_is_no_deletion() -> None:
    """The line is not shown for a moment after it was written: it is looked at again, and the order goes on."""

    async def story() -> None:
        site = Site()
        message, _process = await recorded(site, 3)
        with site.erp.open() as books:
            books.hidden.append("line/2")
        site.process()
        await asyncio.sleep(3)
        with site.erp.open() as books:
            books.hidden.clear()
        await site.ended(message)
        assert site.results(message.id) == ["applied"]
        assert site.erp.read().repeated == []
        await site.close()

    told(story)


def test_a_person_who_posts_between_two_steps_is_the_end() -> None:
    """It is proved as posted, measured from before the first step, and not posted again."""

    async def story() -> None:
        site = Site()
        message, _process = await recorded(site, 3)
        with site.erp.open() as books:
            books.post_by_hand(MARK)
        site.process()
        await site.ended(message)
        assert site.results(message.id) == ["applied"]
        assert f"post {MARK}" not in site.erp.read().calls
        assert site.erp.read().measured[-1] == {"i-1": "100", "i-2": "100"}
        await site.close()

    told(story)


def test_a_reversed_payment_is_never_written_again() -> None:
    """Its mark stands in the ledger, undone: a person decides."""

    async def story() -> None:
        site = Site()
        first = site.ask(payment())
        site.process()
        await site.ended(first)
        with site.erp.open() as books:
            books.reverse([entry["mark"] for entry in books.entries])
        again = site.ask(payment(), attempt=2)
        await site.ended(again)
        assert (site.ends(again.id)[0].result, site.ends(again.id)[0].code) == (Result.ESCALATED, "undone")
        await site.close()

    told(story)


def test_a_refusal_as_there_already_is_looked_for() -> None:
    """The journal is made by somebody between look and call: it is found and continued, not escalated."""

    async def story() -> None:
        site = Site()
        site.process()
        with site.erp.open() as books:
            books.hidden.append("journal")
            books.create_journal(MARK)
        message = site.ask(payment())
        await until(lambda: site.erp.read().calls)
        with site.erp.open() as books:
            books.hidden.clear()
        await site.ended(message)
        assert site.results(message.id) == ["applied"]
        with site.erp.open() as books:
            books.create_journal(f"{MARK[:-1]}B")
            books.hidden.append("journal")
        never = site.ask(payment("i-3", mark=f"{MARK[:-1]}B"))
        await site.ended(never)
        assert (site.ends(never.id)[0].result, site.ends(never.id)[0].code) == (Result.ESCALATED, "exists")
        await site.close()

    told(story)


def test_orders_of_one_lane_go_one_after_another_and_what_was_open_goes_first() -> None:
    """The second attempt of the same journal does nothing until the first order's doubt is settled."""

    async def story() -> None:
        site = Site()
        first, _process = await recorded(site, 2, "lost@add_line")
        other = site.ask(payment(), link="payment/other")
        # Whoever opens the writer first fails: the order that was left open must come first all the same.
        site.process().companies.broken.append(Retry("the store is away"))
        await site.ended(first, other)
        assert site.results(first.id) == ["in_doubt", "applied"]
        assert site.results(other.id) == ["applied"]
        assert site.erp.read().repeated == []
        order = [one.command_id for one in (m.data for m in site.part.effects) if isinstance(one, EndLogged)]
        assert order == [first.id, other.id]
        await site.close()

    told(story)
