"""The server's certificate, read again once its files have changed: it is renewed without a restart."""

import asyncio
import ssl
from pathlib import Path
from typing import Final

from tieout.observability.logging import logger

log = logger(__name__)

# Certificates are renewed days before they end.
LOOK_SECONDS: Final = 60.0


class WrongCertificate(ValueError):
    """The files cannot be read or do not belong together; names them, shows nothing of the key."""


class Certificate:
    """A certificate with its key, in two PEM files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._stamp = self._load()

    def _load(self) -> tuple[int, ...]:
        """Load both into the context, for connections from now on; the answer tells later whether they have changed."""
        try:
            stamp = tuple(path.stat().st_mtime_ns for path in (self._certificate, self._key))
            # A context that fails half-way would serve a certificate with another's key, so the files are tried first.
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(self._certificate, self._key)
            self.context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or type(error).__name__
            raise WrongCertificate(f"{self._certificate} with {self._key}: {reason}") from None
        return stamp

    def renew(self) -> bool:
        """Load the files again if they have changed. Raises WrongCertificate; the old one goes on then."""
        stamp = tuple(path.stat().st_mtime_ns for path in (self._certificate, self._key) if path.exists())
        if stamp == self._stamp:
            return False
        self._stamp = self._load()
        return True

    async def watch(self) -> None:
        """Renew for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if await asyncio.to_thread(self.renew):
                    log.info("certificate renewed")
            except WrongCertificate as error:
                log.warning("the renewed certificate cannot be used; the old one goes on", reason=str(error))
