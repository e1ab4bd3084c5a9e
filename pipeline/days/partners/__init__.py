"""Files that partners drop: finding them, accepting them, and reading their rows."""
