"""Draws the sample of a day, with Spark."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipeline.quality.sample import COLUMNS, IDENTITY, Sample

MOST: Final = 100_000


def sample(silver: DataFrame, *, seed: int, rows: int | None = None, most: int = MOST) -> Sample:
    """At most ``most`` events of a day of Silver: those whose identity has the lowest hash with the seed.

    So it is the same however the rows are spread over files and partitions. ``rows`` are the day's, if they
    have been counted.
    """
    lot = F.xxhash64(*IDENTITY, F.lit(seed))
    drawn = silver.orderBy(lot, *IDENTITY).limit(most).select(*COLUMNS).toArrow()
    events = drawn.sort_by([(name, "ascending") for name in IDENTITY])
    return Sample(events=events.combine_chunks(), rows=silver.count() if rows is None else rows)
