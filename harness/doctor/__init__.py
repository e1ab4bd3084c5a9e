"""What Floodmark needs of a machine, what this one lacks, and the exact command that mends it."""
