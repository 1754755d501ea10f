"""How far a partition of commands is done: the offset to commit, and from where the effects log must be read again."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime


@dataclass
class _Pin:
    """Messages of one name: the first and the last of them, and until when they are needed (UTC; None: until told)."""

    first: int
    last: int
    until: datetime | None


class Progress:
    """Offsets received in order and covered in any order. Not thread-safe: the event loop's.

    An input offset is covered once its command has an intent or an answer in the effects log. The committed position is
    the contiguous prefix. The checkpoint is never later than the first message of any open intent, of any command at
    or above the position, or of anything pinned.
    """

    def __init__(self, position: int, end: int) -> None:
        self._received: deque[int] = deque()
        self._covered: set[int] = set()
        self._next = position
        self._end = end
        self._command_at: dict[int, str] = {}
        self._pending: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._open: set[str] = set()
        self._may_come: set[str] = set()
        self._pins: dict[str, _Pin] = {}

    def restored(self, command: str, offset: int, *, is_open: bool) -> None:
        """A predecessor's log has messages of a command from this offset on.

        Also of one that has ended: the input may bring it again, until ``caught_up``.
        """
        self._first[command] = offset
        if is_open:
            self._open.add(command)
        else:
            self._may_come.add(command)

    def caught_up(self) -> None:
        """Everything of the input that a predecessor can have seen has been received here."""
        waiting, self._may_come = self._may_come, set()
        for command in waiting:
            self._release(command)

    def received(self, offset: int, command: str) -> None:
        """A command arrived. Offsets rise, with holes where the log has markers."""
        self._received.append(offset)
        self._command_at[offset] = command
        self._pending[command] += 1

    def cover(self, offsets: tuple[int, ...]) -> None:
        """These offsets' commands now have an intent or an answer."""
        self._covered.update(offsets)
        while self._received and self._received[0] in self._covered:
            done = self._received.popleft()
            self._covered.discard(done)
            self._next = done + 1
            command = self._command_at.pop(done)
            self._pending[command] -= 1
            self._release(command)

    def position_with(self, offsets: tuple[int, ...]) -> int:
        """The position once these offsets are covered too."""
        position, too = self._next, set(offsets)
        for offset in self._received:
            if offset not in self._covered and offset not in too:
                return position
            position = offset + 1
        return position

    def logged(self, command: str, offset: int, *, is_open: bool, renews: bool = False) -> None:
        """A message of a command stands at an offset of the effects log; with ``renews`` its first one that matters."""
        self._end = max(self._end, offset + 1)
        if renews:
            self._first[command] = offset
        self._first.setdefault(command, offset)
        if is_open:
            self._open.add(command)
            return
        self._open.discard(command)
        self._release(command)

    def _release(self, command: str) -> None:
        """Nothing of a command is needed after a restart once it has ended below the position."""
        if self._pending[command] <= 0:
            del self._pending[command]
            if command not in self._open and command not in self._may_come:
                self._first.pop(command, None)

    def pin(self, name: str, offset: int, until: datetime | None = None) -> None:
        """Keep the checkpoint at or before an offset for as long as the pin stands."""
        self._end = max(self._end, offset + 1)
        pin = self._pins.setdefault(name, _Pin(offset, offset, until))
        pin.last = max(pin.last, offset)
        pin.until = None if until is None or pin.until is None else max(pin.until, until)

    def unpin(self, name: str, before: int | None = None) -> None:
        """Let a pin go, or only what of it stands before the message at an offset, which says so."""
        self._end = max(self._end, 0 if before is None else before + 1)
        pin = self._pins.get(name)
        if pin is None:
            return
        if before is None or pin.last < before:
            del self._pins[name]
        else:
            pin.first = max(pin.first, before)

    def expire(self, now: datetime) -> None:
        """Let go the pins whose time is over."""
        over = [name for name, pin in self._pins.items() if pin.until is not None and pin.until <= now]
        for name in over:
            del self._pins[name]

    def checkpoint(self) -> int:
        """From where the effects log must be read after a restart."""
        return min((self._end, *self._first.values(), *(pin.first for pin in self._pins.values())))

    @property
    def waiting(self) -> int:
        """Offsets received at or above the position."""
        return len(self._received)
