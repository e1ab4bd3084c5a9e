"""Nodes as processes on this machine, each with its own loopback address, under one supervisor."""
