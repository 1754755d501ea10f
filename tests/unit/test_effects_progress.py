"""Progress: the offset that is committed, and the checkpoint, which is never too late."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.effects.progress import Progress


@dataclass
class Model:
    """A partition as it truly is: what came, what is logged, what is committed."""

    log: list[tuple[str, bool]] = field(default_factory=list)
    covered: set[int] = field(default_factory=set)
    received: int = 0
    position: int = 0
    checkpoint: int = 0

    def needed(self) -> int:
        """The first place of the log that a restart has to see."""
        last: dict[str, bool] = {}
        first: dict[str, int] = {}
        for place, (name, is_open) in enumerate(self.log):
            if not last.get(name) and name in last:
                first[name] = place
            first.setdefault(name, place)
            last[name] = is_open
        above = {f"c{offset}" for offset in range(self.position, self.received)}
        return min([place for name, place in first.items() if last[name] or name in above] or [len(self.log)])


COMMANDS = 8
steps = st.lists(
    st.one_of(
        st.just(("receive", 0)),
        st.tuples(st.sampled_from(("intend", "end", "answer")), st.integers(0, COMMANDS - 1)),
        st.just(("commit", 0)),
        st.just(("crash", 0)),
    ),
    max_size=60,
)


def restarted(model: Model) -> Progress:
    """A new owner: it reads the log from the checkpoint and will be given the input from the position on."""
    progress = Progress(model.position, len(model.log))
    last: dict[str, bool] = {}
    first: dict[str, int] = {}
    for place, (name, is_open) in list(enumerate(model.log))[model.checkpoint :]:
        first.setdefault(name, place)
        last[name] = is_open
    for name, place in first.items():
        progress.restored(name, place, is_open=last[name])
    return progress


@settings(max_examples=400, deadline=None)
@given(steps)
def test_the_checkpoint_is_never_too_late(story: list[tuple[str, int]]) -> None:
    """After every commit a restart would see all of every open command and of every command that comes again."""
    model, progress, given_out = Model(), Progress(0, 0), 0
    ended: set[int] = set()
    for step, offset in story:
        if step == "receive" and given_out < COMMANDS:
            progress.received(given_out, f"c{given_out}")
            given_out += 1
            if given_out == model.received:
                progress.caught_up()
            model.received = max(model.received, given_out)
        elif step in ("intend", "end", "answer") and offset < given_out and offset not in ended:
            covers = (offset,) if offset not in model.covered else ()
            # As the log does it: positions as of before, then the messages, then what they cover.
            position, checkpoint = progress.position_with(covers), progress.checkpoint()
            model.log.append((f"c{offset}", step == "intend"))
            progress.logged(f"c{offset}", len(model.log) - 1, is_open=step == "intend")
            progress.cover(covers)
            model.covered.update(covers)
            model.position, model.checkpoint = position, checkpoint
            if step != "intend":
                ended.add(offset)
            assert model.checkpoint <= model.needed()
        elif step == "commit":
            model.position, model.checkpoint = progress.position_with(()), progress.checkpoint()
            assert model.checkpoint <= model.needed()
        elif step == "crash":
            progress, given_out = restarted(model), model.position
            model.covered = {offset for offset in model.covered if offset < model.position}
            if given_out == model.received:
                progress.caught_up()
            assert progress.checkpoint() <= model.needed()
    assert progress.waiting <= given_out


def test_the_position_is_the_prefix_of_what_is_covered() -> None:
    """Done out of order, with holes where the log has markers."""
    progress = Progress(4, 0)
    for offset in (4, 6, 7, 9):
        progress.received(offset, f"c{offset}")
    progress.cover((6, 9))
    assert progress.position_with(()) == 4
    assert progress.position_with((4,)) == 7
    progress.cover((4,))
    assert progress.position_with(()) == 7
    assert progress.position_with((7,)) == 10
    progress.cover((7,))
    assert progress.position_with(()) == 10
    assert progress.waiting == 0


def test_what_has_ended_below_the_position_is_forgotten() -> None:
    """A writer that has done a million commands holds nothing of them."""
    progress = Progress(0, 0)
    for offset in range(1000):
        progress.received(offset, f"c{offset}")
        progress.logged(f"c{offset}", 2 * offset, is_open=True)
        progress.cover((offset,))
        progress.logged(f"c{offset}", 2 * offset + 1, is_open=False)
    assert progress.checkpoint() == 2000
    assert not progress._first
    assert not progress._pending
    assert not progress._command_at


def test_pins_hold_and_let_go() -> None:
    """By name, by time, and only what stands before."""
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    progress = Progress(0, 10)
    progress.pin("a", 3, noon)
    progress.pin("a", 5, noon + timedelta(hours=1))
    progress.pin("b", 4)
    progress.expire(noon)
    assert progress.checkpoint() == 3
    progress.expire(noon + timedelta(hours=1))
    assert progress.checkpoint() == 4
    progress.pin("b", 8)
    progress.unpin("b", 6)
    assert progress.checkpoint() == 6
    progress.unpin("b", 9)
    assert progress.checkpoint() == 10
    progress.unpin("b")
