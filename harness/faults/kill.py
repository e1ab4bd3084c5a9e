"""Kill: the node's processes end at once, as when a machine loses power; its disk stays."""

from __future__ import annotations

from harness.backends.protocol import Platform
from harness.faults.protocol import Evidence


class Kill:
    """SIGKILL; healed by starting the node again with its data."""

    name = "kill"
    describes = "ends the node's processes with SIGKILL; heals by starting it again with its data"
    colour = "#c0392b"
    shows: Evidence = "killed"

    def inject(self, platform: Platform, node: str) -> None:
        """Kill the node. Raises ``PlatformError`` unless it was alive and this is what ended it."""
        platform.signal(node, "kill")

    def heal(self, platform: Platform, node: str) -> None:
        """Start the node again and wait until it is ready."""
        platform.start(node)
