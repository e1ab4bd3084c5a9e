"""A sample of a day's events, for statistics that want them in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

IDENTITY: Final = ("event_id", "event_time")
COLUMNS: Final = (*IDENTITY, "category", "value", "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Events of a day, in the order of their identity."""

    events: pa.Table
    """``COLUMNS``; event_time in UTC."""
    rows: int
    """Of the whole day."""

    @property
    def says(self) -> str:
        """How much of the day it is, for people."""
        if self.events.num_rows == self.rows:
            return f"all {self.rows:,} events"
        return f"{self.events.num_rows:,} of {self.rows:,} events, drawn by a seed"
