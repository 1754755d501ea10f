"""Settings of payment-writeback."""

from pydantic import Field

from tieout.connections.service_settings import SecretAccess
from tieout.effects.protocol import Timings
from tieout.effects.resting import Pauses
from tieout.observability.settings import ServiceSettings


class WritebackSettings(ServiceSettings, SecretAccess):
    """Kafka, the store of secrets (the ERP side's key is enough), and how patient the writer is. Seconds.

    See ``tieout.effects.protocol.Timings`` for what the times protect; tests shorten them, production has no reason to.
    """

    erp_write_within: float = Field(default=60.0, gt=0)
    """A step reads before it writes, and an ERP may take a minute for it; beyond, the step is begun anew."""
    erp_http_timeout: float = Field(default=120.0, gt=0)
    """The longest time-out of any connector's call that writes. Shorter than theirs, a doubt would be looked up while
    the call may still be running."""
    erp_settle: float = Field(default=20.0, ge=0)
    """Added to what a connector says of each step."""
    erp_lookup_gap: float = Field(default=15.0, gt=0)
    erp_retry_cap: float = Field(default=30.0, gt=0)
    erp_retry_for: float = Field(default=180.0, gt=0)
    erp_look_first: float = Field(default=15.0, gt=0)
    """First pause between two looks at an order that waits for somebody."""
    erp_look_cap: float = Field(default=900.0, gt=0)
    """The longest one, and so how late a posting by hand is noticed at most."""
    erp_first_heal: float = Field(default=5.0, gt=0)
    """After which a sick side is tried for the first time; the pauses grow from there."""
    orders_at_once: int = Field(default=4, ge=1, le=32)
    """Orders of one connection that look or call at the same time; ERPs serve few calls of one user at once."""

    def timings(self) -> Timings:
        """The times of the effect protocol."""
        return Timings(
            write_within=self.erp_write_within,
            http=self.erp_http_timeout,
            settle=self.erp_settle,
            lookup_gap=self.erp_lookup_gap,
            retry_cap=self.erp_retry_cap,
            retry_for=self.erp_retry_for,
        )

    def pauses(self) -> Pauses:
        """Between two looks at what waits."""
        return Pauses(first=self.erp_look_first, cap=self.erp_look_cap)
