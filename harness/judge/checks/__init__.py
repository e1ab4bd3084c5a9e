"""The checks, by concern: each is a pure function of a history."""
