"""Days in UTC, by which the hot store's partitions are cut."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

_DAY_MS: Final = 86_400_000


def day_of(time_ms: int) -> date:
    """The day in UTC of a time in milliseconds since 1970."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).date()


def days_between(first_ms: int, last_ms: int, *, at_most: int) -> list[date]:
    """The days from one time to another; where there are too many, the last ones."""
    last = day_of(last_ms)
    count = min((last_ms // _DAY_MS) - (first_ms // _DAY_MS) + 1, at_most)
    return [last - timedelta(days=back) for back in reversed(range(count))]
