"""Business Central online with API v2.0, and the books behind it."""

from tieout_sandbox.business_central.simulator import BusinessCentralSimulator
from tieout_sandbox.business_central.worlds import default_world, large_world

__all__ = ["BusinessCentralSimulator", "default_world", "large_world"]
