"""What the batch layer costs a million events: processor time and bytes written, by task."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.checks import timing
from harness.checks.measurement import Distribution, Measurement, Unjudged
from harness.checks.protocol import DISTRIBUTION
from harness.checks.timing import phases_at
from harness.history.reader import History

# A fixed cost a task is part of it: few events make a million of them dear.
_COSTS: Final = """
SELECT task, 1e6 * sum(cpu_s) / sum(rows_read) AS cpu_s, 1e6 * sum(bytes_written) / sum(rows_read) AS bytes,
       min(began_ns) AS at_ns, sum(rows_read)::BIGINT AS rows
FROM batch_tasks WHERE outcome <> 'held_back' GROUP BY task HAVING sum(rows_read) > 0 ORDER BY at_ns, task
"""


class _Cost:
    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()
    needs: Set[str] = timing.NEEDS | {"batch_tasks", "run"}
    column: str
    shown: str

    def measure(self, history: History) -> Measurement:
        """One value a task, over all days and all times that it was carried out."""
        costs = history.columns(_COSTS)
        if not len(costs["task"]):
            return Unjudged(reason="no task of the batch layer read any row")
        values = costs[self.column].astype(np.float64)
        told = zip(costs["task"], values, costs["rows"], strict=True)
        return Distribution(
            values=values,
            phases=phases_at(history, costs["at_ns"]),
            weights=np.ones(len(values), dtype=np.int64),
            detail=f"together {self.shown.format(float(values.sum()))} a million",
            examples=tuple(f"{task}: {self.shown.format(v)}, over {rows:,} rows" for task, v, rows in told),
        )


class BatchCpu(_Cost):
    """Of the tasks' own processes and Spark's."""

    name = "batch_cpu"
    describes = "processor seconds that each task of the batch layer takes for a million rows that it reads"
    unit = "s"
    column = "cpu_s"
    shown = "{:.1f} CPU s"


class BatchBytes(_Cost):
    """Of the files that the tasks' commits added."""

    name = "batch_bytes"
    describes = "bytes that each task of the batch layer writes for a million rows that it reads"
    unit = ""
    column = "bytes"
    shown = "{:,.0f} bytes"
