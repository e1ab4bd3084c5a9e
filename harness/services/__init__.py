"""The engines: how each is configured, and when it is ready."""
