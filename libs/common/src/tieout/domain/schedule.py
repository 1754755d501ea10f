"""When a connection's records are read: durations, times of day, and one cadence per kind."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from tieout.domain.records import Kind

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# A poll of an idle company costs a call per kind; more often than once a second it would only wait for itself.
SHORTEST: Final = 1
# BILL forgets failed webhook deliveries after a month; a longer pause could not be told from a forgotten connection.
LONGEST: Final = 31 * 86_400
CADENCE: Final = 'a duration from 1s to 31d such as 30s, 15m, 1h, 1d, or "daily HH:MM" in the schedule\'s time zone'

_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})([smhd])", re.ASCII)
_DAILY: Final = re.compile(r"daily ([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often something happens: every ``every``, or once a day at ``at`` by the clock of a time zone.

    Exactly one of the two is set. ``text`` is what its owner wrote.
    """

    text: str
    every: timedelta | None = None
    at: time | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``15m`` or ``daily 02:00``.

        Raises:
            ValueError: for anything else; says what is allowed and does not repeat the text.
        """
        words = " ".join(text.split())
        if daily := _DAILY.fullmatch(words):
            return cls(words, at=time(int(daily[1]), int(daily[2])))
        if duration := _DURATION.fullmatch(words):
            seconds = int(duration[1]) * UNITS[duration[2]]
            if SHORTEST <= seconds <= LONGEST:
                return cls(words, every=timedelta(seconds=seconds))
        raise ValueError(f"is not {CADENCE}")

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime:
        """The next time after ``moment`` (with a zone), in the zone of ``moment``.

        A time of day that a change of clocks skips is taken an hour later; one that comes twice is taken once, first.
        """
        if self.every is not None:
            return moment + self.every
        assert self.at is not None  # noqa: S101 - exactly one of the two is set
        local = moment.astimezone(zone)
        for days in (0, 1, 2):
            day = local.date() + timedelta(days=days)
            # Comparing in one fixed zone: in their own zone Python compares wall clocks, which repeat an hour.
            found = datetime.combine(day, self.at, tzinfo=zone).astimezone(moment.tzinfo)
            if found > moment:
                return found
        raise AssertionError("a time of day comes within two days")

    def __str__(self) -> str:
        return self.text


def _cadence(value: Any) -> Cadence:
    if isinstance(value, Cadence):
        return value
    if not isinstance(value, str):
        raise ValueError(f"is not {CADENCE}")  # noqa: TRY004 - pydantic reports ValueError as a wrong field
    return Cadence.parse(value)


CadenceText = Annotated[
    Cadence,
    PlainValidator(_cadence),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["15m", "daily 02:00"]}),
]
"""A cadence as a field: text on the wire and in YAML."""

_DEFAULT: Final = Cadence.parse("15m")
_BILL_DEFAULT: Final = Cadence.parse("10m")
_ZONE: Final = r"^[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+){0,2}$"
ZONE: Final = "an IANA time zone such as UTC or America/New_York"


class Schedule(BaseModel):
    """When each kind of ERP record is read. What is not named follows ``default``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: CadenceText = Field(_DEFAULT, description=CADENCE)
    vendors: CadenceText | None = Field(None, description=CADENCE)
    accounts: CadenceText | None = Field(None, description=CADENCE)
    dimensions: CadenceText | None = Field(None, description=CADENCE)
    invoices: CadenceText | None = Field(None, description=CADENCE)
    ledger: CadenceText | None = Field(None, description=CADENCE)
    time_zone: str = Field("UTC", pattern=_ZONE, max_length=64, description=ZONE)

    def of(self, kind: Kind) -> Cadence:
        """The cadence of one of the kinds that are polled."""
        named: Cadence | None = getattr(self, FIELD_OF[kind])
        return named or self.default


FIELD_OF: Final[dict[Kind, str]] = {
    Kind.VENDOR: "vendors",
    Kind.ACCOUNT: "accounts",
    Kind.DIMENSION_VALUE: "dimensions",
    Kind.PURCHASE_INVOICE: "invoices",
    Kind.LEDGER_ENTRY: "ledger",
}
"""The field of a schedule that each polled kind follows."""


class BillSchedule(BaseModel):
    """When BILL is asked for what its webhooks should have told; the net below them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: CadenceText = Field(_BILL_DEFAULT, description=CADENCE)
    time_zone: str = Field("UTC", pattern=_ZONE, max_length=64, description=ZONE)
