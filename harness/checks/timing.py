"""How values that were measured at a moment become a distribution by phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.checks.measurement import Distribution, Measurement, Numbers, Unjudged
from harness.history.reader import History


def by_phase(
    history: History, columns: Mapping[str, np.ndarray[Any, Any]], *, nothing: str, detail: str = ""
) -> Measurement:
    """The distribution of ``columns``: ``value``, ``at_ns`` (when each began) and perhaps ``weight``.

    ``nothing`` says why there is none where there are no rows.
    """
    values = columns["value"].astype(np.float64)
    if not len(values):
        return Unjudged(reason=nothing)
    weights = columns.get("weight", np.ones(len(values), dtype=np.int64))
    return Distribution(
        values=values, phases=phases_at(history, columns["at_ns"]), weights=weights, detail=detail
    )


def phases_at(history: History, at_ns: Numbers) -> Numbers:
    """The name of the phase that each moment lies in.

    A phase is noted a moment after it has begun: what came before the first one's note belongs to it.
    """
    spans = history.phases
    ends = np.array([span.to_ns for span in spans], dtype=np.int64)
    names = np.array([span.phase for span in spans])
    phases: Numbers = names[np.searchsorted(ends[:-1], at_ns, side="right")]
    return phases
