"""The callback for progress messages of long work."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Takes progress messages; the CLI prints them, tests ignore them."""

    def __call__(self, message: str) -> None:
        """Report one line of progress, such as ``kafka-broker-2 ready after 4.1 s``."""
        ...
