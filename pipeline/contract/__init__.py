"""What an event is, and what follows from it."""
