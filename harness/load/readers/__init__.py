"""Readers beside the load: users of the hot store, one file per kind."""
