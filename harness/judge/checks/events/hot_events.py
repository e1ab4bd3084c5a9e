"""The hot store's recent events equal the valid events sent to the pipeline, in every field."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import STREAM
from harness.oracle.events import NEEDS, derive_events

_FIELDS: Final = ("event_type", "entity_id", "category", "reference_id", "value", "quantity", "attributes")

_DIFFERENCES: Final = """
WITH expected AS (
    SELECT e.seq, p.event_id, e.event_time_ms, p.event_type, p.entity_id, p.category, p.reference_id,
           p.value, p.quantity, p.attributes
    FROM oracle_events e JOIN plan p ON p.seq = e.sent_as
)
SELECT event_id, event_time_ms, e.seq, h.event_id IS NULL AS missing, e.seq IS NULL AS unexpected,
       e.event_type IS DISTINCT FROM h.event_type AS event_type,
       e.entity_id IS DISTINCT FROM h.entity_id AS entity_id,
       e.category IS DISTINCT FROM h.category AS category,
       e.reference_id IS DISTINCT FROM h.reference_id AS reference_id,
       e.value IS DISTINCT FROM h.value AS value,
       e.quantity IS DISTINCT FROM h.quantity AS quantity,
       e.attributes IS DISTINCT FROM h.attributes
           AND coalesce(try(json(e.attributes)) <> try(json(h.attributes)), true) AS attributes
FROM expected e FULL JOIN readback_hot_events h USING (event_id, event_time_ms)
"""
_WRONG: Final = """
SELECT * FROM hot_differences
WHERE missing OR unexpected OR event_type OR entity_id OR category OR reference_id OR value OR quantity
   OR attributes
"""


class HotEventsEqualOracle(CountingCheck):
    """Compares by (event_id, event_time). Values must match to the bit: nothing computes with them."""

    name = "hot_events_equal_oracle"
    describes = "recent events in the hot store that are missing, unexpected or unlike what was sent"
    fit_for = (STREAM,)
    needs: Set[str] = NEEDS | {"readback_hot_events"}
    wrong = f"WITH hot_differences AS ({_DIFFERENCES}) {_WRONG}"
    judged = "SELECT count(*) FROM oracle_events"
    nothing = "no valid event was acknowledged or found"
    detail = "of {:,} valid events"
    shown = "SELECT * FROM wrong_hot_events_equal_oracle ORDER BY event_id, event_time_ms LIMIT $limit"

    def prepare(self, history: History) -> str:
        """Derive the valid events."""
        derive_events(history)
        return ""

    def describe(self, row: Mapping[str, Any]) -> str:
        """Describe the event and what is wrong with it."""
        item = f"{row['event_id']} at {row['event_time_ms']} ms"
        if row["missing"]:
            return f"{item}: missing; event {row['seq']} of the plan"
        if row["unexpected"]:
            return f"{item}: not in the plan, or never sent"
        return f"{item}: differs in {', '.join(field for field in _FIELDS if row[field])}"
