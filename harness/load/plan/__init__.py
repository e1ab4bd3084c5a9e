"""The plan of a load: every event to be sent, in order, including injected ones."""
