"""How long a run tries again before it leaves the rest to the next one. Pure but for the dice."""

import random
from dataclasses import dataclass, field
from typing import Final

from tieout.domain.errors import Retry

# Five tries in a row without a page: about half a minute of pauses, enough for a restart of the ERP's server and short
# enough that the connection's other kinds are not late by more than a minute.
TRIES: Final = 5
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 15.0
# A server that asks for more than this is left alone until then; the run ends and holds nothing meanwhile.
LONGEST_ASKED: Final = 60.0

_dice = random.Random()  # noqa: S311 - spreads retries, hides nothing


@dataclass
class Patience:
    """Counts the tries since the last page."""

    dice: random.Random = field(default_factory=lambda: _dice)
    _tries: int = 0

    def got_on(self) -> None:
        """A page came: the ERP answers."""
        self._tries = 0

    def pause(self, error: Retry) -> float:
        """Seconds to wait before the next try: full jitter above what the ERP asked for.

        Raises:
            Retry: the same error, once trying again in this run makes no sense.
        """
        self._tries += 1
        asked = error.after or 0.0
        if self._tries > TRIES or asked > LONGEST_ASKED:
            raise error
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._tries - 1))
        return asked + self.dice.uniform(ceiling / 2, ceiling)
