"""Every layer of every day was judged by its gate, and nothing passed a gate that failed."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import LAKE

# A task that was held back did not run, so there was nothing to judge.
_GATES: Final = """
SELECT t.task AS layer, t.event_date, t.number, t.outcome,
       count(g.rule) FILTER (g.result IN ('passed', 'failed')) AS evaluated,
       list(g.rule ORDER BY g.rule) FILTER (g.severity = 'error' AND g.result = 'not_evaluated') AS skipped,
       list(g.rule ORDER BY g.rule) FILTER (g.severity = 'error' AND g.result = 'failed') AS failed
FROM lake_tasks t LEFT JOIN lake_gates g
    ON g.layer = t.task AND g.event_date = t.event_date AND g.number = t.number
WHERE t.event_date IS NOT NULL AND t.task IN ('bronze', 'silver', 'gold') AND t.outcome <> 'held_back'
GROUP BY ALL
"""
_WRONG: Final = """
SELECT layer, event_date::VARCHAR AS day, arg_max(CASE WHEN evaluated = 0 THEN 'its gate was not evaluated'
       WHEN failed IS NOT NULL THEN 'promoted although these failed: ' || array_to_string(failed, ', ') ELSE
       'promoted although these were not evaluated: ' || array_to_string(skipped, ', ') END, number) AS wrong
       FROM passed_gates WHERE evaluated = 0 OR (outcome = 'promoted' AND (failed IS NOT NULL OR skipped IS
       NOT NULL)) GROUP BY ALL
"""


class GatesEvaluated(CountingCheck):
    """Counts each day of a layer once, however often it ran."""

    name = "gates_evaluated"
    describes = "days of layers whose gate was not evaluated, or that were promoted although it failed"
    fit_for = (LAKE,)
    needs: Set[str] = frozenset({"lake_tasks", "lake_gates"})
    wrong = _WRONG
    judged = "SELECT count(DISTINCT (layer, event_date)) FROM passed_gates"
    nothing = "the lake ran no layer of any day"
    detail = "of {} days of layers"
    shown = "FROM wrong_gates_evaluated ORDER BY day, layer LIMIT $limit"
    example = "{layer} of {day}: {wrong}"

    def prepare(self, history: History) -> str:
        """Derive the result of each layer's gate, for each of its runs."""
        history.derive("passed_gates", _GATES)
        return ""
