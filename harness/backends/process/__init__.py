"""Nodes as processes on this machine, each with its own loopback address, under one supervisor."""

from __future__ import annotations

from harness.backends.process.backend import ProcessBackend
from harness.backends.process.platform import ProcessPlatform

__all__ = ["ProcessBackend", "ProcessPlatform"]
