"""Assigns a trace's events to the arrivals of a profile, in time order, repeating them as needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from harness.base.errors import InvalidInput, Problem
from harness.load.traces.sql import one_row
from harness.scenario.profiles.arrivals import arrivals_s
from harness.scenario.profiles.curve import Curve
from harness.scenario.profiles.protocol import Arrivals

_ARRANGED: Final = """
CREATE TABLE arranged AS
SELECT a.number AS row, a.arrival_ms AS offset_ms, t.* EXCLUDE (row, offset_ms)
FROM arrivals a
JOIN (SELECT *, row_number() OVER (ORDER BY time_ms, row) - 1 AS place FROM trace) t
    ON t.place = a.number % $events
"""
_REPEATED: Final = """
SELECT coalesce(sum(surplus), 0)::BIGINT, min(event_id) FROM (
    SELECT event_id, count(*) - 1 AS surplus FROM arranged GROUP BY event_id, offset_ms HAVING count(*) > 1
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """The arrivals that a trace's events are assigned to."""

    curve: Curve
    arrivals: Arrivals
    seed: int
    time_scale: float
    """Event-clock seconds per wall-clock second."""
    where: str
    """Where the profile is defined, for messages."""

    def offsets_ms(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The offset of each arrival on the event clock, rounded down to a millisecond."""
        at_s = arrivals_s(self.curve, self.arrivals, seed=self.seed)
        return np.floor(at_s * (self.time_scale * 1000)).astype(np.int64)


def arrange(database: duckdb.DuckDBPyConnection, arrangement: Arrangement, *, events: int) -> int:
    """Replace the view ``trace`` of ``events`` events with one whose events arrive by the profile.

    Returns the new number of events. Raises InvalidInput if two of them have the same identity.
    """
    offsets_ms = arrangement.offsets_ms()
    arrivals = pa.table({"number": np.arange(len(offsets_ms)), "arrival_ms": offsets_ms})
    database.register("arrivals", arrivals)
    database.execute(_ARRANGED, {"events": events})
    database.unregister("arrivals")
    _check_identities(database, arrangement, repetitions=-(-len(offsets_ms) // events))
    database.execute("CREATE OR REPLACE VIEW trace AS FROM arranged")
    return len(offsets_ms)


def _check_identities(
    database: duckdb.DuckDBPyConnection, arrangement: Arrangement, *, repetitions: int
) -> None:
    surplus, example = one_row(database, _REPEATED)
    if surplus:
        found = (
            f"{surplus:,} events that repeat the (event_id, time) of an earlier one, such as {example};"
            f" the trace is sent {repetitions:,} times"
        )
        allowed = "repetitions at least a millisecond of event time apart: use a longer trace or event_span"
        raise InvalidInput([Problem(where=arrangement.where, found=found, allowed=allowed)])
