"""The event clock: maps an event's planned offsets to its send time and event time; and UTC days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_NS_PER_MS: Final = 1_000_000
ORIGIN_BACK_S: Final = _HOUR_MS / 1000
"""How much earlier than its events require an origin may lie, unless it is a midnight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClock:
    """Starts at ``origin_ms`` with the load, and runs ``time_scale`` times as fast as the wall clock."""

    origin_ms: int
    """Event time at the start of the load, in milliseconds since 1970."""
    load_start_ns: int
    """The start of the load, in nanoseconds since the run's epoch."""
    time_scale: float
    """Event-clock seconds per wall-clock second; at least 1."""

    def event_time_ms(self, event_offset_ms: int) -> int:
        """An event's time, in milliseconds since 1970."""
        return self.origin_ms + event_offset_ms

    def send_ns(self, send_offset_ms: int) -> int:
        """When an event is to be sent, in nanoseconds since the run's epoch."""
        return self.load_start_ns + round(send_offset_ms * _NS_PER_MS / self.time_scale)

    def offset_ms(self, now_ns: int) -> int:
        """The event clock's time since its origin; negative before the load starts."""
        return round((now_ns - self.load_start_ns) * self.time_scale / _NS_PER_MS)

    def send_ns_of(self, send_offsets_ms: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """``send_ns`` of many events at once."""
        waits_ns: np.ndarray[Any, Any] = np.rint(send_offsets_ms * float(_NS_PER_MS) / self.time_scale)
        return waits_ns.astype(np.int64) + self.load_start_ns


def origin_for(*, span_ms: int, start_unix_ms: int, whole_days: bool = False) -> int:
    """The origin of an event clock whose events all lie in the past when they are sent.

    ``span_ms`` is the largest event offset of the plan, including that of the closing events, which lie past
    the trace's own span. Even the last event is then older than the start of the load, so the event clock is
    behind the wall clock at any time scale and at every moment. The origin is a whole hour, so that windows
    cut every run of a plan in the same places; with ``whole_days`` it is a midnight (UTC), so that days do.
    """
    step_ms = _DAY_MS if whole_days else _HOUR_MS
    return (start_unix_ms - span_ms) // step_ms * step_ms


def day_of(time_ms: int) -> date:
    """The UTC day of a time in milliseconds since 1970."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).date()


def days_between(first_ms: int, last_ms: int, *, at_most: int) -> list[date]:
    """The UTC days from one time to another, inclusive; only the last ``at_most`` of them."""
    last = day_of(last_ms)
    count = min((last_ms // _DAY_MS) - (first_ms // _DAY_MS) + 1, at_most)
    return [last - timedelta(days=back) for back in reversed(range(count))]
