"""Which days each layer is judged by, and where its rows of a day are to lie.

Every day is judged of which a task of the layer was carried out, or the layer holds anything, or the source
has an event. A day that begins where the load ends is not due: its last event, and those that a replay ends
with, fall into a day that has only just begun. What a layer is to hold of a day lies
where its last task put it: in the table, or in quarantine. A day that was held back is not judged, since
whatever the layer has of it came from older inputs.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History
from harness.oracle.batch import derive_batch

_GOLD: Final = ("batch_gold_daily", "batch_gold_hourly", "batch_gold_entity_days")
NEEDS: Final = frozenset({"batch_tasks", "batch_bronze", "batch_silver", "batch_rejects", *_GOLD})

_DAYS: Final = """
WITH layers AS (FROM (VALUES ('bronze'), ('silver'), ('gold')) AS t(layer)),
last AS (
    SELECT task AS layer, event_date, arg_max(outcome, number) AS outcome
    FROM batch_tasks WHERE event_date IS NOT NULL GROUP BY ALL
), days AS (
    SELECT layer, event_date
    FROM layers, (FROM oracle_bronze, run WHERE closing IS NOT TRUE AND event_time_ms < origin_ms + {span_ms})
    UNION SELECT layer, event_date FROM last
    UNION SELECT 'bronze', event_date FROM batch_bronze
    UNION SELECT 'silver', event_date FROM batch_silver
    UNION SELECT 'silver', event_date FROM batch_rejects
    UNION SELECT 'gold', event_date FROM batch_gold_daily
    UNION SELECT 'gold', event_date FROM batch_gold_hourly
    UNION SELECT 'gold', event_date FROM batch_gold_entity_days
)
SELECT layer, event_date, CASE outcome WHEN 'quarantined' THEN 'quarantine'
                                       WHEN 'held_back' THEN 'nowhere' ELSE 'table' END AS place
FROM days SEMI JOIN layers USING (layer) LEFT JOIN last USING (layer, event_date)
"""
_STRANGE: Final = "SELECT count(*) FROM oracle_bronze WHERE reason IS NULL AND event_id IS NULL"


def derive_days(history: History) -> None:
    """Make ``batch_days (layer, event_date, place)``, where place may also be ``nowhere``: not judged."""
    derive_batch(history)
    span_ms = round(history.scenario.load.event_span * 1000)
    history.derive("batch_days", _DAYS.format(span_ms=span_ms))


def why_unjudged(history: History) -> str | None:
    """Why nothing can be said of any layer's content; None when something can."""
    derive_batch(history)
    if not history.value("SELECT count(*) FROM batch_tasks WHERE event_date IS NOT NULL"):
        return "the batch layer carried out no task of any day"
    if strange := history.value(_STRANGE):
        return f"{strange:,} records of the source topic are not of the plan, so what they hold is not known"
    return None
