"""The prober: a process that looks for results as a user would."""
