"""Silver and Gold of a day: how far from a job without logic they are, and from DuckDB on the same files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pipeline.base.options import LakeOptions
from tests.bench.protocol import Settings

_EVENTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class LakeBench:
    """The pipeline's own tasks, step by step, over a small day and a large one."""

    name: str = "lake"
    summary: str = "Silver and Gold of a day, beside a plain Spark job and DuckDB, and where their time goes"
    options: LakeOptions = field(default_factory=LakeOptions)
    """With a planted fault the bench must fail, as its outputs differ."""

    def run(self, settings: Settings) -> None:
        """Measure both days, hold the outputs against each other, show what was found and write it down.

        Raises OutputsDiffer.
        """
        # Spark and what the lake needs are imported when they are asked for.
        from tests.bench.lake_run import run  # noqa: PLC0415

        run(self.name, settings, events=settings.events or _EVENTS, options=self.options)
