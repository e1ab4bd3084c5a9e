"""The platform must have consumed everything by the end of the run."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History

_LEFT: Final = """
SELECT label AS topic, arg_max(value, at_ns)::BIGINT AS left_over
FROM samples WHERE metric = 'undrained_events' GROUP BY label ORDER BY label
"""
_CONSUMED: Final = (
    "SELECT DISTINCT label FROM samples WHERE metric IN ('stream_lag_events', 'hot_lag_events')"
)


class Drained:
    """Takes what the run found left when it had drained, or when it gave up waiting."""

    name = "drained"
    describes = "records that the stream job and the hot writer had still to consume when the run ended"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"samples"})

    def measure(self, history: History) -> Measurement:
        """What was left in all topics together."""
        left = {row["topic"]: row["left_over"] for row in history.rows(_LEFT)}
        consumed = set(history.columns(_CONSUMED)["label"].tolist())
        if not left or (untold := consumed - left.keys()):
            topics = ", ".join(sorted(untold)) if left else "any topic"
            return Unjudged(reason=f"it is not recorded what was left of {topics}")
        return Count(
            value=sum(left.values()), detail="; ".join(f"{topic} {n:,}" for topic, n in left.items())
        )
