"""Nodes as containers of a Docker engine; the harness's own processes stay on this machine."""
