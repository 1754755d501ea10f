"""Settings of control-plane."""

from pydantic import Field, SecretStr

from tieout.connections.service_settings import SecretAccess
from tieout.observability.settings import ServiceSettings


class ControlPlaneSettings(ServiceSettings, SecretAccess):
    """Kafka, the database with both sides' keys, the API's first token, and how often time is told."""

    api_token: SecretStr = SecretStr("")
    """The administrator's token; a new value replaces the one it gave before. Not needed once a token is stored."""
    tick_seconds: int = Field(10, ge=1, le=3600)
    """One tick per active connection and slot. Deadlines are late by up to one slot; a tick costs two messages."""
    check_seconds: float = Field(30.0, gt=0, le=300)
    """How long the answer of a side's owner is waited for, where the caller of the API does not say."""
