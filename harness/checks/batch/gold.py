"""Gold equals the oracle's aggregates, row by row.

Counts, minima, maxima and sums of whole numbers must be equal; sums of values may differ by 1e-9 of the
magnitude that was summed, since floating-point addition depends on its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from harness.checks.batch.layers import told
from harness.checks.examples import examples
from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History
from harness.oracle import batch, batch_days
from harness.oracle.gold import derive_gold

_TOLERANCE: Final = 1e-9
_MEASURES_DIFFER: Final = f"""
   e.events IS DISTINCT FROM f.events OR e.measured IS DISTINCT FROM f.measured
   OR e.value_min IS DISTINCT FROM f.value_min OR e.value_max IS DISTINCT FROM f.value_max
   OR e.quantity_sum IS DISTINCT FROM f.quantity_sum
   OR NOT coalesce(abs(e.value_sum - f.value_sum) <= {_TOLERANCE} * e.magnitude,
                   e.value_sum IS NULL AND f.value_sum IS NULL)
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
        """The query of its rows that differ, as ``(item, wanted, had)``: the numbers of their events."""
        of_days = ("SEMI JOIN days USING (event_date, place)", "SEMI JOIN days USING (event_date)")
        found, expected = of_days if self.by_day else ("", "")
        item = " || ' ' || ".join(f"{key}::VARCHAR" for key in self.keys)
        # A group that is there twice differs as well.
        return f"""
SELECT '{self.name} ' || {item} AS item, e.events AS wanted, f.events AS had
FROM (FROM oracle_{self.name} {expected}) e
FULL JOIN (FROM batch_gold_{self.name} {found}) f USING ({", ".join(self.keys)})
WHERE {self.differ}
UNION ALL
SELECT '{self.name} ' || {item}, NULL, count(*) FROM batch_gold_{self.name} {found}
GROUP BY {", ".join(self.keys)} HAVING count(*) > 1
"""  # noqa: S608 -- names of this module's own


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
_WRONG: Final = f"""
WITH days AS (SELECT event_date, place FROM batch_days WHERE layer = 'gold' AND place <> 'nowhere')
{" UNION ALL ".join(f"({table.compared})" for table in _TABLES)}
"""  # noqa: S608
_EXPECTED_ROWS: Final = " + ".join(f"(SELECT count(*) FROM oracle_{t.name})" for t in _TABLES)  # noqa: S608
_SUMS: Final = f"""
SELECT (SELECT count(*) FROM wrong_gold) AS wrong, {_EXPECTED_ROWS} AS rows,
       count(*) FILTER (place <> 'nowhere') AS days, count(*) FILTER (place = 'quarantine') AS quarantined,
       count(*) FILTER (place = 'nowhere') AS held_back
FROM batch_days WHERE layer = 'gold'
"""  # noqa: S608
_EXAMPLES: Final = "SELECT * FROM wrong_gold ORDER BY item LIMIT $limit"


class GoldEqualsOracle:
    """The daily and hourly aggregates, the entities' days, and the entities that these add up to."""

    name = "gold_equals_oracle"
    describes = "rows of Gold that are missing, unexpected or unlike the oracle's"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = batch.NEEDS | batch_days.NEEDS | {"batch_gold_entities"}

    def measure(self, history: History) -> Measurement:
        """How many rows of the judged days are missing, unexpected or different."""
        if why := batch_days.why_unjudged(history):
            return Unjudged(reason=why)
        batch_days.derive_days(history)
        derive_gold(history)
        history.derive("wrong_gold", _WRONG)
        sums = history.rows(_SUMS)[0]
        return Count(
            value=sums["wrong"],
            detail=told(sums, "rows"),
            examples=examples(history, _EXAMPLES, _example),
        )


def _example(row: Mapping[str, Any]) -> str:
    if row["wanted"] is None:
        return f"{row['item']}: unexpected, or there more than once"
    if row["had"] is None:
        return f"{row['item']}: missing"
    return f"{row['item']}: expected {row['wanted']:,} events, found {row['had']:,}" + (
        "; another figure differs" if row["wanted"] == row["had"] else ""
    )
