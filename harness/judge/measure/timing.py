"""Turn values measured over time into a distribution by phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure.measurement import Distribution, Measurement, Numbers, Unjudged

NEEDS: Final = frozenset({"phases", "faults"})
"""What assigning values to phases needs."""
_NS_PER_MS: Final = 1_000_000


def by_phase(
    history: History, columns: Mapping[str, np.ndarray[Any, Any]], *, nothing: str, detail: str = ""
) -> Measurement:
    """Return the distribution of ``columns``: ``value`` (ms), ``at_ns`` (its start), optionally ``weight``.

    A value that is not a duration has its end in ``end_ns``. ``nothing`` is the reason to give when there are
    no rows. A value during which a fault was injected belongs to the fault phase, not to the steady phase in
    which it began.
    """
    values = columns["value"].astype(np.float64)
    if not len(values):
        return Unjudged(reason=nothing)
    weights = columns.get("weight", np.ones(len(values), dtype=np.int64))
    at_ns = columns["at_ns"]
    end_ns = columns["end_ns"] if "end_ns" in columns else _ended_ns(at_ns, values)
    phases = _phases_hit(history, at_ns, end_ns)
    return Distribution(values=values, phases=phases, weights=weights, detail=detail)


def _ended_ns(at_ns: Numbers, values_ms: Numbers) -> Numbers:
    """Return when each ended. What never ended stays in its first phase: no later fault excuses it."""
    finite_ms = np.where(np.isfinite(values_ms), values_ms, 0.0)
    ended_ns: Numbers = at_ns + (finite_ms * _NS_PER_MS).astype(np.int64)
    return ended_ns


def _phases_hit(history: History, at_ns: Numbers, ended_ns: Numbers) -> Numbers:
    phases = phases_at(history, at_ns)
    for fault in sorted(history.faults, key=lambda fault: fault.inject_ns, reverse=True):
        hit = (at_ns < fault.inject_ns) & (ended_ns > fault.inject_ns)
        phases[hit] = "fault"
    return phases


def phases_at(history: History, at_ns: Numbers) -> Numbers:
    """Return the name of the phase at each moment.

    A phase is recorded just after it begins, so moments before the first record belong to the first phase.
    """
    spans = history.phases
    ends = np.array([span.to_ns for span in spans], dtype=np.int64)
    names = np.array([span.phase for span in spans])
    phases: Numbers = names[np.searchsorted(ends[:-1], at_ns, side="right")]
    return phases
