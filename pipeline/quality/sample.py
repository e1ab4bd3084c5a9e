"""A sample of a day's events, for statistics that need them in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:  # statistics of a sample need no Spark
    from pyspark.sql import DataFrame

IDENTITY: Final = ("event_id", "event_time")
COLUMNS: Final = (*IDENTITY, "category", "value", "quantity")
MOST: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Events of a day, sorted by identity."""

    events: pa.Table
    """Schema ``COLUMNS``; event_time in UTC."""
    rows: int
    """The number of events of the whole day."""

    @property
    def description(self) -> str:
        """How much of the day the sample covers, for display."""
        if self.events.num_rows == self.rows:
            return f"all {self.rows:,} events"
        return f"{self.events.num_rows:,} of {self.rows:,} events, drawn by a seed"


def sample(silver: DataFrame, *, seed: int, rows: int | None = None, most: int = MOST) -> Sample:
    """Draw at most ``most`` events of a day of Silver: those with the lowest hash of identity and seed.

    The sample does not depend on how rows are spread over files and partitions. ``rows`` is the day's number
    of rows, if known.
    """
    from pyspark.sql import functions as F  # noqa: PLC0415

    lot = F.xxhash64(*IDENTITY, F.lit(seed))
    drawn = silver.orderBy(lot, *IDENTITY).limit(most).select(*COLUMNS).toArrow()
    events = drawn.sort_by([(name, "ascending") for name in IDENTITY])
    return Sample(events=events.combine_chunks(), rows=silver.count() if rows is None else rows)
