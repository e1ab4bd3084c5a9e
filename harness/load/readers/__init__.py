"""Readers beside the load: users of the hot store, a file per kind."""
