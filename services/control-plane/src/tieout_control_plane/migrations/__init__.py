"""The database's versions, in order. Run by ``database.migrate``."""
