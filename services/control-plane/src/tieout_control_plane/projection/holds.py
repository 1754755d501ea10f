"""Holds as people read them: the sentence, who mends it, where and how. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from tieout.decide.holds import REASONS, HoldReason
from tieout.decide.rows import HoldRow
from tieout.events.facts import Candidate

UNKNOWN = HoldReason(
    who="the platform team",
    where="Tieout",
    sentence="A newer release holds this for a reason that this one does not know.",
    cure="Bring control-plane to the release of the decider.",
)


class HoldShown(BaseModel):
    """A link that waits for a person.

    Attributes:
        ref: names it in the API and the command line. number: by what people know the record, ``""`` if by nothing.
        who: the desk that can mend it. where: the place it is mended. cure: what to do.
        since: UTC. by_itself: it goes once the record is mended; else it waits to be released.
        candidates: what may be chosen from at its release, by id. approvals: who has released it already.
    """

    model_config = ConfigDict(frozen=True)

    connection: str
    ref: str
    number: str
    reason: str
    sentence: str
    who: str
    where: str
    cure: str
    since: str
    by_itself: bool
    fact: str
    candidates: tuple[Candidate, ...] = ()
    approvals: tuple[str, ...] = ()


class _Params(dict[str, str]):
    """The params of a sentence; one that is missing is shown as such, since the hold matters more than its wording."""

    def __missing__(self, name: str) -> str:
        return f"({name} not told)"


def shown(connection: str, ref: str, value: Mapping[str, Any], number: str = "") -> HoldShown:
    """A row of the state as a person reads it."""
    row = HoldRow.model_validate(value)
    known = REASONS.get(row.reason, UNKNOWN)
    params = _Params(row.params)
    return HoldShown(
        connection=connection,
        ref=ref,
        number=number or row.params.get("number", ""),
        reason=row.reason,
        sentence=known.sentence.format_map(params),
        who=known.who,
        where=known.where,
        cure=known.cure.format_map(params),
        since=row.since.isoformat().replace("+00:00", "Z"),
        by_itself=row.mapping,
        fact=row.fact,
        candidates=row.candidates,
        approvals=row.approvals,
    )
