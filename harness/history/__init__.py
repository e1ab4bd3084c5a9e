"""The record of a run: its tables, and how they are written, sealed and read."""
