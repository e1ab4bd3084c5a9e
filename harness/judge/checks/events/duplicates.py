"""No record may be in the source topic more often than it was sent, and no output may appear twice."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.history.schema import UNREADABLE
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import EVENTS, SOURCE_ALONE, STREAM
from harness.oracle.events import NEEDS, derive_events

# A refused record that is stored anyway is unaccounted for once; only its further copies count here.
_IN_SOURCE: Final = """
SELECT 'events: event ' || sent_as || ' of the plan' AS item, copies, greatest(allowed, 1) AS allowed
FROM oracle_stored JOIN oracle_sent_as USING (sent_as) WHERE copies > greatest(allowed, 1)
"""
_IN_OUTPUTS: Final = f"""
UNION ALL
SELECT 'events_valid: event ' || seq || ' of the plan', in_valid, 1 FROM oracle_present WHERE in_valid > 1
UNION ALL
SELECT 'events_late: event ' || seq || ' of the plan', in_late, 1 FROM oracle_present WHERE in_late > 1
UNION ALL
SELECT topic || ': the record at ' || source_partition || '@' || source_offset, count(*), 1
FROM readback_events WHERE topic = 'events_dead_letter'
GROUP BY topic, source_partition, source_offset HAVING count(*) > 1
UNION ALL
SELECT 'window_results: ' || window_kind || ' ' || key || ' from ' || window_start_ms || ' to '
           || window_end_ms, count(*), 1
FROM readback_windows WHERE window_kind <> '{UNREADABLE}'
GROUP BY window_kind, key, window_start_ms, window_end_ms HAVING count(*) > 1
"""  # noqa: S608 -- the kind is this product's own
_SOURCE: Final = "SELECT count(*) FROM readback_events WHERE topic = 'events'"
_OUTPUTS: Final = """
SELECT (SELECT count(*) FROM wrong_duplicates)
     + (SELECT count(*) FROM readback_events WHERE topic <> 'events')
     + (SELECT count(*) FROM readback_windows)
"""
_EXAMPLES: Final = """
SELECT *, CASE WHEN allowed > 1 THEN ' instead of ' || allowed ELSE '' END AS instead
FROM wrong_duplicates ORDER BY item LIMIT $limit
"""


class DuplicatesInSource(CountingCheck):
    """For runs with only the source topic. A planned duplicate is a separate send."""

    name = "duplicates"
    describes = "surplus copies of events in the source topic"
    fit_for = (SOURCE_ALONE, EVENTS)
    needs: Set[str] = NEEDS
    wrong = _IN_SOURCE
    counted = "sum(copies - allowed)"
    judged = _SOURCE
    nothing = "the source topic is empty"
    shown = _EXAMPLES
    example = "{item}, {copies} times{instead}"

    def prepare(self, history: History) -> str:
        """Derive what was sent and what is stored."""
        derive_events(history)
        return ""


class Duplicates(DuplicatesInSource):
    """An event has one place in an output, a dead letter one source record, a window one result."""

    describes = "surplus copies in the source topic, and of events, dead letters and windows in the outputs"
    fit_for = (STREAM, EVENTS)
    needs: Set[str] = NEEDS | {"readback_windows"}
    wrong = _IN_SOURCE + _IN_OUTPUTS
    judged = _OUTPUTS
    nothing = "nothing came out of the pipeline"
