"""Checks of faults and of the recovery from them."""
