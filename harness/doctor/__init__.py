"""What Floodmark requires of a machine, what this one lacks, and the exact command to fix it."""
