"""The expected Gold, computed from the expected Silver (harness/oracle/lake.py)."""

from __future__ import annotations

from typing import Final

from harness.history.reader import History
from harness.oracle.lake import derive_lake

# Sums of large doubles can overflow, even only in between; scaled down, none does. Small values are not
# scaled, since they would lose digits.
_LARGE: Final = 1e200
_SCALE: Final = 2.0**-64
_MEASURES: Final = f"""
    count(*) AS events, count(value) AS measured, min(value) AS value_min, max(value) AS value_max,
    try_cast(sum(quantity) AS BIGINT) AS quantity_sum,
    CASE WHEN max(abs(value)) > {_LARGE} THEN {_SCALE}::DOUBLE ELSE 1.0::DOUBLE END AS scale,
    CASE WHEN scale < 1 THEN sum(value * {_SCALE}) ELSE sum(value) END AS scaled_sum,
    CASE WHEN scale < 1 THEN sum(abs(value) * {_SCALE}) ELSE sum(abs(value)) END AS scaled_magnitude
"""
_DAILY: Final = f"""
SELECT *, scaled_sum / scale AS value_sum
FROM (
    SELECT event_date, category, event_type, {_MEASURES}
    FROM oracle_silver GROUP BY event_date, category, event_type
)
"""  # noqa: S608 -- the measures stand above
_HOURLY: Final = f"""
SELECT *, scaled_sum / scale AS value_sum
FROM (
    SELECT event_date, event_time_ms // 3_600_000 * 3_600_000 AS hour_ms, category, event_type, {_MEASURES}
    FROM oracle_silver GROUP BY event_date, hour_ms, category, event_type
)
"""  # noqa: S608
# If several last events of an entity have the same time, any of them may be the last.
_ENTITY_DAYS: Final = """
WITH days AS (
    SELECT event_date, entity_id, count(*) AS events, min(event_time_ms) AS first_event_time_ms,
           max(event_time_ms) AS last_event_time_ms
    FROM oracle_silver GROUP BY ALL
)
SELECT d.*, list({'type': s.event_type, 'value': s.value}) AS last_events
FROM days d JOIN oracle_silver s
    ON s.event_date = d.event_date AND s.entity_id = d.entity_id AND s.event_time_ms = d.last_event_time_ms
GROUP BY ALL
"""
# Entities are compared with the sum of their recorded days, which are checked separately: a day that was held
# back may be in the table from an earlier promotion.
_ENTITIES: Final = """
WITH days AS (SELECT * FROM lake_gold_entity_days WHERE place = 'table'),
entities AS (
    SELECT entity_id, sum(events)::BIGINT AS events, min(first_event_time_ms) AS first_event_time_ms,
           max(last_event_time_ms) AS last_event_time_ms
    FROM days GROUP BY ALL
)
SELECT e.*, list(d.last_event_type) AS last_types
FROM entities e JOIN days d
    ON d.entity_id = e.entity_id AND d.last_event_time_ms = e.last_event_time_ms
GROUP BY ALL
"""


def derive_gold(history: History) -> None:
    """Make ``oracle_daily``, ``oracle_hourly``, ``oracle_entity_days`` and ``oracle_entities``.

    Their columns are those of the history's ``lake_gold_*``, and lists of the possible last events of an
    entity. ``value_sum`` is infinite if it overflows; ``scaled_sum`` and ``scaled_magnitude``, the sums of
    the values and of their magnitudes times ``scale``, are always finite. ``scaled_magnitude`` is the
    basis of the tolerance for other orders of summation.
    """
    derive_lake(history)
    history.derive("oracle_daily", _DAILY)
    history.derive("oracle_hourly", _HOURLY)
    history.derive("oracle_entity_days", _ENTITY_DAYS)
    history.derive("oracle_entities", _ENTITIES)
