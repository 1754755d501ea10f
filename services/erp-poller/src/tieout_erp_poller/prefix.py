"""How far the requests of a partition are served: the offset that may be committed."""

import threading
from collections import deque


class Prefix:
    """Offsets received in order and served in any order; the position is the contiguous part. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: deque[int] = deque()
        self._served: set[int] = set()
        self._position: int | None = None

    def received(self, offset: int) -> None:
        """A request came."""
        with self._lock:
            self._open.append(offset)

    def served(self, offset: int) -> None:
        """It is served, or needs nothing."""
        with self._lock:
            self._served.add(offset)
            while self._open and self._open[0] in self._served:
                done = self._open.popleft()
                self._served.discard(done)
                self._position = done + 1

    def position(self) -> int | None:
        """The next offset after everything served, None before the first."""
        with self._lock:
            return self._position

    @property
    def waiting(self) -> int:
        """Requests behind the position."""
        with self._lock:
            return len(self._open)
