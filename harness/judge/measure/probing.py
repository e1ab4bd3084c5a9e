"""Whether the hot store was looked at throughout: what nobody looked for cannot have been seen in time."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers

HOLE_NS: Final = 10_000_000_000
"""The prober looks twenty times a second, and a store that is paused answers with errors after five seconds,
which are looks too. So long without any answer, it is the prober that was not there."""

_LOOKS: Final = "SELECT completed_ns FROM operations WHERE kind = 'hot_read' ORDER BY completed_ns"


def looks_ns(history: History) -> Numbers:
    """When the hot store answered a read, be it with an error."""
    return history.columns(_LOOKS)["completed_ns"]


def unprobed(history: History) -> str:
    """Where nobody looked at the hot store from the load's start to its drain; "" if somebody always did."""
    looks = looks_ns(history)
    if not len(looks):
        return "the hot store was never looked at"
    begun_ns = history.info.load_start_ns if history.info else 0
    drains_ns = [span.from_ns for span in history.phases if span.phase == "drain"]
    # A run that did not come to its drain is judged as far as it was looked at.
    return _hole(looks, begun_ns, drains_ns[0] if drains_ns else int(looks[-1]))


def unprobed_in_drain(history: History) -> str:
    """The same between the start of the drain and its end, which is when everything must have come."""
    spans = [span for span in history.phases if span.phase == "drain"]
    return _hole(looks_ns(history), spans[0].from_ns, spans[0].to_ns) if spans else ""


def _hole(looks: Numbers, from_ns: int, to_ns: int) -> str:
    edges = np.concatenate([[from_ns], np.clip(looks, from_ns, to_ns), [to_ns]])
    holes = np.diff(edges)
    widest = int(holes.argmax())
    if holes[widest] <= HOLE_NS:
        return ""
    return f"for {holes[widest] / 1e9:.1f} s from {edges[widest] / 1e9:.1f} s nobody looked at the hot store"
