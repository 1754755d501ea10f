"""When a sick BILL side is well again: once BILL lets it in. How often it is asked: ``tieout.effects.healing``."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from tieout.connections.registry import Registry
from tieout.domain.settings import Side
from tieout.effects.healing import FIRST_TRY, LONGEST_PAUSE, Healing
from tieout.effects.log import EffectsLog
from tieout.effects.messages import Scribe
from tieout_bill_writer.organizations import Organizations
from tieout_connectors.bill.calls import Call
from tieout_connectors.bill.wire.session import read_session_details

# A refused sign-in counts against the 200 an hour of a developer key: all its sick connections together use at most
# half of them.
SIGN_INS_AN_HOUR: Final = 100


def bill_healing(
    registry: Registry,
    organizations: Organizations,
    log_of: Callable[[str], EffectsLog | None],
    scribe: Scribe | None = None,
    *,
    first_try: float = FIRST_TRY,
) -> Healing:
    """The healing of BILL's side; ``log_of`` finds the effects log of a budget."""

    async def answers(connection: str) -> None:
        """Whether BILL lets the connection in. A session that BILL has not refused is kept."""
        client = (await organizations.organization(connection)).client
        if client.sessions.current is None:
            client.sessions.reset()
        await client.caller.read(Call("GET /v3/login/session"), read_session_details)

    scribe = scribe or Scribe("bill-writer", lambda: datetime.now(UTC))
    return Healing(
        registry,
        organizations,
        log_of,
        scribe,
        Side.BILL,
        answers,
        first_try=first_try,
        tries_an_hour=SIGN_INS_AN_HOUR,
    )


__all__ = ["LONGEST_PAUSE", "Healing", "bill_healing"]
