"""How much of a table is skipped by a query that needs only part of it."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.finding import MAX_EXAMPLES
from harness.judge.measure.measurement import Distribution, Measurement, Unjudged
from harness.judge.measure.needs import LAKE, SCANS
from harness.judge.measure.timing import phases_at

# The scan of an empty table proves nothing.
_SCANS: Final = """
SELECT at_ns, query, files_read, files_all, 100.0 * (bytes_all - bytes_read) / bytes_all AS percent
FROM lake_scans WHERE bytes_all > 0 ORDER BY percent, query
"""
_EXAMPLE: Final = ("query", "percent", "files_read", "files_all")


class Pruning(DistributionCheck):
    """One value per query: the bytes it skipped, in percent of a full scan.

    There is no general limit, since what can be skipped depends on the number of days: a query for one day of
    three reads up to a third of an even table, one for a day and type of 90 days with two types 0.6%.
    """

    name = "pruning"
    describes = "share of a full scan's bytes that a query for part of a table does not read"
    unit = "%"
    phases: Set[str] = frozenset({"lake"})
    fit_for = (LAKE, SCANS)
    needs: Set[str] = timing.NEEDS | {"lake_scans"}

    def measure(self, history: History) -> Measurement:
        """The share for each query, the least pruned first."""
        scans = history.columns(_SCANS)
        if not len(scans["percent"]):
            return Unjudged(reason="no query for part of a table was measured")
        shown = zip(*(scans[name][:MAX_EXAMPLES] for name in _EXAMPLE), strict=True)
        return Distribution(
            values=scans["percent"],
            phases=phases_at(history, scans["at_ns"]),
            weights=np.ones(len(scans["percent"]), dtype=np.int64),
            examples=tuple(f"{q}: {p:.1f}% not read, {r} of {a} files opened" for q, p, r, a in shown),
        )
