"""Access tokens: JWTs signed with a key that the Entra simulator and the resource simulators share.

Real Entra signs with RS256 and publishes its keys; the simulators share one HMAC key by parameter or file instead, so
that they need no cryptography package and can run as separate processes.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MIN_KEY_BYTES = 16
# Known to everybody on purpose: it opens simulators only, and lets two processes work together without a file.
SANDBOX_KEY = b"tieout-sandbox-tokens-open-nothing-real"


class InvalidTokenError(Exception):
    """The token is malformed, wrongly signed, expired or not yet valid; the message says which."""


@dataclass(frozen=True)
class TokenKey:
    """The shared HMAC key. ``secret`` is never shown."""

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_KEY_BYTES:
            raise ValueError(f"a token key has at least {MIN_KEY_BYTES} bytes")

    def __repr__(self) -> str:
        return "TokenKey(...)"

    @classmethod
    def from_file(cls, path: str | Path) -> "TokenKey":
        """The key in a file; line ends around it are ignored."""
        return cls(Path(path).read_bytes().strip())

    @classmethod
    def of_world(cls, world: Mapping[str, Any]) -> "TokenKey":
        """The key a world names by ``token_key_file`` or ``token_key``; the sandbox's own key without either."""
        if world.get("token_key_file"):
            return cls.from_file(world["token_key_file"])
        return cls(str(world["token_key"]).encode()) if world.get("token_key") else cls(SANDBOX_KEY)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWT of these claims."""
        head = _encode(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
        body = _encode(json.dumps(dict(claims), separators=(",", ":")).encode())
        return f"{head}.{body}.{_encode(self._mac(f'{head}.{body}'))}"

    def verify(self, token: str, now: datetime) -> dict[str, Any]:
        """The claims of a token that is well signed and valid at ``now`` (UTC); else InvalidTokenError."""
        parts = token.split(".")
        if len(parts) != 3 or not hmac.compare_digest(_encode(self._mac(f"{parts[0]}.{parts[1]}")), parts[2]):
            raise InvalidTokenError("malformed or wrongly signed")
        claims: dict[str, Any] = json.loads(_decode(parts[1]))
        if now >= datetime.fromtimestamp(claims["exp"], UTC):
            raise InvalidTokenError("expired")
        return claims

    def _mac(self, text: str) -> bytes:
        return hmac.new(self.secret, text.encode(), hashlib.sha256).digest()


def read_bearer(authorization: str | None, key: TokenKey, now: datetime, audience: str) -> dict[str, Any]:
    """The claims behind an ``Authorization`` header; InvalidTokenError if it does not open this resource."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidTokenError("no bearer token")
    claims = key.verify(token.strip(), now)
    if str(claims.get("aud", "")).rstrip("/") != audience.rstrip("/"):
        raise InvalidTokenError("issued for another audience")
    return claims


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
