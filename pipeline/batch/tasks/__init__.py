"""The tasks of the batch layer: a file each. What they have in common is in context.py and promotion.py."""
