"""Who may call: the bearer token, the tenant, and the app's registration in the environment."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.entra import InvalidTokenError, TokenKey, read_bearer
from tieout_sandbox.kernel.clock import Clock

SIMULATED = "simulated"
AUDIENCE = "https://api.businesscentral.dynamics.com"


class Access:
    """Checks calls against the key that Entra signs with and against the apps set up in the environment."""

    def __init__(self, key: TokenKey, tenant: str, apps: list[str], clock: Clock, switches: Mapping[str, Any]) -> None:
        self.apps = {app.lower() for app in apps}
        self._used: set[str] = set()
        self._revoked: set[str] = set()
        self._key = key
        self._tenant = tenant.lower()
        self._clock = clock
        self._switches = switches

    def user(self, authorization: str | None) -> str:
        """The app behind the call; a Refusal with 401 if it has no right to be here."""
        now = self._clock.now() if self._switches["token_clock"] == SIMULATED else datetime.now(UTC)
        try:
            claims = read_bearer(authorization, self._key, now, AUDIENCE)
        except (InvalidTokenError, ValueError, KeyError) as error:
            raise Refusal("no_credentials") from error
        app = str(claims.get("appid", "")).lower()
        if str(claims.get("tid", "")).lower() != self._tenant or app not in self.apps:
            raise Refusal("no_credentials")
        token = str(claims.get("uti", ""))
        if token in self._revoked:
            raise Refusal("no_credentials")
        self._used.add(token)
        return app

    def revoke(self) -> None:
        """Tokens used until now open nothing any more."""
        self._revoked |= self._used
        self._used.clear()
