"""Date formulas of payment terms, and numbers that count themselves up."""

import calendar
import re
from datetime import date, timedelta

_TERM = re.compile(r"([+-]?)(C?)(\d*)([DWMQY])")
_DIGITS = re.compile(r"^(.*?)(\d+)(\D*)$")


def shift(start: date, formula: str) -> date:
    """A date formula applied: ``30D``, ``1M``, ``CM`` (end of the month), ``CM+10D``; ``1M(8D)`` is both in turn.

    Raises:
        ValueError: The formula is not one of these.
    """
    text = formula.replace("(", "+").replace(")", "").replace("<", "").replace(">", "").upper()
    if "".join(found.group(0) for found in _TERM.finditer(text)) != text:
        raise ValueError(f"not a date formula: {formula!r}")
    day = start
    for sign, current, count, unit in _TERM.findall(text):
        day = _end_of(day, unit) if current else _moved(day, int(count or 1) * (-1 if sign == "-" else 1), unit)
    return day


def _end_of(day: date, unit: str) -> date:
    if unit == "M":
        return day.replace(day=calendar.monthrange(day.year, day.month)[1])
    if unit == "Y":
        return date(day.year, 12, 31)
    raise ValueError(f"C{unit} is not supported")


def _moved(day: date, count: int, unit: str) -> date:
    if unit in "DW":
        return day + timedelta(days=count * (7 if unit == "W" else 1))
    months = day.year * 12 + day.month - 1 + count * {"M": 1, "Q": 3, "Y": 12}[unit]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def increment(number: str) -> str:
    """The next number: the last group of digits counts up, its width kept; empty if there are no digits."""
    found = _DIGITS.match(number)
    if found is None:
        return ""
    head, digits, tail = found.groups()
    return f"{head}{int(digits) + 1:0{len(digits)}d}{tail}"
