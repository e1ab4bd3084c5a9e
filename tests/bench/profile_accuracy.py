"""How well a load kept to its profile: from when its events were due, and what was recorded of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.judge.checks.speed.rate_accuracy import deviations_percent
from harness.judge.measure.measurement import Numbers

_WINDOW_S: Final = 10.0
_SLOT_S: Final = 0.1
"""From the beginning of one window to that of the next."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sendings:
    """A load that was sent. Times are seconds since its start.

    The lists behind ``due_s`` run in parallel, an entry an operation.
    """

    duration_s: float
    due_s: Numbers
    """Of each event, whatever became of it."""
    sent_s: Numbers
    completed_s: Numbers
    late_ms: Numbers
    """From when an operation's first event was due to when it was sent."""
    events: Numbers
    """Of each operation."""
    acknowledged: Numbers
    """Of these: all or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What is shown of a load."""

    due: int
    acknowledged: int
    worst_10s_percent: float
    worst_1s_percent: float
    late_p99_ms: float


def accuracy(load: Sendings) -> Accuracy:
    """The worst windows of all that begin at a tenth of a second and end before the load does."""
    due = _by_slot(load, load.due_s, np.ones(len(load.due_s)))
    sent = _by_slot(load, load.sent_s, load.events)
    ten_s, one_s = (
        deviations_percent(due, sent, window=round(window_s / _SLOT_S)).max() for window_s in (_WINDOW_S, 1.0)
    )
    return Accuracy(
        due=len(load.due_s),
        acknowledged=int(load.acknowledged.sum()),
        worst_10s_percent=float(ten_s),
        worst_1s_percent=float(one_s),
        late_p99_ms=_percentile(load.late_ms, load.events, 99),
    )


def sustained_per_s(load: Sendings) -> float:
    """The events/s that were acknowledged in the slowest ten seconds."""
    acknowledged = _by_slot(load, load.completed_s, load.acknowledged)
    slots = round(_WINDOW_S / _SLOT_S)
    return float(np.convolve(acknowledged, np.ones(slots), mode="valid").min() / _WINDOW_S)


def rates(load: Sendings, at_s: Numbers, events: Numbers, *, slot_s: float) -> tuple[Numbers, Numbers]:
    """Events a second in each slot of the load, at the slot's middle."""
    edges_s = _edges_s(load, slot_s)
    counted, _ = np.histogram(at_s, bins=edges_s, weights=events)
    return (edges_s[:-1] + edges_s[1:]) / 2, counted / slot_s


def _by_slot(load: Sendings, at_s: Numbers, events: Numbers) -> Numbers:
    return np.histogram(at_s, bins=_edges_s(load, _SLOT_S), weights=events)[0]


def _edges_s(load: Sendings, slot_s: float) -> Numbers:
    return np.arange(round(load.duration_s / slot_s) + 1) * slot_s


def _percentile(values: Numbers, weights: Numbers, percent: float) -> float:
    return float(np.percentile(values, percent, weights=weights, method="inverted_cdf"))
