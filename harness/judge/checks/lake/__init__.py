"""Checks of the lake: its layers, its gates, its costs."""
