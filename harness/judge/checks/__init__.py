"""The checks, by concern: a pure function of a history each."""
