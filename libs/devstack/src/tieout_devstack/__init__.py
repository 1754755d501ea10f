"""Kafka, PostgreSQL, certificates and processes for a laptop and for tests."""
