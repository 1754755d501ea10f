"""BILL's API Platform v3."""
