"""In which order events come: the events of a session close together, mixed with those of other sessions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

_GAP_EVENTS: Final = 16.0
"""Between two events of a session, how many of others come on average, where there is room."""


def session_of_events(
    random: np.random.Generator, *, events: int, mean_length: float
) -> np.ndarray[Any, Any]:
    """The number of each event's session, from 0, in the order of the events.

    Lengths are geometrically distributed, but that the last session ends with the events. Sessions begin
    anywhere; each has its own gap between events, exponentially distributed.
    """
    lengths = random.geometric(1.0 / mean_length, size=events)
    ends = np.cumsum(lengths)
    count = int(np.searchsorted(ends, events)) + 1
    sessions = np.repeat(np.arange(count), lengths[:count])[:events]
    place_in_session = np.arange(events) - (ends - lengths)[sessions]
    begins = random.random(count) * events
    gaps = random.exponential(_GAP_EVENTS, size=count)
    order = np.argsort(begins[sessions] + place_in_session * gaps[sessions], kind="stable")
    in_order: np.ndarray[Any, Any] = sessions[order]
    return in_order
