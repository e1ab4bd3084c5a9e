"""Samples the platform as it runs, and waits until it has drained."""
