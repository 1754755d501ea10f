"""erp-poller's requests: a crash repeats those that were not served."""

from tieout_erp_poller.prefix import Prefix


def test_nothing_is_committed_before_the_first_is_served() -> None:
    """An offset nobody served is not moved past."""
    prefix = Prefix()
    prefix.received(4)
    assert prefix.position() is None
    assert prefix.waiting == 1


def test_the_position_waits_for_the_oldest() -> None:
    """A poll that takes long keeps its place while later checks are answered."""
    prefix = Prefix()
    for offset in (4, 5, 7):
        prefix.received(offset)
    prefix.served(5)
    assert prefix.position() is None
    prefix.served(4)
    assert prefix.position() == 6
    prefix.served(7)
    assert (prefix.position(), prefix.waiting) == (8, 0)
