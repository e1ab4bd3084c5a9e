"""Judging: compare measurements with thresholds and derive the verdict."""
