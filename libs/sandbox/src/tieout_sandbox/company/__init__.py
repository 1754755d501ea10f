"""One company as both outside worlds know it, made from a seed: books in Business Central, an organization in BILL.

``build(seed, today)`` returns both worlds as JSON for ``--world``. The same seed and day give the same worlds, byte for
byte. Nothing is entered past the books: vendors, invoices and payments are people's actions, posted by the simulator's
own posting engine when the world is loaded.
"""

from tieout_sandbox.company.building import Company, build
from tieout_sandbox.company.size import FULL, SMALL, Size

__all__ = ["FULL", "SMALL", "Company", "Size", "build"]
