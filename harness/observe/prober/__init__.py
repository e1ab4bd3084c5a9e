"""The prober: a process that queries for results as a user would."""
