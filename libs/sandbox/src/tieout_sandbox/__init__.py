"""Simulators of BILL, Entra and the ERPs. They import nothing of Tieout."""
