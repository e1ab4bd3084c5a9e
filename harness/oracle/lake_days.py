"""The days on which each layer is judged, and where a day's rows must be.

A layer is judged on every day for which its task ran, it holds rows, or the source has an event. A day that
begins as the load ends is not due: only the load's last event and its closing events fall into it. A day's
rows must be where the layer's last task put them: in the table or in quarantine. A day that was held back is
not judged, since its rows come from older inputs; if it was never promoted, its table must not contain it.

Whether a day should have been published is checked separately (harness/judge/checks/lake/published.py).
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History
from harness.oracle.lake import derive_lake

_GOLD: Final = ("lake_gold_daily", "lake_gold_hourly", "lake_gold_entity_days")
NEEDS: Final = frozenset({"lake_tasks", "lake_bronze", "lake_silver", "lake_rejects", *_GOLD})

_DUE: Final = """
SELECT DISTINCT event_date FROM oracle_bronze, run
WHERE closing IS NOT TRUE AND event_time_ms < origin_ms + {span_ms}
"""
_PLANNED: Final = """
SELECT DATE '1970-01-01' + (origin_ms // 86_400_000)::INTEGER + unnest($days::INTEGER[]) - 1 AS event_date
FROM run
"""
_DAYS: Final = """
WITH layers AS (FROM (VALUES ('bronze'), ('silver'), ('gold')) AS t(layer)),
last AS (
    SELECT task AS layer, event_date, arg_max(outcome, number) AS outcome,
           bool_or(outcome = 'promoted') AS ever_promoted
    FROM lake_tasks WHERE event_date IS NOT NULL GROUP BY ALL
), days AS (
    SELECT layer, event_date FROM layers, due_days
    UNION SELECT layer, event_date FROM last
    UNION SELECT 'bronze', event_date FROM lake_bronze
    UNION SELECT 'silver', event_date FROM lake_silver
    UNION SELECT 'silver', event_date FROM lake_rejects
    UNION SELECT 'gold', event_date FROM lake_gold_daily
    UNION SELECT 'gold', event_date FROM lake_gold_hourly
    UNION SELECT 'gold', event_date FROM lake_gold_entity_days
)
SELECT layer, event_date, outcome,
       CASE outcome WHEN 'quarantined' THEN 'quarantine'
                    WHEN 'held_back' THEN 'nowhere' ELSE 'table' END AS place,
       outcome IN ('quarantined', 'held_back') AND NOT ever_promoted AS unpublished
FROM days SEMI JOIN layers USING (layer) LEFT JOIN last USING (layer, event_date)
"""
_COMPARED: Final = """
SELECT layer, event_date, place, true AS expected FROM lake_days WHERE place <> 'nowhere'
UNION ALL SELECT layer, event_date, 'table', false FROM lake_days WHERE unpublished
"""
_HELD_BACK: Final = """
SELECT count(*) FILTER (place <> 'nowhere') AS judged, count(*) AS days,
       count(*) FILTER (place = 'nowhere' AND event_date NOT IN (FROM planned_days)) AS unplanned
FROM lake_days SEMI JOIN due_days USING (event_date) WHERE layer = $layer
"""
_UNPLANNED: Final = "SELECT count(*) FROM oracle_bronze WHERE reason IS NULL AND event_id IS NULL"


def derive_days(history: History) -> None:
    """Make these tables:

    - ``due_days (event_date)``: the source's days that must be published;
    - ``planned_days (event_date)``: the days that the scenario expects in quarantine;
    - ``lake_days (layer, event_date, outcome, place, unpublished)``: ``outcome`` is the last task's, null if
      none ran; ``place`` may also be ``nowhere``: not judged; ``unpublished`` days were quarantined or held
      back every time;
    - ``compared_days (layer, event_date, place, expected)``: the places where a day's rows are compared;
      where ``expected`` is false, there must be none.
    """
    derive_lake(history)
    span_ms = round(history.scenario.load.event_span * 1000)
    planned = history.scenario.lake.expect_quarantined if history.scenario.lake else ()
    history.derive("due_days", _DUE.format(span_ms=span_ms))
    history.derive("planned_days", _PLANNED, {"days": list(planned)})
    history.derive("lake_days", _DAYS)
    history.derive("compared_days", _COMPARED)


def why_nothing_judged(history: History, layer: str) -> str | None:
    """Return why no due day of a layer was judged, unless the scenario plans that. Needs ``derive_days``."""
    (days,) = history.rows(_HELD_BACK, {"layer": layer})
    if days["judged"] or not days["unplanned"]:
        return None
    return f"all {days['days']} days of {layer} were held back, so there is nothing to judge"


def why_unjudged(history: History) -> str | None:
    """Return why no layer's content can be judged, or None."""
    derive_lake(history)
    if not history.value("SELECT count(*) FROM lake_tasks WHERE event_date IS NOT NULL"):
        return "the lake ran no task for any day"
    if unplanned := history.value(_UNPLANNED):
        return f"{unplanned:,} records of the source topic are not in the plan, so their content is unknown"
    return None
