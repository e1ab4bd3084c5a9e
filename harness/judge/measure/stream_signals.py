"""The signals of the stream layer: how far the job and the hot store are behind, in seconds."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.history.course import FOREVER_NS
from harness.history.reader import History
from harness.judge.measure.hot_ages import event_ages, probe_doubt
from harness.judge.measure.measurement import Numbers
from harness.judge.measure.signals import SECOND_NS, Signal, sampled, without_own

_CHECKPOINTS: Final = 3
_ALLOWANCE_S: Final = 5.0
_SAMPLES: Final = """
SELECT at_ns, sum(value) AS value FROM samples WHERE metric = $metric GROUP BY at_ns ORDER BY at_ns
"""


def stream_delay(history: History) -> Signal:
    """How long the oldest event not yet committed by the stream job has been in the source topic."""
    ends = history.columns(_SAMPLES, {"metric": "source_end_offset"})
    lags = history.columns(_SAMPLES, {"metric": "stream_lag_events"})
    checkpoint_s = history.scenario.pipeline.stream.checkpoint_interval_s
    limit_s = _CHECKPOINTS * checkpoint_s + _ALLOWANCE_S
    if not len(ends["at_ns"]):
        nothing = ends["value"].astype(np.float64)
        return sampled("stream job", ends["at_ns"], nothing, steady_limit_s=limit_s)
    at_ns = lags["at_ns"]
    end = np.maximum.accumulate(ends["value"])
    committed = np.interp(at_ns, ends["at_ns"], end) - lags["value"]
    ages_s = _ages_s(at_ns, committed, ends["at_ns"], end)
    return sampled("stream job", at_ns, ages_s, steady_limit_s=limit_s)


def stream_job_running(history: History) -> Signal:
    """Infinite delay while any task of the stream job is not running."""
    running = history.columns(_SAMPLES, {"metric": "job_running"})
    delay_s = np.where(running["value"] >= 1, 0.0, np.inf)
    return sampled("stream job running", running["at_ns"], delay_s, steady_limit_s=0.0)


def _ages_s(at_ns: Numbers, committed: Numbers, end_at_ns: Numbers, end: Numbers) -> Numbers:
    """Return the seconds since the topic's end passed each committed position; 0 if it has not."""
    after = np.searchsorted(end, committed, side="right")
    passed = after < len(end)
    after = np.minimum(after, len(end) - 1)
    before = np.maximum(after - 1, 0)
    grown = np.maximum(end[after] - end[before], 1.0)
    share = np.clip((committed - end[before]) / grown, 0.0, 1.0)
    passed_at_ns = end_at_ns[before] + share * (end_at_ns[after] - end_at_ns[before])
    ages_s: Numbers = np.where(passed, np.maximum(at_ns - passed_at_ns, 0.0) / SECOND_NS, 0.0)
    return ages_s


def hot_store_delay(history: History) -> Signal:
    """How old each event was when the prober first saw it in the hot store."""
    ages = event_ages(history)
    order = np.argsort(ages["at_ns"], kind="stable")
    from_ns, ages_s = ages["at_ns"][order], ages["value"][order] / 1e3
    came = np.isfinite(ages_s)
    to_ns = (from_ns + np.where(came, ages_s, 0.0) * SECOND_NS).astype(np.int64)
    return Signal(
        name="hot store",
        sampled=False,
        from_ns=from_ns,
        to_ns=np.where(came, to_ns, FOREVER_NS),
        delay_s=ages_s,
        platform_s=without_own(history, from_ns, ages_s),
        gap=np.zeros(len(from_ns), dtype=bool),
        doubt=probe_doubt(history, ages),
    )
