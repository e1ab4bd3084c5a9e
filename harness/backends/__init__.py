"""Backends: how the nodes of a platform are run."""
