"""What a fault is: one way to break a node, with its own heal and its own mark on the plot."""

from __future__ import annotations

from typing import Literal, Protocol

from harness.backends.protocol import Platform

Evidence = Literal["killed", "paused"]
"""What a run's record must show of every target, as a fault is not believed on its own word: that its process
ended by SIGKILL, or that it stood still from the injection until the heal."""


class Fault(Protocol):
    """An injection that broke nothing says so; heal is idempotent and must work whether or not inject did."""

    name: str
    describes: str
    """What it does to a node, as a phrase for ``floodmark list``."""
    colour: str
    """Of its mark on the plots, as CSS writes it."""
    shows: Evidence

    def inject(self, platform: Platform, node: str) -> None:
        """Break the node. Raises ``PlatformError`` when it cannot, or when the node is dead already."""
        ...

    def heal(self, platform: Platform, node: str) -> None:
        """Mend the node, and return once it works again. Raises ``PlatformError`` when it does not."""
        ...
