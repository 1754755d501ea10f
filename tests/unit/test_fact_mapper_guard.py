"""fact-mapper's guard: input that was skipped is noticed before anything is committed."""

import pytest

from tieout_fact_mapper.guard import Contiguity, Skipped, Spot

ERP = Spot("t.erp.changes", 0)
BILL = Spot("t.bill.events", 0)


def test_messages_in_a_row_pass() -> None:
    """Nothing happens while nothing is missing, each partition and topic for itself."""
    guard = Contiguity()
    for offset in (5, 6, 7):
        guard.expect(1, ERP, offset, committed=5)
    guard.expect(1, BILL, 0, committed=0)
    assert guard.due() == {ERP: 8, BILL: 1}


def test_a_hole_is_noticed() -> None:
    """One message left out ends the process, and says where."""
    guard = Contiguity()
    guard.expect(1, ERP, 0, committed=0)
    with pytest.raises(Skipped, match=r"t\.erp\.changes/0: offset 2 came where 1 was due"):
        guard.expect(1, ERP, 2, committed=0)


def test_a_step_back_within_an_assignment_is_noticed() -> None:
    """Order within a partition is a promise too."""
    guard = Contiguity()
    guard.expect(1, ERP, 0, committed=0)
    guard.expect(1, ERP, 1, committed=0)
    with pytest.raises(Skipped):
        guard.expect(1, ERP, 1, committed=0)


@pytest.mark.parametrize(("first", "committed"), [(200, 0), (800, 600), (1, 0)])
def test_a_start_behind_the_committed_offset_is_noticed(first: int, committed: int) -> None:
    """After a restart faust may begin in the middle; what it left out must not be committed over."""
    with pytest.raises(Skipped):
        Contiguity().expect(1, ERP, first, committed)


def test_a_start_before_the_committed_offset_is_a_repeat() -> None:
    """At least once: reading again harms nobody."""
    guard = Contiguity()
    guard.expect(1, ERP, 3, committed=7)
    assert guard.due() == {ERP: 4}


def test_a_new_assignment_begins_anew() -> None:
    """After a rebalance a partition is read from its committed offset, not from where it was."""
    guard = Contiguity()
    guard.expect(1, ERP, 0, committed=0)
    guard.expect(1, BILL, 0, committed=0)
    guard.expect(2, ERP, 5, committed=5)
    assert guard.due() == {ERP: 6}
