"""Whether the hot store was probed throughout: what was not probed cannot be seen in time."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers

HOLE_NS: Final = 10_000_000_000
"""The prober looks twenty times a second, and a store that is paused answers with errors after five seconds,
which count as probes. A longer time without any answer means that the prober itself was absent."""

_LOOKS: Final = "SELECT completed_ns FROM operations WHERE kind = 'hot_read' ORDER BY completed_ns"


def probe_times_ns(history: History) -> Numbers:
    """Return when the hot store answered a read, even with an error."""
    return history.columns(_LOOKS)["completed_ns"]


def unprobed(history: History) -> str:
    """Describe a gap in probing the hot store between the load's start and its drain; "" if none."""
    looks = probe_times_ns(history)
    if not len(looks):
        return "the hot store was never probed"
    begun_ns = history.info.load_start_ns if history.info else 0
    drains_ns = [span.from_ns for span in history.phases if span.phase == "drain"]
    # A run that never reached its drain is judged as far as it was probed.
    return _hole(looks, begun_ns, drains_ns[0] if drains_ns else int(looks[-1]))


def unprobed_in_drain(history: History) -> str:
    """Return the same for the drain, by whose end everything must have appeared."""
    spans = [span for span in history.phases if span.phase == "drain"]
    return _hole(probe_times_ns(history), spans[0].from_ns, spans[0].to_ns) if spans else ""


def _hole(looks: Numbers, from_ns: int, to_ns: int) -> str:
    edges = np.concatenate([[from_ns], np.clip(looks, from_ns, to_ns), [to_ns]])
    holes = np.diff(edges)
    widest = int(holes.argmax())
    if holes[widest] <= HOLE_NS:
        return ""
    return f"the hot store was not probed for {holes[widest] / 1e9:.1f} s from {edges[widest] / 1e9:.1f} s"
