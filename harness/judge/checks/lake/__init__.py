"""Checks of the lake: layers, gates and costs."""
