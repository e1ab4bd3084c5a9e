"""Files that partners drop: which there are, which are accepted, and their rows."""
