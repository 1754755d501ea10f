"""The simulator of BILL (API platform v3)."""

from tieout_sandbox.bill.simulator import BillSimulator

__all__ = ["BillSimulator"]
