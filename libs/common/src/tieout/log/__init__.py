"""Kafka: topics, producers, consumers, the transactional loop, the compacted reader."""
