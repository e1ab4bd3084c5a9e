"""Judging: measurements held against thresholds, and the verdict that follows."""
