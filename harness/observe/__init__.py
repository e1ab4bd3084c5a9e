"""Observes the platform from outside under load, and reads it back afterwards."""
