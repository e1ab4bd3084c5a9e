"""Checks of single events: loss, duplicates, order, results."""
