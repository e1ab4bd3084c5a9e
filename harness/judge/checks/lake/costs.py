"""What the lake costs a million events: processor time and bytes written, by task."""

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

# A fixed cost a task is part of it: few events make a million of them dear.
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
        """One value a task, over all days and all times that it was carried out."""
        costs = history.columns(_COSTS)
        if not len(costs["task"]):
            return Unjudged(reason="no task of the lake read any row")
        values = costs[self.column].astype(np.float64)
        told = zip(costs["task"], values, costs["rows"], strict=True)
        return Distribution(
            values=values,
            phases=phases_at(history, costs["at_ns"]),
            weights=np.ones(len(values), dtype=np.int64),
            detail=f"together {self.shown.format(float(values.sum()))} a million",
            examples=tuple(f"{task}: {self.shown.format(v)}, over {rows:,} rows" for task, v, rows in told),
        )


class LakeCpu(_Cost):
    """Of the tasks' own processes and Spark's."""

    name = "lake_cpu"
    describes = "processor seconds that each task of the lake takes for a million rows that it reads"
    unit = "s"
    column = "cpu_s"
    shown = "{:.1f} CPU s"


class LakeBytes(_Cost):
    """Of the files that the tasks' commits added."""

    name = "lake_bytes"
    describes = "bytes that each task of the lake writes for a million rows that it reads"
    unit = ""
    column = "bytes"
    shown = "{:,.0f} bytes"
