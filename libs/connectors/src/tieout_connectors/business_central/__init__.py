"""Business Central: API v2.0, and the vendor ledger page published as OData V4."""

from tieout_connectors.business_central.reader import BusinessCentralReader
from tieout_connectors.business_central.settings import (
    BusinessCentralCredentials,
    BusinessCentralSettings,
    Endpoints,
)

__all__ = ["BusinessCentralCredentials", "BusinessCentralReader", "BusinessCentralSettings", "Endpoints"]
