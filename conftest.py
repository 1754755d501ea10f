"""Fixtures of every test: real Kafka and PostgreSQL, started once per run."""

pytest_plugins = [
    "tieout_devstack.fixtures",
    "support.fixtures",
    "support.promises",
    "support.seeds",
    "support.polled_connection",
]
