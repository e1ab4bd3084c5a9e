"""Carrying a day out again, with nothing new, changed nothing."""

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
    """Counts tables of days whose rows are not, one by one and in any order, what they were before."""

    name = "reruns_unchanged"
    describes = "tables of days whose content changed when the day was carried out again with nothing new"
    fit_for = (LAKE, RERUNS)
    needs: Set[str] = frozenset({"lake_contents"})
    wrong = _CHANGED
    judged = _COMPARED
    nothing = "no day was carried out again to its end"
    detail = "of {} tables of days"
    shown = 'FROM wrong_reruns_unchanged ORDER BY step, day, "table" LIMIT $limit'

    def describe(self, row: Mapping[str, Any]) -> str:
        """The table and the day, and how many rows it had."""
        rows = f"{row['before']:,} rows before, {row['after']:,} after"
        return f"{row['table']} of {row['day'] or 'all days'}, step {row['step']}: {rows}"
