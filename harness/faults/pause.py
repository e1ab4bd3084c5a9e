"""Pause: the node stops answering but keeps its connections, as in a long collection or a stalled machine."""

from __future__ import annotations

from harness.backends.protocol import Platform
from harness.faults.protocol import Evidence


class Pause:
    """SIGSTOP; healed by SIGCONT."""

    name = "pause"
    describes = "stops the node's processes with SIGSTOP; heals with SIGCONT"
    colour = "#8e44ad"
    shows: Evidence = "paused"

    def inject(self, platform: Platform, node: str) -> None:
        """Pause the node. Raises ``PlatformError`` unless it was alive and has stopped."""
        platform.signal(node, "pause")

    def heal(self, platform: Platform, node: str) -> None:
        """Let the node go on, and start it again if it died meanwhile."""
        platform.signal(node, "resume")
        platform.start(node)
