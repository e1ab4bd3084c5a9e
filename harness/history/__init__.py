"""The record of a run: what its tables are, how they are written, and how they are read."""
