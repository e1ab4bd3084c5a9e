"""The lake stage of a run: what partners drop, and the days that are run."""
