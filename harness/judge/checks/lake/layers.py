"""Bronze and Silver equal the oracle's, by day.

The history holds groups of rows (harness/history/lake_schema.py), so the count of differing rows is a lower
bound: the rows that a group's buckets lack or have in excess, and one for each bucket with the right number
of rows but the wrong checksum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import LAKE
from harness.oracle import lake, lake_days


def _compared(layer: str, found: str, expected: str, keys: Sequence[str]) -> str:
    """The query for groups of ``found`` and ``expected`` that differ, where the layer's days lie.

    Everything that a table holds of a day that was never promoted is unexpected.
    """
    others = "".join(f", {key}" for key in keys if key != "event_date")
    return f"""
WITH days AS (FROM compared_days WHERE layer = '{layer}'),
found AS (FROM {found} SEMI JOIN days USING (event_date, place)),
expected AS (FROM {expected} JOIN (FROM days WHERE expected) USING (event_date)),
buckets AS (
    SELECT event_date{others}, coalesce(e.rows, 0) AS wanted, coalesce(f.rows, 0) AS had,
           e.checksum IS DISTINCT FROM f.checksum AS altered
    FROM expected e FULL JOIN found f USING (event_date, place{others}, bucket)
)
SELECT event_date::VARCHAR AS day{others}, sum(wanted)::BIGINT AS wanted, sum(had)::BIGINT AS had,
       greatest(sum(greatest(wanted - had, 0)), sum(greatest(had - wanted, 0)),
                count(*) FILTER (altered AND wanted = had))::BIGINT AS differing
FROM buckets GROUP BY ALL HAVING differing > 0
"""  # noqa: S608 -- this module's own names


_REJECTS: Final = """
WITH days AS (FROM compared_days WHERE layer = 'silver'),
found AS (
    SELECT event_date, place, reason, source, sum(rows)::BIGINT AS rows
    FROM lake_rejects SEMI JOIN days USING (event_date, place) GROUP BY ALL
),
expected AS (FROM oracle_rejects JOIN (FROM days WHERE expected) USING (event_date))
SELECT event_date::VARCHAR AS day, 'rejects, ' || reason AS event_type, source,
       coalesce(e.rows, 0) AS wanted, coalesce(f.rows, 0) AS had, abs(wanted - had) AS differing
FROM expected e FULL JOIN found f USING (event_date, place, reason, source)
WHERE differing > 0
"""
_SUMS: Final = """
SELECT (SELECT coalesce(sum(differing), 0)::BIGINT FROM {table}) AS wrong,
       (SELECT coalesce(sum(rows), 0)::BIGINT FROM {groups}
        SEMI JOIN (FROM lake_days WHERE layer = $layer AND place <> 'nowhere') USING (event_date)) AS rows,
       (SELECT count(*) FROM lake_days WHERE layer = $layer AND place <> 'nowhere') AS days,
       (SELECT count(*) FROM lake_days WHERE layer = $layer AND place = 'quarantine') AS quarantined,
       (SELECT count(*) FROM lake_days WHERE layer = $layer AND place = 'nowhere') AS held_back
"""


class _Layer(SafetyCheck):
    fit_for = (LAKE,)
    layer: str
    keys: Sequence[str]
    found: str
    also: str = ""
    """A query of further differences, with the same columns."""

    def measure(self, history: History) -> Measurement:
        """A lower bound of the rows of the judged days that are missing, unexpected or different."""
        if why := lake_days.why_unjudged(history):
            return Unjudged(reason=why)
        lake_days.derive_days(history)
        wrong, groups = f"wrong_{self.layer}", f"oracle_{self.layer}_groups"
        compared = _compared(self.layer, self.found, groups, self.keys)
        history.derive(wrong, f"({compared}) UNION ALL BY NAME ({self.also})" if self.also else compared)
        sums = history.rows(_SUMS.format(table=wrong, groups=groups), {"layer": self.layer})[0]
        if not sums["wrong"] and (why := lake_days.why_nothing_judged(history, self.layer)):
            return Unjudged(reason=why)
        shown = f"SELECT * FROM {wrong} ORDER BY ALL LIMIT $limit"  # noqa: S608 -- this module's own name
        return Count(
            value=sums["wrong"],
            detail=scope(sums, "rows"),
            examples=examples(history, shown, _example),
        )


class BronzeEqualsOracle(_Layer):
    """Bronze holds every record of the source topic and row of the partners' good files once, unchanged."""

    name = "bronze_equals_oracle"
    describes = "rows of Bronze that are missing, unexpected or unlike what was received"
    needs: Set[str] = lake.NEEDS | lake_days.NEEDS
    layer = "bronze"
    keys = ("event_date", "source")
    found = "lake_bronze"


class SilverEqualsOracle(_Layer):
    """Silver holds every identity once, and every reject with its reason."""

    name = "silver_equals_oracle"
    describes = "rows of Silver, and rejects by reason, that are missing, unexpected or unlike the oracle's"
    needs: Set[str] = lake.NEEDS | lake_days.NEEDS
    layer = "silver"
    keys = ("event_date", "event_type", "source")
    found = "lake_silver"
    also = _REJECTS


def scope(sums: Mapping[str, int], what: str) -> str:
    """The numbers of rows and days compared, of days in quarantine, and of days held back."""
    parts = [f"of {sums['rows']:,} {what} of {sums['days']} days"]
    if sums["quarantined"]:
        parts.append(f"{sums['quarantined']} of them in quarantine")
    if sums["held_back"]:
        parts.append(f"{sums['held_back']} were held back and are not judged")
    return "; ".join(parts)


def _example(row: Mapping[str, Any]) -> str:
    kinds = [row[key] for key in ("event_type", "source") if row.get(key)]
    found = f"expected {row['wanted']:,} rows, found {row['had']:,}"
    return f"{row['day']}, {', '.join(kinds)}: {found}" + (
        f", at least {row['differing']:,} different" if row["wanted"] == row["had"] else ""
    )
