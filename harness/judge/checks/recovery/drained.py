"""By the end of the run the platform must have consumed every record and committed every result.

Lags alone are not enough: they are also zero while checkpoints do not complete or a transaction hangs.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import STREAM

_LEFT: Final = """
SELECT label AS topic, arg_max(value, at_ns)::BIGINT AS left_over
FROM samples WHERE metric = 'undrained_events' GROUP BY label ORDER BY label
"""
_CONSUMED: Final = (
    "SELECT DISTINCT label FROM samples WHERE metric IN ('stream_lag_events', 'hot_lag_events')"
)
_WAIT: Final = """
SELECT value >= 1 AS complete, label AS last_seen
FROM samples WHERE metric = 'drain_complete' ORDER BY at_ns DESC LIMIT 1
"""


class Drained(SafetyCheck):
    """Counts what was left when the run had drained or gave up waiting; giving up counts as at least one."""

    name = "drained"
    describes = "records not yet consumed when the run ended; at least one if it did not drain in time"
    fit_for = (STREAM,)
    needs: Set[str] = frozenset({"samples"})

    def measure(self, history: History) -> Measurement:
        """The number of records left in all topics together."""
        left = {row["topic"]: row["left_over"] for row in history.rows(_LEFT)}
        by_topic = tuple(f"{topic} {n:,}" for topic, n in left.items())
        wait = next(iter(history.rows(_WAIT)), None)
        if wait is not None and not wait["complete"]:
            in_time = f"the pipeline did not drain in time: {wait['last_seen']}"
            return Count(value=max(1, sum(left.values())), detail="; ".join((in_time, *by_topic)))
        consumed = set(history.columns(_CONSUMED)["label"].tolist())
        if not left or (unrecorded := consumed - left.keys()):
            topics = ", ".join(sorted(unrecorded)) if left else "any topic"
            return Unjudged(reason=f"no record of what was left of {topics}")
        if wait is None and not any(left.values()):
            return Unjudged(reason="no record of whether the pipeline drained in time")
        return Count(value=sum(left.values()), detail="; ".join(by_topic))
