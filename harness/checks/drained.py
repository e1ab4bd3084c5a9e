"""The platform must have consumed everything by the end of the run."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History

_LAGS: Final = ("stream_lag_events", "hot_lag_events")
_LAST: Final = """
SELECT metric, sum(value)::BIGINT AS lag FROM (
    SELECT metric, label, arg_max(value, at_ns) AS value FROM samples
    WHERE metric IN ('stream_lag_events', 'hot_lag_events')
      AND at_ns >= (SELECT min(from_ns) FROM phases WHERE phase IN ('drain', 'done'))
    GROUP BY metric, label
) GROUP BY metric
"""


class Drained:
    """Takes the last sample of each lag, which must be of the drain or later."""

    name = "drained"
    describes = "events that the stream job and the hot writer had still to consume when the run ended"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"samples", "phases"})

    def measure(self, history: History) -> Measurement:
        """What was left of both lags together."""
        lags = {row["metric"]: row["lag"] for row in history.rows(_LAST)}
        if absent := [lag for lag in _LAGS if lag not in lags]:
            return Unjudged(reason=f"no sample of {' and '.join(absent)} since the drain began")
        return Count(
            value=sum(lags.values()), detail="; ".join(f"{metric} {lags[metric]:,}" for metric in _LAGS)
        )
