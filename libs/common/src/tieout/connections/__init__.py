"""Connections: the YAML model, the registry read from the log, and the store of secrets."""
