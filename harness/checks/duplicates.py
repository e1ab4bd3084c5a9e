"""Nothing may come out of the exactly-once pipeline twice."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.examples import examples
from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History

_REPEATED: Final = """
SELECT topic || ': event ' || seq || ' of the plan' AS item, count(*) AS copies
FROM readback_events WHERE topic IN ('events_valid', 'events_late') AND seq >= 0
GROUP BY topic, seq HAVING count(*) > 1
UNION ALL
SELECT topic || ': the record at ' || source_partition || '@' || source_offset, count(*)
FROM readback_events WHERE topic = 'events_dead_letter'
GROUP BY topic, source_partition, source_offset HAVING count(*) > 1
UNION ALL
SELECT 'window_results: ' || window_kind || ' ' || key || ' from ' || window_start_ms || ' to '
           || window_end_ms, count(*)
FROM readback_windows GROUP BY window_kind, key, window_start_ms, window_end_ms HAVING count(*) > 1
"""
_OUTPUTS: Final = """
SELECT (SELECT count(*) FROM readback_events WHERE topic != 'events')
     + (SELECT count(*) FROM readback_windows)
"""
_EXAMPLES: Final = "SELECT item, copies FROM repeated ORDER BY item LIMIT $limit"


class Duplicates:
    """An event has one place in a topic, a dead letter one source record, a window one result."""

    name = "duplicates"
    describes = "surplus copies of events, dead letters and window results in the pipeline's outputs"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"readback_events", "readback_windows"})

    def measure(self, history: History) -> Measurement:
        """How many records are one copy too many."""
        if not history.value(_OUTPUTS):
            return Unjudged(reason="nothing came out of the pipeline, neither once nor twice")
        history.derive("repeated", _REPEATED)
        return Count(
            value=history.value("SELECT coalesce(sum(copies - 1), 0)::BIGINT FROM repeated"),
            examples=examples(history, _EXAMPLES, "{item}, {copies} times".format_map),
        )
