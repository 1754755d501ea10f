"""Signing in and out, and the second factor."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tieout_sandbox.bill.call import Answer, Call, Endpoint, read_json
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, read
from tieout_sandbox.bill.gate import Session, User

if TYPE_CHECKING:
    from tieout_sandbox.bill.installation import Installation

_LOGIN: Fields = {
    "username": Field(required=True),
    "password": Field(required=True),
    "organizationId": Field(required=True),
    "devKey": Field(required=True),
    "rememberMeId": Field(),
    "device": Field(),
}
_VALIDATE: Fields = {
    "challengeId": Field(required=True),
    "token": Field(required=True),
    "device": Field(required=True),
    "rememberMe": Field(Kind.FLAG),
}
_STEP_UP: Fields = {"rememberMeId": Field(required=True), "device": Field(required=True)}

REMEMBERED = timedelta(days=30)
CHALLENGES_PER_MINUTE = 5
WRONG_TOKENS = 3


class Login:
    """Sign-in and second factor of one installation. The code sent by text message is ``mfa_code`` of the switches."""

    def __init__(self, installation: "Installation") -> None:
        self._all = installation
        self._failed: dict[tuple[str, str], int] = {}
        self._challenges: dict[str, int] = {}
        self._sent: list[Any] = []
        self._remembered: dict[tuple[str, str, str], Any] = {}

    async def login(self, request: web.Request) -> web.Response:
        """``POST /v3/login``, the one call without headers."""
        gate, now = self._all.gate, self._all.clock.now()
        fields = read(_LOGIN, read_json(await request.read()))
        key = gate.key(fields["devKey"], now)
        gate.count_login(key)
        organization = fields["organizationId"]
        if organization not in self._all.organizations:
            raise refuse("BDC_1123")
        gate.check_lock(organization)
        user, by_token = self._user(organization, fields["username"], fields["password"])
        trusted = not by_token and self._is_remembered(user, fields.get("rememberMeId"), fields.get("device"))
        session = gate.open(key, user, now, by_token=by_token, trusted=trusted)
        body = {
            "sessionId": session.id,
            "organizationId": organization,
            "userId": user.id,
            "trusted": session.trusted,
        }
        return web.Response(text=json.dumps(body), content_type="application/json")

    def endpoints(self) -> list[Endpoint]:
        """The paths that need a session."""
        return [
            Endpoint("GET", "/connect/v3/login/session", "", self._details),
            Endpoint("POST", "/connect/v3/logout", "", self._logout),
            Endpoint("POST", "/connect/v3/mfa/challenge", "", self._challenge),
            Endpoint("POST", "/connect/v3/mfa/challenge/validate", "", self._validate),
            Endpoint("POST", "/connect/v3/mfa/step-up", "", self._step_up),
        ]

    def _user(self, organization: str, username: str, password: str) -> tuple[User, bool]:
        """The user of a pair of credentials, and whether they are a sync token."""
        who = (organization, username)
        most = int(self._all.switches["login_lock_after"])
        if most and self._failed.get(who, 0) >= most:
            raise refuse("BDC_1110")
        org = self._all.organizations[organization]
        token = self._all.sync_tokens.get(who)
        if token is not None and token[0] == password:
            return org.users[token[1]], True
        user = next((one for one in org.users.values() if one.username == username), None)
        if user is None or user.password != password:
            self._failed[who] = self._failed.get(who, 0) + 1
            raise refuse("BDC_1101")
        self._failed.pop(who, None)
        return user, False

    def _details(self, call: Call) -> Answer:
        complete = "COMPLETE" if call.session.trusted else "INCOMPLETE"
        return Answer(
            {
                "organizationId": call.org.id,
                "userId": call.session.user.id,
                "mfaStatus": complete,
                "mfaBypass": False,
            }
        )

    def _logout(self, call: Call) -> Answer:
        self._all.gate.sessions.pop(call.session.id, None)
        return Answer()

    def _challenge(self, call: Call) -> Answer:
        self._sent = [one for one in self._sent if call.now - one < timedelta(minutes=1)]
        if len(self._sent) >= CHALLENGES_PER_MINUTE:
            raise refuse("BDC_1358")
        self._sent.append(call.now)
        challenge = call.org.ids.letters(24, "0123456789abcdef")
        self._challenges[challenge] = 0
        return Answer({"challengeId": challenge})

    def _validate(self, call: Call) -> Answer:
        fields = read(_VALIDATE, call.body())
        challenge = fields["challengeId"]
        tries = self._challenges.get(challenge)
        if tries is None:
            raise refuse("BDC_1356")
        if tries >= WRONG_TOKENS:
            raise refuse("BDC_1358")
        if fields["token"] != self._all.switches["mfa_code"]:
            self._challenges[challenge] = tries + 1
            raise refuse("BDC_1356")
        del self._challenges[challenge]
        call.session.trusted = not call.session.by_token
        remembered = call.org.ids.letters(32, "0123456789abcdef")
        self._remembered[(call.session.user.id, remembered, fields["device"])] = call.now + REMEMBERED
        return Answer({"rememberMeId": remembered})

    def _step_up(self, call: Call) -> Answer:
        fields = read(_STEP_UP, call.body())
        session: Session = call.session
        session.trusted = session.trusted or (
            not session.by_token and self._is_remembered(session.user, fields["rememberMeId"], fields["device"])
        )
        return Answer({"trusted": session.trusted})

    def _is_remembered(self, user: User, remembered: str | None, device: str | None) -> bool:
        until = self._remembered.get((user.id, remembered or "", device or ""))
        return until is not None and self._all.clock.now() < until
