"""Rows in equal rows out plus rejects, at every hop and on every day, across stream and batch.

The oracle defines what each table must hold; this check locates, from the tables alone, the hop at which rows
were added or lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import LAKE
from harness.oracle import lake, lake_days

# What each place holds, as (item, event_date, rows). A layer's day lies where its last task put it.
_COUNTED: Final = """
WITH days AS (FROM lake_days WHERE place <> 'nowhere'),
held AS (
    SELECT 'bronze' AS layer, 'bronze, ' || source AS item, event_date, place, rows FROM lake_bronze
    UNION ALL SELECT 'silver', 'silver, ' || source, event_date, place, rows FROM lake_silver
    UNION ALL SELECT 'silver', 'rejects, ' || source, event_date, place, rows FROM lake_rejects
    UNION ALL SELECT 'silver', source || ' rejected, ' || reason, event_date, place, rows FROM lake_rejects
    UNION ALL SELECT 'gold', 'daily', event_date, place, events FROM lake_gold_daily
    UNION ALL SELECT 'gold', 'hourly', event_date, place, events FROM lake_gold_hourly
    UNION ALL SELECT 'gold', 'entity_days', event_date, place, events FROM lake_gold_entity_days
)
SELECT item, event_date, sum(rows)::BIGINT AS rows
FROM held SEMI JOIN days USING (layer, event_date, place) GROUP BY ALL
UNION ALL
SELECT 'landing', event_date, sum(rows)::BIGINT FROM lake_landing GROUP BY ALL
UNION ALL
SELECT CASE source WHEN 'kafka' THEN 'source topic' ELSE 'partner files' END, event_date, count(*)
FROM oracle_bronze GROUP BY ALL
UNION ALL
SELECT 'events_valid', DATE '1970-01-01' + (event_time_ms // 86_400_000)::INTEGER AS event_date,
       count(DISTINCT seq)
FROM readback_events WHERE topic = 'events_valid' GROUP BY ALL
UNION ALL
SELECT 'dead letters, ' || reason, DATE '1970-01-01' + (event_time_ms // 86_400_000)::INTEGER AS event_date,
       count(DISTINCT (source_partition, source_offset))
FROM readback_events WHERE topic = 'events_dead_letter' GROUP BY ALL
"""
# Each hop: the layer whose judged days it covers, its inputs, and its expected outputs.
_HOPS: Final = """
FROM (VALUES
    ('bronze', ['source topic'], ['landing']),
    ('bronze', ['landing'], ['bronze, kafka']),
    ('bronze', ['partner files'], ['bronze, partner']),
    ('silver', ['bronze, kafka'], ['silver, kafka', 'rejects, kafka']),
    ('silver', ['bronze, partner'], ['silver, partner', 'rejects, partner']),
    ('gold', ['silver, kafka', 'silver, partner'], ['daily']),
    ('gold', ['silver, kafka', 'silver, partner'], ['hourly']),
    ('gold', ['silver, kafka', 'silver, partner'], ['entity_days'])
) AS hops(layer, inputs, outputs)
"""
_STREAM_HOPS: Final = """
UNION ALL SELECT 'silver', ['events_valid'], ['silver, kafka']
UNION ALL
SELECT DISTINCT 'silver', ['dead letters, ' || reason], ['kafka rejected, ' || reason]
FROM (SELECT regexp_extract(item, ', (.*)', 1) AS reason FROM batch_counted
      WHERE item LIKE 'dead letters, %'
         OR (item LIKE 'kafka rejected, %' AND item NOT LIKE '%, duplicate_identity'))
"""
"""The hops between the lake and the stream path, where that is deployed."""
_SUMMED: Final = """
SELECT array_to_string(inputs, ' + ') || ' -> ' || array_to_string(outputs, ' + ') AS hop,
       event_date::VARCHAR AS day,
       coalesce(sum(rows) FILTER (list_contains(inputs, item)), 0)::BIGINT AS rows_in,
       coalesce(sum(rows) FILTER (list_contains(outputs, item)), 0)::BIGINT AS rows_out
FROM lake_hops JOIN (FROM lake_days WHERE place <> 'nowhere') USING (layer)
LEFT JOIN batch_counted USING (event_date)
GROUP BY ALL
"""
_WRONG: Final = """
SELECT coalesce(sum(abs(rows_in - rows_out)), 0)::BIGINT AS wrong, count(DISTINCT hop) AS hops,
       count(DISTINCT day) AS days
FROM lake_reconciled
"""
_EXAMPLES: Final = "SELECT * FROM lake_reconciled WHERE rows_in <> rows_out ORDER BY day, hop LIMIT $limit"


class Reconciled(SafetyCheck):
    """Does not judge a day from the layer at which it was held back."""

    name = "reconciled"
    describes = "rows that were added or lost at a hop of the lake, or between it and the stream path"
    fit_for = (LAKE,)
    needs: Set[str] = lake.NEEDS | lake_days.NEEDS | {"lake_landing"}

    def measure(self, history: History) -> Measurement:
        """The difference in rows between inputs and outputs, summed over all hops and days."""
        if why := lake_days.why_unjudged(history):
            return Unjudged(reason=why)
        lake_days.derive_days(history)
        history.derive("batch_counted", _COUNTED)
        stream_hops = _STREAM_HOPS if "stream" in history.scenario.pipeline.deploy else ""
        history.derive("lake_hops", _HOPS + stream_hops)
        history.derive("lake_reconciled", _SUMMED)
        sums = history.rows(_WRONG)[0]
        return Count(
            value=sums["wrong"],
            detail=f"at {sums['hops']} hops, on {sums['days']} days",
            examples=examples(history, _EXAMPLES, _example),
        )


def _example(row: Mapping[str, Any]) -> str:
    return f"{row['day']}, {row['hop']}: {row['rows_in']:,} rows in, {row['rows_out']:,} out"
