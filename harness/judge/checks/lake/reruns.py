"""Carrying a day out again, with nothing new, changed nothing."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER

_CHANGED: Final = """
WITH before AS (SELECT * FROM lake_contents WHERE moment = 'before'),
     after AS (SELECT * FROM lake_contents WHERE moment = 'after')
SELECT coalesce(a.step, b.step) AS step, coalesce(a."table", b."table") AS "table",
       coalesce(a.event_date, b.event_date)::VARCHAR AS day,
       coalesce(b.rows, 0) AS before, coalesce(a.rows, 0) AS after
FROM before b FULL JOIN after a
    ON a.step = b.step AND a."table" = b."table" AND a.event_date IS NOT DISTINCT FROM b.event_date
WHERE b.checksum IS DISTINCT FROM a.checksum OR b.rows IS DISTINCT FROM a.rows
"""
_COMPARED: Final = """
SELECT count(DISTINCT (step, "table", event_date)) FROM lake_contents WHERE moment = 'after'
"""
_EXAMPLES: Final = 'SELECT * FROM changed_days ORDER BY step, day, "table" LIMIT $limit'


class RerunsUnchanged:
    """Counts tables of days whose rows are not, one by one and in any order, what they were before."""

    name = "reruns_unchanged"
    describes = "tables of days whose content changed when the day was carried out again with nothing new"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"lake_contents"})

    def measure(self, history: History) -> Measurement:
        """How many tables of days a rerun changed."""
        compared = history.value(_COMPARED)
        if not compared:
            return Unjudged(reason="no day was carried out again to its end")
        history.derive("changed_days", _CHANGED)
        return Count(
            value=history.value("SELECT count(*) FROM changed_days"),
            detail=f"of {compared} tables of days",
            examples=examples(history, _EXAMPLES, _example),
        )


def _example(row: Mapping[str, Any]) -> str:
    rows = f"{row['before']:,} rows before, {row['after']:,} after"
    return f"{row['table']} of {row['day'] or 'all days'}, step {row['step']}: {rows}"
