"""The tasks of the lake: a file each. What they have in common is in context.py and promotion.py."""
