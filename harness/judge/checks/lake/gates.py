"""Every layer of every day was judged by its gate, and nothing went past one that failed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER

# Held back is not carried out: there was nothing to judge.
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
SELECT layer, event_date::VARCHAR AS day,
       arg_max(CASE WHEN evaluated = 0 THEN 'its gate was not evaluated'
                    WHEN failed IS NOT NULL THEN 'promoted though failed: ' || array_to_string(failed, ', ')
                    ELSE 'promoted though nothing evaluated: ' || array_to_string(skipped, ', ') END,
               number) AS wrong
FROM passed_gates
WHERE evaluated = 0 OR (outcome = 'promoted' AND (failed IS NOT NULL OR skipped IS NOT NULL))
GROUP BY ALL
"""
_EXAMPLES: Final = "SELECT * FROM wrong_gates ORDER BY day, layer LIMIT $limit"


class GatesEvaluated:
    """Counts days of layers, each once, however often it was carried out."""

    name = "gates_evaluated"
    describes = "days of layers whose gate was not evaluated, or that were promoted though it failed"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"lake_tasks", "lake_gates"})

    def measure(self, history: History) -> Measurement:
        """How many days of layers went past their gate."""
        history.derive("passed_gates", _GATES)
        judged = history.value("SELECT count(DISTINCT (layer, event_date)) FROM passed_gates")
        if not judged:
            return Unjudged(reason="the lake carried out no layer of any day")
        history.derive("wrong_gates", _WRONG)
        return Count(
            value=history.value("SELECT count(*) FROM wrong_gates"),
            detail=f"of {judged} days of layers",
            examples=examples(history, _EXAMPLES, _example),
        )


def _example(row: Mapping[str, Any]) -> str:
    return f"{row['layer']} of {row['day']}: {row['wrong']}"
