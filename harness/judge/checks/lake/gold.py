"""Gold equals the oracle's aggregates, row by row.

Counts, minima, maxima and sums of whole numbers must be equal. Sums of values may differ by 2^-50 of the
summed magnitude per value, and by at most 1e-9 of it, since floating-point addition depends on its order. An
infinite sum stands for the smallest sum beyond all doubles, so it is right where the oracle's is at least as
large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from harness.history.reader import History
from harness.judge.checks.lake.layers import scope
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import LAKE
from harness.oracle import lake, lake_days
from harness.oracle.lake_gold import derive_gold

_TOLERANCE: Final = 1e-9
_ALLOWED: Final = f"least({_TOLERANCE}, e.measured * 2.0::DOUBLE ^ -50) * e.scaled_magnitude"
_BEYOND: Final = "2.0::DOUBLE ^ 512 * (2.0::DOUBLE ^ 512 * e.scale)"
"""The smallest number beyond all doubles, scaled; infinite only where nothing is scaled."""
_MEASURES_DIFFER: Final = f"""
   e.events IS DISTINCT FROM f.events OR e.measured IS DISTINCT FROM f.measured
   OR e.value_min IS DISTINCT FROM f.value_min OR e.value_max IS DISTINCT FROM f.value_max
   OR e.quantity_sum IS DISTINCT FROM f.quantity_sum
   OR NOT coalesce(CASE WHEN isinf(f.value_sum)
                        THEN e.scaled_sum * sign(f.value_sum) + {_ALLOWED} >= {_BEYOND}
                        ELSE abs(e.scaled_sum - f.value_sum * e.scale) <= {_ALLOWED} END,
                   e.scaled_sum IS NULL AND f.value_sum IS NULL)
"""
_ENTITY_DIFFERS: Final = """
   e.events IS DISTINCT FROM f.events OR e.first_event_time_ms IS DISTINCT FROM f.first_event_time_ms
   OR e.last_event_time_ms IS DISTINCT FROM f.last_event_time_ms
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    name: str
    keys: Sequence[str]
    differ: str
    by_day: bool = True

    @property
    def compared(self) -> str:
        """The query for rows that differ: ``item``, and its numbers of events ``wanted`` and ``had``."""
        found = "SEMI JOIN days USING (event_date, place)" if self.by_day else ""
        keys = ", ".join((*self.keys, "place") if self.by_day else self.keys)
        item = " || ' ' || ".join(f"{key}::VARCHAR" for key in self.keys)
        # A group that occurs twice differs as well.
        return f"""
SELECT '{self.name} ' || {item} AS item, e.events AS wanted, f.events AS had
FROM ({self.expected}) e FULL JOIN (FROM lake_gold_{self.name} {found}) f USING ({keys})
WHERE {self.differ}
UNION ALL
SELECT '{self.name} ' || {item}, NULL, count(*) FROM lake_gold_{self.name} {found}
GROUP BY {keys} HAVING count(*) > 1
"""  # noqa: S608 -- this module's own names

    @property
    def expected(self) -> str:
        """The query for the expected rows and their place. ``days`` are the days compared."""
        of_days = "JOIN (FROM days WHERE expected) USING (event_date)" if self.by_day else ""
        return f"FROM oracle_{self.name} {of_days}"


_TABLES: Final = (
    _Table(name="daily", keys=("event_date", "category", "event_type"), differ=_MEASURES_DIFFER),
    _Table(name="hourly", keys=("event_date", "hour_ms", "category", "event_type"), differ=_MEASURES_DIFFER),
    _Table(
        name="entity_days",
        keys=("event_date", "entity_id"),
        differ=_ENTITY_DIFFERS
        + """
   OR NOT coalesce(list_contains(e.last_events, {'type': f.last_event_type, 'value': f.last_value}), false)
""",
    ),
    _Table(
        name="entities",
        keys=("entity_id",),
        differ=f"{_ENTITY_DIFFERS} OR NOT coalesce(list_contains(e.last_types, f.last_event_type), false)",
        by_day=False,
    ),
)
_JUDGED_DAYS: Final = "WITH days AS (FROM compared_days WHERE layer = 'gold')"
_WRONG: Final = f"""
{_JUDGED_DAYS}
{" UNION ALL ".join(f"({table.compared})" for table in _TABLES)}
"""
_EXPECTED_ROWS: Final = " + ".join(f"(SELECT count(*) FROM ({t.expected}))" for t in _TABLES)  # noqa: S608
_SUMS: Final = f"""
{_JUDGED_DAYS}
SELECT (SELECT count(*) FROM wrong_gold) AS wrong, {_EXPECTED_ROWS} AS rows,
       count(*) FILTER (place <> 'nowhere') AS days, count(*) FILTER (place = 'quarantine') AS quarantined,
       count(*) FILTER (place = 'nowhere') AS held_back
FROM lake_days WHERE layer = 'gold'
"""  # noqa: S608
_EXAMPLES: Final = "SELECT * FROM wrong_gold ORDER BY item LIMIT $limit"


class GoldEqualsOracle(SafetyCheck):
    """Compares daily and hourly aggregates, the entities' days, and the entities summed over them."""

    name = "gold_equals_oracle"
    describes = "rows of Gold that are missing, unexpected or unlike the oracle's"
    fit_for = (LAKE,)
    needs: Set[str] = lake.NEEDS | lake_days.NEEDS | {"lake_gold_entities"}

    def measure(self, history: History) -> Measurement:
        """The number of rows of the judged days that are missing, unexpected or different."""
        if why := lake_days.why_unjudged(history):
            return Unjudged(reason=why)
        lake_days.derive_days(history)
        derive_gold(history)
        history.derive("wrong_gold", _WRONG)
        sums = history.rows(_SUMS)[0]
        if not sums["wrong"] and (why := lake_days.why_nothing_judged(history, "gold")):
            return Unjudged(reason=why)
        return Count(
            value=sums["wrong"],
            detail=scope(sums, "rows"),
            examples=examples(history, _EXAMPLES, _example),
        )


def _example(row: Mapping[str, Any]) -> str:
    if row["wanted"] is None:
        return f"{row['item']}: unexpected, or present more than once"
    if row["had"] is None:
        return f"{row['item']}: missing"
    return f"{row['item']}: expected {row['wanted']:,} events, found {row['had']:,}" + (
        "; another figure differs" if row["wanted"] == row["had"] else ""
    )
