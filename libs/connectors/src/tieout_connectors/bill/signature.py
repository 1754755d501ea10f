"""Whether a webhook comes from BILL: a signature over the bytes as they were received, checked before any parsing."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from typing import Final

HEADER: Final = "x-bill-sha-signature"


def sign(body: bytes, security_key: str) -> str:
    """The signature of a body: base64 of HMAC-SHA256 under the key's UTF-8 bytes."""
    return b64encode(hmac.new(security_key.encode(), body, hashlib.sha256).digest()).decode()


def is_genuine(body: bytes, signature: str | None, security_keys: Iterable[str]) -> bool:
    """Whether one of the keys signed these bytes. While a key is being changed the old one counts too.

    Takes the same time whichever key fits and however much of a forged signature is right. Without a signature, or
    without a key, nothing is genuine.
    """
    given = (signature or "").strip().encode("utf-8", "surrogateescape")
    found = False
    for key in security_keys:
        found |= bool(key) and hmac.compare_digest(sign(body, key).encode(), given)
    return found
