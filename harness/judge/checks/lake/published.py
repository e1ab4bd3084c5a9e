"""Every day of the source is published in every layer, unless planned to stay in quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import LAKE
from harness.oracle import lake, lake_days
from harness.scenario.lake_steps import RunDays

_PUBLISHED: Final = ["promoted", "promoted", "promoted"]
# Outcomes in the order of the layers: one gate quarantines a planned day, and the layers behind it are held
# back.
_QUARANTINED: Final = (
    ["quarantined", "held_back", "held_back"],
    ["promoted", "quarantined", "held_back"],
    ["promoted", "promoted", "quarantined"],
)
_OUTCOMES: Final = """
WITH layers AS (FROM (VALUES (1, 'bronze'), (2, 'silver'), (3, 'gold')) AS t(place_in_order, layer)),
days AS (
    SELECT event_date, event_date IN (FROM planned_days) AS planned
    FROM (FROM due_days UNION FROM planned_days)
)
SELECT event_date::VARCHAR AS day, planned,
       list(coalesce(outcome, 'not_run') ORDER BY place_in_order) AS outcomes,
       list(layer || ' ' || replace(coalesce(outcome, 'not_run'), '_', ' ')
            ORDER BY place_in_order) AS described
FROM days CROSS JOIN layers LEFT JOIN (SELECT layer, event_date, outcome FROM lake_days)
    USING (layer, event_date)
GROUP BY ALL
"""
_WRONG: Final = """
SELECT * FROM day_outcomes
WHERE CASE WHEN planned THEN NOT list_contains($quarantined, outcomes) ELSE outcomes <> $published END
"""
_SUMS: Final = """
SELECT (SELECT count(*) FROM days_amiss) AS wrong, count(*) AS days, count(*) FILTER (planned) AS planned
FROM day_outcomes
"""
_EXAMPLES: Final = "SELECT * FROM days_amiss ORDER BY day LIMIT $limit"


class DaysPublished(SafetyCheck):
    """Finds days that are nowhere, which the checks of a layer's content cannot see."""

    name = "days_published"
    describes = "days of the source not published in every layer, or not kept in quarantine as planned"
    fit_for = (LAKE,)
    needs: Set[str] = lake.NEEDS | lake_days.NEEDS

    def measure(self, history: History) -> Measurement:
        """The number of days of the source that are not where they should be."""
        if not (_runs_days(history) or history.value("SELECT count(*) FROM lake_tasks")):
            return Unjudged(reason="the scenario runs no day")
        lake_days.derive_days(history)
        history.derive("day_outcomes", _OUTCOMES)
        history.derive("days_amiss", _WRONG, {"published": _PUBLISHED, "quarantined": list(_QUARANTINED)})
        sums = history.rows(_SUMS)[0]
        if not sums["days"]:
            return Unjudged(reason="the source has no event of a day that is due")
        planned = f"; {sums['planned']} planned to stay in quarantine" if sums["planned"] else ""
        return Count(
            value=sums["wrong"],
            detail=f"of {sums['days']} days of the source{planned}",
            examples=examples(history, _EXAMPLES, _example),
        )


def _runs_days(history: History) -> bool:
    stage = history.scenario.lake
    return stage is not None and any(isinstance(step, RunDays) for step in stage.steps)


def _example(row: Mapping[str, Any]) -> str:
    planned = "; planned to stay in quarantine" if row["planned"] else ""
    return f"{row['day']}: {', '.join(row['described'])}{planned}"
