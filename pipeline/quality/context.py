"""What a gate is told beside the rows of the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """What was there before, and what the rows refer to."""

    now: datetime
    """On the event clock, with its time zone."""
    daily_rows: Mapping[date, int] = field(default_factory=dict)
    """Rows of the same table by day; days without rows may be absent. Only those before the day count."""
    references: Mapping[str, DataFrame] = field(default_factory=dict)
    """Reference tables by name."""
    source_rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of the day in the tables that this one was made of, by table."""

    def trailing(self, day: date, days: int) -> Mapping[date, int]:
        """The rows of those of the ``days`` before ``day`` that have any."""
        before = (day - timedelta(days=back) for back in range(days, 0, -1))
        return {earlier: rows for earlier in before if (rows := self.daily_rows.get(earlier, 0)) > 0}
