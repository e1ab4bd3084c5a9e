"""Locust's side: the locustfiles of the load and of its readers."""
