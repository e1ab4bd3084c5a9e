"""Checks of a load that sent record batches, by which it is judged."""
