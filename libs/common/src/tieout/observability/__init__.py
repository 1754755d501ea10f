"""Logging, metrics, health and crash points of every service."""
