"""Connectors to BILL and to the ERPs."""
