"""Settings of bill-writer."""

from tieout.connections.service_settings import SecretAccess
from tieout.effects.budget import CALLS, LOGINS
from tieout.effects.protocol import Timings
from tieout.observability.settings import ServiceSettings


class BillWriterSettings(ServiceSettings, SecretAccess):
    """Kafka, the store of secrets (the BILL side's key is enough), and how patient the writer is. Seconds.

    See ``tieout.effects.protocol.Timings`` for what the times protect; tests shorten them, production has no reason to.
    """

    bill_write_within: float = 10.0
    bill_http_timeout: float = 30.0
    bill_settle: float = 20.0
    bill_lookup_gap: float = 10.0
    bill_retry_cap: float = 30.0
    bill_retry_for: float = 180.0
    bill_document_slow: float = 900.0
    """What an upload takes longer than other calls until BILL lists the file: it "takes minutes", and a file uploaded
    twice can never be deleted."""
    bill_first_heal: float = 5.0
    """After which a sick side is tried for the first time; the pauses grow from there."""
    bill_subscription_look: float = 300.0
    """Between two looks at a connection's webhook subscription: so long a feed that BILL switched off is off."""
    calls_per_hour: int = 20_000
    logins_per_hour: int = 200

    def limits(self) -> dict[str, int]:
        """What one developer key may use in an hour."""
        return {CALLS: self.calls_per_hour, LOGINS: self.logins_per_hour}

    def timings(self) -> Timings:
        """The times of the effect protocol."""
        return Timings(
            write_within=self.bill_write_within,
            http=self.bill_http_timeout,
            settle=self.bill_settle,
            lookup_gap=self.bill_lookup_gap,
            retry_cap=self.bill_retry_cap,
            retry_for=self.bill_retry_for,
        )
