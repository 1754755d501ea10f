"""Decisions as functions from values to values. Pure: no I/O, no clock, no randomness."""
