"""Renders a finished run as one HTML page. Reads histories and findings only."""
