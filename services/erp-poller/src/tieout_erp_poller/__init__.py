"""Reads ERPs on each connection's schedule."""
