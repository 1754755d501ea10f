"""The key of fingerprints: what a vendor's bank details become before anything of them is kept.

It is derived from the key that the connection has on both sides anyway, so webhook-ingest and bill-writer make the same
fingerprint of the same details, nobody has to create it, and a fingerprint tells nothing about the documents' key.
"""

import hashlib
import hmac
from typing import Final

from tieout.connections.documents import document_key
from tieout.connections.secrets import SecretStore
from tieout.domain.settings import Side

_PURPOSE: Final = b"tieout fingerprints"


def fingerprint_key(store: SecretStore, connection: str, side: Side) -> bytes | None:
    """A connection's key, None if control-plane has not applied the connection yet. Raises as ``SecretStore.get``."""
    key = document_key(store, connection, side)
    return None if key is None else hmac.new(key, _PURPOSE, hashlib.sha256).digest()
