"""The kinds of faults: ways to break a run's own nodes and processes, each with its heal."""
