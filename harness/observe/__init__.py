"""What observes the platform from outside while it is flooded, and reads it back afterwards."""
