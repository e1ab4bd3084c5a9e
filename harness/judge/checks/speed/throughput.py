"""How many events a second the platform acknowledged."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Measurement
from harness.judge.measure.protocol import DISTRIBUTION, UnderLoad
from harness.judge.measure.timing import by_phase

_PER_SECOND: Final = """
WITH acknowledged AS (
    SELECT (completed_ns - load_start_ns) // 1_000_000_000 AS second, sum(count) AS events
    FROM operations, run WHERE kind = 'produce' AND outcome = 'ok' GROUP BY ALL
)
SELECT coalesce(events, 0) AS value,
       load_start_ns + second * 1_000_000_000 AS at_ns, at_ns + 1_000_000_000 AS end_ns
FROM range((SELECT greatest(max(second), $seconds) FROM acknowledged)) AS seconds(second)
LEFT JOIN acknowledged USING (second), run
ORDER BY second
"""


class Throughput(DistributionCheck):
    """One value per full second, by the second in which the events were acknowledged.

    Every second of the load's duration counts, and those after it until the last answer. Of a run that did
    not come to its end, what was not recorded may have been acknowledged: it counts as far as answers go.
    """

    name = "throughput"
    describes = "events acknowledged in each second of the load; rate is their mean"
    unit = "1/s"
    aggregates: Set[str] = (DISTRIBUTION | {"rate"}) - {"count"}
    """Without ``count``: it would count seconds and be mistaken for events."""
    needs: Set[str] = timing.NEEDS | {"operations", "run"}
    under_load = UnderLoad.RATE

    def measure(self, history: History) -> Measurement:
        """Return acknowledged events by second; empty seconds count as zero."""
        sent = history.value("SELECT count(*) FROM operations WHERE kind = 'produce'")
        seconds = int(history.scenario.load.duration) if sent and history.complete else 0
        columns = history.columns(_PER_SECOND, {"seconds": seconds})
        return by_phase(history, columns, nothing="no full second of load was recorded")
