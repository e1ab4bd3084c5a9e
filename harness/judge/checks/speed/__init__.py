"""Checks of speed: of the platform, and of the load itself."""
