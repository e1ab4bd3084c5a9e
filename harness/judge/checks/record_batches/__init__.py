"""Checks of a load that sent record batches, made batch by batch."""
