"""Reads the time series of a page from a history. Times are seconds since the load's start."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers
from harness.layers.figure import Series
from harness.scenario.profiles.curve import Curve

_MIB: Final = 2**20
_GAP_S: Final = 2.5
"""Samples come every second: a longer silence is a gap."""

_DUE: Final = """
SELECT floor(send_offset_ms / 1000 / time_scale) AS at_s, count(*)::DOUBLE AS value
FROM plan, run GROUP BY 1 ORDER BY 1
"""
_SENT: Final = """
SELECT (started_ns - load_start_ns) // 1_000_000_000 AS at_s, sum(count)::DOUBLE AS value
FROM operations, run WHERE kind = 'produce' GROUP BY 1 ORDER BY 1
"""
_ACKNOWLEDGED: Final = """
SELECT (completed_ns - load_start_ns) // 1_000_000_000 AS at_s, sum(count)::DOUBLE AS value
FROM operations, run WHERE kind = 'produce' AND outcome = 'ok' GROUP BY 1 ORDER BY 1
"""
_ANSWERED: Final = """
SELECT (completed_ns - load_start_ns) // 1_000_000_000 AS at_s, count(*)::DOUBLE AS value
FROM operations, run WHERE kind IN ('hot_point_read', 'hot_range_read') AND outcome = 'ok'
GROUP BY 1 ORDER BY 1
"""
_RESPONSES: Final = """
SELECT (intended_ns - load_start_ns) / 1e9 AS at_s, (completed_ns - intended_ns) / 1e6 AS value
FROM operations, run WHERE kind = $kind ORDER BY 1
"""
_HOT_WRITES: Final = """
SELECT (at_ns - load_start_ns) / 1e9 AS at_s, duration_us / 1e3 AS value FROM hot_writes, run ORDER BY 1
"""
_BY_LABEL: Final = """
SELECT label, (at_ns - load_start_ns) / 1e9 AS at_s, value
FROM samples, run WHERE metric = $metric ORDER BY label, at_s
"""


def throughput(history: History) -> list[Series]:
    """Return events per second, sent and acknowledged, at the middle of each second; zero without any."""
    named = {"sent": _SENT, "acknowledged": _ACKNOWLEDGED}
    counted = [_filled(Series.of(name, history.columns(sql))) for name, sql in named.items()]
    return [replace(series, at_s=series.at_s + 0.5) for series in counted]


def target(history: History) -> Series:
    """Return the load's target in events per second: its profile's curve, or what the plan has due.

    A flooding load has no target rate: there is nothing to draw.
    """
    load = history.scenario.load
    if load.curve is not None:
        return _corners("profile", load.curve)
    if load.is_flood:
        return Series(name="", at_s=np.array([]), value=np.array([]))
    due = _filled(Series.of("due", history.columns(_DUE)))
    # A second's events fill the second.
    return Series(name="due", at_s=_edges(due.at_s), value=np.repeat(due.value, 2))


def reads(history: History) -> Series:
    """Reads a second that readers were answered, at the middle of each; empty where there were none."""
    answered = _filled(Series.of("reads answered", history.columns(_ANSWERED)))
    return replace(answered, at_s=answered.at_s + 0.5)


def latency(history: History) -> list[Series]:
    """Return the milliseconds that sends, hot writes and reads took, by their intended start.

    The sends of a flooding load have no intended start: their service time is labelled as such.
    """
    produce = "produce: service" if history.scenario.load.is_flood else "produce"
    return [
        Series.of(produce, history.columns(_RESPONSES, {"kind": "produce"})),
        Series.of("hot write", history.columns(_HOT_WRITES)),
        Series.of("hot read", history.columns(_RESPONSES, {"kind": "hot_read"})),
        Series.of("reader, point", history.columns(_RESPONSES, {"kind": "hot_point_read"})),
        Series.of("reader, range", history.columns(_RESPONSES, {"kind": "hot_range_read"})),
    ]


def cpu(history: History) -> list[Series]:
    """Return the processor cores that each node used. A counter that drops belongs to a new process."""
    return [
        Series(name=counted.name, at_s=counted.at_s[1:], value=_rates(counted))
        for counted in _by_label(history, "node_cpu_seconds_total")
        if len(counted.at_s) > 1
    ]


def memory(history: History) -> list[Series]:
    """Return the MiB that each node used."""
    return [
        Series(name=held.name, at_s=held.at_s, value=held.value / _MIB)
        for held in _by_label(history, "node_memory_bytes")
    ]


def _rates(counted: Series) -> Numbers:
    elapsed_s = np.diff(counted.at_s)
    rates: Numbers = np.diff(counted.value).clip(min=0) / np.where(elapsed_s > 0, elapsed_s, np.nan)
    return rates


def by_second(series: Series, percent: float) -> Series:
    """Return a percentile of each second's values."""
    seconds, first = np.unique(np.floor(series.at_s[np.argsort(series.at_s)]), return_index=True)
    groups = np.split(series.value[np.argsort(series.at_s)], first[1:])
    values = [float(np.percentile(g, percent, method="inverted_cdf")) for g in groups if len(g)]
    return Series(name=series.name, at_s=seconds, value=np.array(values))


def _corners(name: str, curve: Curve) -> Series:
    corners = [
        corner
        for piece in curve.pieces
        for corner in ((piece.from_s, piece.from_rate), (piece.to_s, piece.to_rate))
    ]
    at_s, value = np.array(corners).T
    return Series(name=name, at_s=at_s, value=value)


def _edges(seconds: Numbers) -> Numbers:
    """Return the start and the end of each second."""
    edges: Numbers = np.stack([seconds, seconds + 1], axis=1).ravel()
    return edges


def _by_label(history: History, metric: str) -> list[Series]:
    columns = history.columns(_BY_LABEL, {"metric": metric})
    labels = columns["label"]
    return [
        _gaps_open(str(label), columns["at_s"][labels == label], columns["value"][labels == label])
        for label in dict.fromkeys(labels.tolist())
    ]


def _gaps_open(name: str, at_s: Numbers, value: Numbers) -> Series:
    """Insert NaN where samples are missing, so that no line crosses the time when a node was dead."""
    after = np.flatnonzero(np.diff(at_s) > _GAP_S) + 1
    return Series(
        name=name,
        at_s=np.insert(at_s.astype(float), after, at_s[after - 1]),
        value=np.insert(value.astype(float), after, np.nan),
    )


def _filled(series: Series) -> Series:
    """Insert zeros for missing seconds between the first and the last."""
    if not len(series.at_s):
        return series
    seconds = np.arange(series.at_s.min(), series.at_s.max() + 1)
    values = np.zeros(len(seconds))
    values[(series.at_s - seconds[0]).astype(int)] = series.value
    return Series(name=series.name, at_s=seconds, value=values)
