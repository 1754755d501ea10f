"""Settings of webhook-ingest, from the environment."""

from pathlib import Path
from typing import Final

from pydantic import Field, ValidationInfo, field_validator

from tieout.connections.service_settings import SecretAccess
from tieout.observability.settings import ServiceSettings

# BILL waits for 10 seconds. What is left covers the way there and back and a process that was paused.
LONGEST_ANSWER: Final = 9.0


class IngestSettings(ServiceSettings, SecretAccess):
    """What webhook-ingest needs beyond what every service needs. It opens BILL secrets only: give it ``bill_key``.

    ``http_host`` and ``http_port`` are for health and metrics and stay inside; ``listen_host`` and ``listen_port`` are
    what BILL reaches.
    """

    listen_host: str = "127.0.0.1"
    listen_port: int = Field(default=8443, ge=0, le=65_535)
    answer_within: float = Field(default=7.0, gt=0, le=LONGEST_ANSWER)
    """Seconds after which a notification that is not durable is answered with 503, so that BILL comes again."""
    requests_at_once: int = Field(default=512, ge=1, le=10_000)
    bytes_at_once: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    """Bodies held in memory at the same time; more is answered with 503."""
    tls_certificate_file: Path | None = None
    """PEM, the server's certificate first, then those of its issuers."""
    tls_key_file: Path | None = None
    tls_ends_before: bool = Field(default=False, validate_default=True)
    """Speak plain HTTP, because a proxy in front ends TLS. BILL itself delivers to https addresses only."""

    @field_validator("tls_ends_before")
    @classmethod
    def _tls_is_decided(cls, ends_before: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's form
        files = [info.data.get("tls_certificate_file"), info.data.get("tls_key_file")]
        if ends_before and any(files):
            raise ValueError("is set, and so are certificate or key: leave either out")
        if not ends_before and not all(files):
            raise ValueError(
                "set TIEOUT_TLS_CERTIFICATE_FILE and TIEOUT_TLS_KEY_FILE, or this to true if a proxy ends TLS before"
            )
        return ends_before
