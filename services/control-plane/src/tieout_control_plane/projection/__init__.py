"""The log as tables: what people look at. Rebuilt from ``sync.journal`` and ``sync.facts`` whenever it is missing."""
