"""Generated traces: events drawn from a seed, by chunk and column, instead of read from a file."""
