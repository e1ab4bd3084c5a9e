"""Up to which event time every window must have been closed when the run had drained."""

from __future__ import annotations

from harness.history.reader import History
from harness.oracle.events import derive_events

_CLOSING = """
SELECT min(event_time_ms) - any_value(out_of_orderness_ms) FROM oracle_events, run WHERE kind = 'closing'
"""


def closed_until_ms(history: History) -> int | None:
    """Event time at or before which a window's end must lie for its result to be due.

    Each partition's watermark reaches its newest event less the allowed out-of-orderness, and each partition
    gets closing events that are newer than all others. The oldest of those that were acknowledged, or are
    there, decides: windows that end later may be out or not. None when there is none.
    """
    derive_events(history)
    horizon: int | None = history.value(_CLOSING)
    return horizon
