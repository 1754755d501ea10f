"""All of BILL that one simulator holds: organizations, keys, sessions, switches, the clock."""

from dataclasses import dataclass, field

from tieout_sandbox.bill.gate import Gate
from tieout_sandbox.bill.ids import Ids
from tieout_sandbox.bill.lists import Cursors
from tieout_sandbox.bill.organization import Organization
from tieout_sandbox.bill.switches import Switches
from tieout_sandbox.kernel.clock import Clock


@dataclass
class Installation:
    """What the parts share. ``sync_tokens``: (organization, name) → (value, user id)."""

    clock: Clock
    switches: Switches
    gate: Gate
    ids: Ids
    organizations: dict[str, Organization] = field(default_factory=dict)
    sync_tokens: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    cursors: Cursors = field(default_factory=Cursors)
