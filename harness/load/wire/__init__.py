"""Replay at wire speed: record batches are encoded once, and each send rewrites only their headers."""
