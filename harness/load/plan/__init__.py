"""The plan of a load: every event that should be sent, in order, with what was mixed in."""
