"""Renders a finished run as one HTML page, from its history and findings only."""
