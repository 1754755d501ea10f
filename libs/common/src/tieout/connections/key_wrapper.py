"""Keys that wrap keys: where the master key comes from, and what a service that holds one side's key can open.

Each side of a connection has a data key of its own. It is kept wrapped by the wrapping key of its side, and that is
derived from the master key, so that a process given BILL's wrapping key alone can open no ERP's secrets, nor the
other way round. Another source of keys (a KMS) is another ``KeyWrapper``.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tieout.domain.settings import Side

KEY_BYTES: Final = 32
# Random nonces of 96 bits: a key must not seal more than 2^32 texts. A wrapping key seals one data key per connection
# and side; a data key one text per sign-in, at most 200 an hour, so that it would take two thousand years.
NONCE_BYTES: Final = 12


class WrongMasterKey(ValueError):
    """The master key is missing, malformed, or not the one that the stored secrets were sealed with; says the cure."""


class SideNotHeld(PermissionError):
    """This process holds no key for that side, on purpose."""


class KeyWrapper(Protocol):
    """Seals and opens data keys. ``context`` is bound to the result: a key wrapped for one place opens in no other."""

    def sides(self) -> frozenset[Side]:
        """The sides whose keys this process holds."""
        ...

    def wrap(self, side: Side, key: bytes, context: bytes) -> bytes:
        """The key, sealed. Raises SideNotHeld."""
        ...

    def unwrap(self, side: Side, wrapped: bytes, context: bytes) -> bytes:
        """The key again. Raises SideNotHeld, or WrongMasterKey if another key sealed it."""
        ...


class EnvKeyWrapper:
    """Wrapping keys from the process's settings. ``repr`` tells the sides only."""

    def __init__(self, keys: Mapping[Side, bytes]) -> None:
        for key in keys.values():
            if len(key) != KEY_BYTES:
                raise WrongMasterKey(f"a wrapping key has {KEY_BYTES} bytes")
        self._keys = dict(keys)

    @classmethod
    def from_texts(cls, *, master: str = "", sides: Mapping[Side, str] | None = None) -> Self:
        """From base64: the master key, which gives both sides, or the keys of single sides.

        Raises:
            WrongMasterKey: nothing is given, or something that is no key.
        """
        given = {side: text for side, text in (sides or {}).items() if text}
        if master and given:
            raise WrongMasterKey(
                "TIEOUT_MASTER_KEY gives both sides' keys; give either it or TIEOUT_BILL_KEY, TIEOUT_ERP_KEY"
            )
        if master:
            decoded = key_of(master, "TIEOUT_MASTER_KEY")
            return cls({side: side_key(decoded, side) for side in Side})
        if not given:
            raise WrongMasterKey(
                "no master key: set TIEOUT_MASTER_KEY or TIEOUT_MASTER_KEY_FILE to 32 bytes in base64 "
                "(a new one: openssl rand -base64 32), or one side's key as TIEOUT_BILL_KEY or TIEOUT_ERP_KEY"
            )
        return cls({side: key_of(text, f"TIEOUT_{side.upper()}_KEY") for side, text in given.items()})

    def sides(self) -> frozenset[Side]:
        """The sides whose keys this process holds."""
        return frozenset(self._keys)

    def wrap(self, side: Side, key: bytes, context: bytes) -> bytes:
        """The key, sealed with a fresh nonce before it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._key(side)).encrypt(nonce, key, context)

    def unwrap(self, side: Side, wrapped: bytes, context: bytes) -> bytes:
        """The key again."""
        try:
            return AESGCM(self._key(side)).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise WrongMasterKey(
                f"a key of side {side} was sealed with another master key, or for another place: "
                "start this service with the key that the secrets were stored under"
            ) from None

    def _key(self, side: Side) -> bytes:
        try:
            return self._keys[side]
        except KeyError:
            raise SideNotHeld(f"this process holds no key for the {side} side") from None

    def __repr__(self) -> str:
        return f"EnvKeyWrapper({', '.join(sorted(self._keys))})"


def side_key(master: bytes, side: Side) -> bytes:
    """The wrapping key of one side; the master key cannot be found from it, nor the other side's key."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"tieout/wrap/{side}".encode()).derive(master)


def side_key_text(master: str, side: Side) -> str:
    """The same as text, for the settings of a service that is to hold one side only."""
    return base64.b64encode(side_key(key_of(master, "TIEOUT_MASTER_KEY"), side)).decode()


def key_of(text: str, variable: str) -> bytes:
    """The bytes of a key in base64. Raises WrongMasterKey, which names the variable and does not repeat the text."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise WrongMasterKey(f"{variable} is not 32 bytes in base64; a new one: openssl rand -base64 32")
    return key
