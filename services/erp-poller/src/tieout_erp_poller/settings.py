"""Settings of erp-poller, from the environment."""

from pydantic import Field

from tieout.connections.service_settings import SecretAccess
from tieout.observability.settings import ServiceSettings


class PollerSettings(ServiceSettings, SecretAccess):
    """What erp-poller needs beyond what every service needs. It opens ERP secrets only: give it ``erp_key``."""

    reads_at_once: int = Field(default=8, ge=1, le=64)
    """Pages read and stored at the same time, over all connections; each may hold a page of 64 MiB in memory."""
    checks_at_once: int = Field(default=4, ge=1, le=32)
    drain_seconds: float = Field(default=20.0, gt=0, le=120)
    """How long a stop waits for pages in work; must stay below the orchestrator's grace period."""
