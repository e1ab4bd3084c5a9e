"""Rerunning a day on unchanged input changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import LAKE, RERUNS

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


class RerunsUnchanged(CountingCheck):
    """Counts days of tables whose rows, in any order, are not exactly those from before the rerun."""

    name = "reruns_unchanged"
    describes = "days of tables whose content changed when the day was rerun on unchanged input"
    fit_for = (LAKE, RERUNS)
    needs: Set[str] = frozenset({"lake_contents"})
    wrong = _CHANGED
    judged = _COMPARED
    nothing = "no rerun of a day was completed"
    detail = "of {} days of tables"
    shown = 'FROM wrong_reruns_unchanged ORDER BY step, day, "table" LIMIT $limit'

    def describe(self, row: Mapping[str, Any]) -> str:
        """The table, the day, and its numbers of rows."""
        rows = f"{row['before']:,} rows before, {row['after']:,} after"
        return f"{row['table']} of {row['day'] or 'all days'}, step {row['step']}: {rows}"
