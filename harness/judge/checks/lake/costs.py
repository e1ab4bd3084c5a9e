"""The cost of the lake per million rows, by task: processor time and bytes written."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Distribution, Measurement, Unjudged
from harness.judge.measure.needs import LAKE
from harness.judge.measure.timing import phases_at

# Each task's fixed cost is included, so few rows make a million look expensive.
_COSTS: Final = """
SELECT task, 1e6 * sum(cpu_s) / sum(rows_read) AS cpu_s, 1e6 * sum(bytes_written) / sum(rows_read) AS bytes,
       min(began_ns) AS at_ns, sum(rows_read)::BIGINT AS rows
FROM lake_tasks WHERE outcome <> 'held_back' GROUP BY task HAVING sum(rows_read) > 0 ORDER BY at_ns, task
"""


class _Cost(DistributionCheck):
    phases: Set[str] = frozenset({"lake"})
    fit_for = (LAKE,)
    needs: Set[str] = timing.NEEDS | {"lake_tasks", "run"}
    column: str
    shown: str

    def measure(self, history: History) -> Measurement:
        """One value per task, over all days and all its executions."""
        costs = history.columns(_COSTS)
        if not len(costs["task"]):
            return Unjudged(reason="no lake task read any rows")
        values = costs[self.column].astype(np.float64)
        by_task = zip(costs["task"], values, costs["rows"], strict=True)
        return Distribution(
            values=values,
            phases=phases_at(history, costs["at_ns"]),
            weights=np.ones(len(values), dtype=np.int64),
            detail=f"{self.shown.format(float(values.sum()))} per million rows in total",
            examples=tuple(
                f"{task}: {self.shown.format(v)}, over {rows:,} rows" for task, v, rows in by_task
            ),
        )


class LakeCpu(_Cost):
    """The processor time of the tasks' own processes and of Spark's."""

    name = "lake_cpu"
    describes = "processor seconds that each lake task takes per million rows read"
    unit = "s"
    column = "cpu_s"
    shown = "{:.1f} CPU s"


class LakeBytes(_Cost):
    """The size of the files that the tasks' commits added."""

    name = "lake_bytes"
    describes = "bytes that each lake task writes per million rows read"
    unit = ""
    column = "bytes"
    shown = "{:,.0f} bytes"
