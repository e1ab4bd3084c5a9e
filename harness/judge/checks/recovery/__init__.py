"""Checks of faults and of what came after them."""
