"""The faults: ways to break what a run owns, each with its own heal."""
