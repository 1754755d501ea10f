"""Decides against the compacted state."""
