"""Who may call: developer keys, sessions, limits, locks, permissions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from aiohttp import web

from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.roles import allowed
from tieout_sandbox.bill.times import printed

IDLE = timedelta(minutes=35)
TOKEN_IDLE = timedelta(hours=48)
MANAGEMENT = "/connect-events/"
LANE = web.RequestKey("lane", tuple[str, str])
UNDER_WAY = web.RequestKey("under_way", int)


@dataclass
class DevKey:
    """A developer key with what it used in the current clock hour."""

    key: str
    active: bool = True
    hour: datetime | None = None
    calls: int = 0
    logins: int = 0


@dataclass(frozen=True)
class User:
    """A person or a technical user of one organization."""

    id: str
    organization: str
    username: str
    password: str
    role: str
    first_name: str
    last_name: str
    denied: frozenset[str] = frozenset()


@dataclass
class Session:
    """A signed-in user; valid with one developer key only."""

    id: str
    key: str
    user: User
    idle: timedelta
    used: datetime
    trusted: bool = False
    by_token: bool = False


@dataclass
class Gate:
    """Sessions and limits of the whole installation."""

    switches: Mapping[str, Any]
    keys: dict[str, DevKey] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    in_flight: dict[tuple[str, str], int] = field(default_factory=dict)
    peak: dict[tuple[str, str], int] = field(default_factory=dict)

    def enter(self, request: web.Request) -> None:
        """A call has arrived: it counts as under way for its key and organization."""
        session = self.sessions.get(request.headers.get("sessionId", ""))
        if session is None:
            return
        lane = (session.key, session.user.organization)
        self.in_flight[lane] = self.in_flight.get(lane, 0) + 1
        self.peak[lane] = max(self.peak.get(lane, 0), self.in_flight[lane])
        request[LANE] = lane
        request[UNDER_WAY] = self.in_flight[lane]

    def leave(self, request: web.Request) -> None:
        """Its answer is made."""
        lane = request.get(LANE)
        if lane is not None:
            self.in_flight[lane] -= 1

    def key(self, key: str, now: datetime) -> DevKey:
        """A known developer key, its call counted."""
        found = self.keys.get(key)
        if found is None:
            raise refuse("BDC_1102")
        if not found.active:
            raise refuse("BDC_1103")
        hour = now.replace(minute=0, second=0, microsecond=0)
        if found.hour != hour:
            found.hour, found.calls, found.logins = hour, 0, 0
        if found.calls >= int(self.switches["calls_per_hour"]):
            raise refuse("BDC_1144", str(self.switches["calls_per_hour"]))
        found.calls += 1
        return found

    def count_login(self, key: DevKey) -> None:
        """Count an attempt to sign in, or refuse it."""
        if key.logins >= int(self.switches["logins_per_hour"]):
            raise refuse("BDC_1144", str(self.switches["logins_per_hour"]))
        key.logins += 1

    def open(self, key: DevKey, user: User, now: datetime, *, by_token: bool, trusted: bool) -> Session:
        """A new session."""
        idle = TOKEN_IDLE if by_token else IDLE
        session = Session(token_hex(24), key.key, user, idle, now, trusted, by_token)
        self.sessions[session.id] = session
        return session

    def admit(self, request: web.Request, now: datetime) -> Session:
        """The session of a call after every check that does not depend on what it asks for."""
        management = request.path.startswith(MANAGEMENT)
        for header in ("devKey", "sessionId") if management else ():
            if header not in request.headers:
                raise refuse("BDC_1117", f"header {header} is missing")
        key = self.key(request.headers.get("devKey", ""), now)
        session = self.sessions.get(request.headers.get("sessionId", ""))
        if session is None or session.key != key.key:
            raise refuse("BDC_1109")
        if now - session.used > session.idle:
            del self.sessions[session.id]
            raise refuse("BDC_1109")
        self.check_lock(session.user.organization)
        if request.get(UNDER_WAY, 0) > int(self.switches["concurrent_calls"]):
            raise refuse("BDC_1322")
        session.used = now
        return session

    def check_lock(self, organization: str) -> None:
        """Refuse what concerns a locked organization."""
        if organization in self.switches["locked_organizations"]:
            raise refuse("BDC_1107")

    def check_permission(self, session: Session, operation: str) -> None:
        """Refuse what the user's role, the user's own list or the switch ``denied_operations`` forbids."""
        user = session.user
        denied = operation in user.denied or operation in self.switches["denied_operations"]
        if denied or not allowed(user.role, operation):
            raise refuse("BDC_1145", operation)

    def usage(self) -> dict[str, Any]:
        """Calls and sign-ins of this hour per key, and the highest number of calls under way at once."""
        return {
            "keys": [
                {
                    "key": one.key,
                    "hour": printed(one.hour) if one.hour else None,
                    "calls": one.calls,
                    "logins": one.logins,
                }
                for one in self.keys.values()
            ],
            "lanes": [
                {"key": key, "organization": org, "under_way": self.in_flight.get((key, org), 0), "peak": peak}
                for (key, org), peak in self.peak.items()
            ],
            "sessions": len(self.sessions),
        }
