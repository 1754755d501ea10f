"""How values look on the wire: escaped enum members, trimmed milliseconds, zero guids, null dates."""

import base64
import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
NO_DATE = "0001-01-01"
NO_TIME = "0001-01-01T00:00:00Z"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NAME_CHARACTER = re.compile(r"[A-Za-z0-9_.]")
_ESCAPES: dict[str, str] = {}


def escape(member: str) -> str:
    """An AL enum member as an XML name: ``Not Started`` is ``Not_x0020_Started``."""
    known = _ESCAPES.get(member)
    if known is None:
        known = "".join(c if _NAME_CHARACTER.match(c) else f"_x{ord(c):04X}_" for c in member)
        _ESCAPES[member] = known
    return known


def unescape(text: str) -> str:
    """The member behind an escaped name; a plain name stays."""
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)


def show_time(moment: datetime | None) -> str:
    """UTC with up to three decimals, rounded, trailing zeros cut."""
    if moment is None:
        return NO_TIME
    micro = round(moment.microsecond, -3)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if micro >= 1_000_000:
        return f"{text}.999Z"
    fraction = f"{micro // 1000:03d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def read_time(text: str) -> datetime:
    """A moment; a ValueError if it is none. Without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def show_date(day: date | None) -> str:
    """ISO, or the null date."""
    return day.isoformat() if day else NO_DATE


def read_date(text: str) -> date | None:
    """A day, or None for the null date; ValueError if it is neither."""
    return None if text in (NO_DATE, "") else date.fromisoformat(text)


def show_number(amount: Decimal) -> int | float:
    """At most five decimals, no trailing zeros."""
    whole = int(amount)
    return whole if whole == amount else round(float(amount), 5)


def etag(identity: str, version: int) -> str:
    """Weak and opaque, in the form of a running server: base64 of ``'{n};{n digits}1;00;'``."""
    digest = hashlib.blake2b(f"{identity}/{version}".encode(), digest_size=8).digest()
    digits = str(int.from_bytes(digest, "big"))
    raw = f"'{len(digits)};{digits}1;00;'"
    return f'W/"{base64.b64encode(raw.encode()).decode()}"'
