"""The plan of a load: every event that is to be sent, in order, with what was mixed in."""
