"""Scenarios: the model, the loader that refuses what is wrong, and the threshold grammar."""
