"""Generated traces: events drawn from a seed, chunk by chunk and by column, instead of read from a file."""
