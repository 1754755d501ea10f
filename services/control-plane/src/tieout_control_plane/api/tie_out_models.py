"""Bodies, queries and answers of the calls about tie-outs."""

from datetime import date

from pydantic import Field

from tieout.tie_out.results import Difference, Result
from tieout_control_plane.api.models import Answer, Body
from tieout_control_plane.api.record_models import Time
from tieout_control_plane.projection.stored import Stored


class CompareBody(Body):
    """Which day, today if none is given; ``fresh`` makes a new run of today. ``seconds`` to wait for both sides."""

    as_of: date | None = None
    fresh: bool = False
    seconds: float = Field(240.0, ge=5, le=900)


class Query(Body):
    """How many of the latest runs."""

    limit: int = Field(100, ge=1, le=1_000)


class Since(Answer):
    """What changed since the run before: ``run`` is that one, None for the first."""

    run: str | None
    appeared: list[Difference]
    gone: list[Difference]


class TieOut(Answer):
    """A finished tie-out. Asked for again it is the same, byte for byte.

    Attributes:
        format: of this document. complete: all three equations could be compared.
        clean: complete, and nothing is wrong but what Tieout expects.
    """

    format: int
    connection: str
    as_of: date
    complete: bool
    clean: bool
    result: Result
    since: Since


class TieOutLine(Answer):
    """A run in a list. ``unexpected`` are the differences that somebody has to find out about."""

    run: str
    as_of: date
    taken: Time
    sha256: str
    differences: int
    unexpected: int
    complete: bool

    @classmethod
    def of(cls, stored: Stored) -> "TieOutLine":
        """From the projection."""
        return cls(**{field: getattr(stored, field) for field in cls.model_fields})


class TieOuts(Answer):
    """The latest runs, newest first."""

    connection: str
    tie_outs: list[TieOutLine]
