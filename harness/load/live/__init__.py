"""The live path: a plan's events, sent one by one when they are due."""
