"""Which systems can be simulated, and where each one's simulator is."""

from importlib import import_module
from typing import Any, cast

from tieout_sandbox.kernel.server import Simulator

# name → "module:class"; imported when asked for, so that one system does not load another's parts.
SYSTEMS: dict[str, str] = {
    "bill": "tieout_sandbox.bill:BillSimulator",
    "business-central": "tieout_sandbox.business_central:BusinessCentralSimulator",
    "entra": "tieout_sandbox.entra:EntraSimulator",
}


def simulator(system: str, world: dict[str, Any] | None = None, ca_file: str | None = None) -> Simulator:
    """A new simulator of a system.

    Args:
        system: A name from ``SYSTEMS``; another one is a ValueError that lists them.
        world: The state to start from in the system's own format; None for its default.
        ca_file: The certificate authorities (PEM) that calls going out of the simulator trust.
    """
    if system not in SYSTEMS:
        raise ValueError(f"no simulator of {system!r}; there are: {', '.join(sorted(SYSTEMS))}")
    module, name = SYSTEMS[system].split(":")
    return cast("Simulator", getattr(import_module(module), name)(world, ca_file))
