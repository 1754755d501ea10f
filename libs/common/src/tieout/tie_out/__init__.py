"""The comparison of both ledgers. Pure."""
