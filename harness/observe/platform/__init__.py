"""Samples of the platform as it runs, and the wait until it has drained."""
