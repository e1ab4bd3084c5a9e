"""How long work tells people what it does."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """How long work says what it does; the CLI draws it, tests ignore it."""

    def __call__(self, message: str) -> None:
        """One line of progress, such as ``kafka-broker-2 ready after 4.1 s``."""
        ...
