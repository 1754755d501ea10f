"""Funds transfers: one entry per mark, so that a day's later transfer is booked and a repeated one is not."""

from decimal import Decimal

import pytest

from tieout.domain.capabilities import Ability
from tieout.domain.erp_outcomes import FoundBy, PostedTransfer, Standing, next_step, transfer_differences
from tieout_conformance.company import Company
from tieout_conformance.walking import Walk, booked, needs, transfer

HUNDRED = Decimal(100)


class TransferBehaviours:
    """Inherit and give ``company``: a company of its own for each test."""

    @pytest.fixture
    async def company(self) -> Company:
        """The simulated company."""
        raise NotImplementedError("give the company as a fixture of this name")

    async def test_a_transfer_moves_clearing_against_the_bank(self, company: Company) -> None:
        """Clearing is debited, the bank credited, and the proof shows exactly the order."""
        await needs(company, Ability.FUNDS_TRANSFER)
        clearing, bank = await company.balance(company.clearing), await company.balance(company.bank)
        order = transfer(company, HUNDRED, "first")
        proof = await booked(company, Walk(await company.writer(), order))
        assert transfer_differences(order, proof) == ()
        assert await company.balance(company.clearing) == clearing + HUNDRED
        assert await company.balance(company.bank) == bank - HUNDRED

    async def test_the_next_ordinal_of_the_same_day_is_a_transfer_of_its_own(self, company: Company) -> None:
        """Same bank, day and amount under the next mark: booked as well, and each is found by its own mark."""
        await needs(company, Ability.FUNDS_TRANSFER)
        clearing = await company.balance(company.clearing)
        orders = [transfer(company, HUNDRED, name) for name in ("ordinal-0", "ordinal-1")]
        taken: set[str] = set()
        for order in orders:
            proof = await booked(company, Walk(await company.writer(), order, frozenset(taken)))
            taken |= {entry.id for entry in proof.entries} | {proof.document_number, proof.mark}
        assert await company.balance(company.clearing) == clearing + 2 * HUNDRED
        for order in orders:
            found = await (await company.writer()).find(order)
            assert (found.standing, found.by) == (Standing.POSTED, FoundBy.MARK)

    async def test_a_mark_that_stands_already_is_not_booked_again_whatever_its_amount(self, company: Company) -> None:
        """A lost state asks for another amount under a used mark: nothing is written, the proof shows what stands."""
        await needs(company, Ability.FUNDS_TRANSFER)
        await booked(company, Walk(await company.writer(), transfer(company, HUNDRED, "used")))
        clearing = await company.balance(company.clearing)
        walk = Walk(await company.writer(), transfer(company, Decimal(250), "used"))
        found = await walk.look()
        assert (found.standing, found.by) == (Standing.POSTED, FoundBy.MARK)
        step = next_step(walk.writer.plan(walk.order), found)
        assert step is None or step.effect.value == "tidy"
        proof = await walk.moved()
        assert isinstance(proof, PostedTransfer)
        assert proof.amount.amount == HUNDRED
        assert await company.balance(company.clearing) == clearing

    async def test_a_lost_answer_at_any_step_books_once(self, company: Company) -> None:
        """The call took effect and its answer was lost: found by its mark, and nothing is called again."""
        await needs(company, Ability.FUNDS_TRANSFER)
        for place in range(len((await company.writer()).plan(transfer(company, HUNDRED, "count")))):
            walk = Walk(await company.writer(), transfer(company, HUNDRED, f"lost-{place}"))
            clearing = await company.balance(company.clearing)
            await walk.go(steps=place)
            if next_step(walk.writer.plan(walk.order), await walk.look()) is None:
                break
            await company.lose_answer()
            await booked(company, walk)
            assert walk.doubts == 1
            assert max(walk.performed.values()) == 1
            assert await company.balance(company.clearing) == clearing + HUNDRED
