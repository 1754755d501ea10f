"""Behaviours that every ERP connector must show."""
