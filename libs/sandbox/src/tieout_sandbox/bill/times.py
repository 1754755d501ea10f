"""BILL's dates and times: printed with milliseconds and an offset, read in the five forms its filters take."""

import re
from datetime import UTC, date, datetime

_FORMS = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(T(?P<minute>\d{2}:\d{2})(:(?P<second>\d{2})(\.(?P<milli>\d{3})(?P<zone>Z|[+-]\d{2}(:?\d{2})?)?)?)?)?"
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def printed(moment: datetime) -> str:
    """``2026-12-30T23:15:23.127+00:00``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def stamp(moment: datetime) -> datetime:
    """The moment as BILL stores it: UTC, whole milliseconds."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def read_moment(text: str) -> datetime:
    """A time in one of the accepted forms, UTC where no zone is given; anything else is a ValueError."""
    form = _FORMS.fullmatch(text)
    if form is None:
        raise ValueError(f"{text!r} is not one of the accepted time formats")
    whole = f"{form['day']}T{form['minute'] or '00:00'}:{form['second'] or '00'}.{form['milli'] or '000'}"
    return datetime.fromisoformat(whole + (form["zone"] or "Z")).astimezone(UTC)


def read_day(text: str) -> date:
    """A date ``yyyy-MM-dd``; anything else is a ValueError."""
    if _DAY.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a date yyyy-MM-dd")
    return date.fromisoformat(text)
