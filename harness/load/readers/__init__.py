"""Readers that query the hot store during the load, one file per kind."""
