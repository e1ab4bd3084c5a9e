"""What a bench is, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.base.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line says to every bench."""

    events: int | None
    """How many events to measure with; None leaves it to the bench."""
    out: Path
    """The folder for ``<name>.json``, and for the logs of the engines."""
    report: Report


class Bench(Protocol):
    """One measurement of something real."""

    @property
    def name(self) -> str:
        """As it is asked for, and the name of its results."""
        ...

    @property
    def summary(self) -> str:
        """What it measures, in a line."""
        ...

    def run(self, settings: Settings) -> None:
        """Measure, show a table to people, write the results, and leave nothing running."""
        ...
