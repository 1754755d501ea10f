"""When a partition is stopped, and what is told of it."""

from prometheus_client import REGISTRY

from tieout.log.halts import Halts


def gauge(partition: int) -> float | None:
    """What Prometheus would see."""
    labels = {"service": "decider", "topic": "t.sync.facts", "partition": str(partition)}
    return REGISTRY.get_sample_value("tieout_stopped_partition_offset", labels)


def test_three_failures_at_one_offset_stop_a_partition_and_no_other() -> None:
    """Failures at different places are different troubles; each is tried three times."""
    halts = Halts("decider", "t.sync.facts")
    for offset in (7, 7, 8, 8):
        assert not halts.failed(3, offset, ValueError("odd"))
    assert (halts.problem(), gauge(3)) == (None, None)
    assert halts.failed(3, 8, ValueError("odd"))
    assert (halts.stopped(3), halts.stopped(4)) == (True, False)
    assert halts.problem() == "t.sync.facts/3 is stopped at 8: ValueError: odd"
    assert gauge(3) == 8
    halts.passed(3)
    assert (halts.problem(), gauge(3)) == (None, None)


def test_what_goes_on_between_begins_the_count_anew() -> None:
    """Two failures a week apart are not two in a row."""
    halts = Halts("decider", "t.sync.facts")
    halts.failed(1, 7, ValueError("odd"))
    halts.failed(1, 7, ValueError("odd"))
    halts.passed(1)
    assert not halts.failed(1, 7, ValueError("odd"))


def test_a_stopped_partition_stays_stopped_whatever_else_fails_in_it() -> None:
    """A second trouble neither hides the first nor opens the partition again."""
    halts = Halts("decider", "t.sync.facts")
    halts.stop(2, 9, ValueError("a version of tomorrow"))
    assert halts.failed(2, 5, KeyError("something else"))
    assert halts.problem() == "t.sync.facts/2 is stopped at 9: ValueError: a version of tomorrow"
    assert gauge(2) == 9
    halts.passed(2)
    assert gauge(2) is None
