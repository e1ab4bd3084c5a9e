"""How old events were when they could first be read in the hot store."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers
from harness.judge.measure.probing import probe_times_ns, unprobed, unprobed_in_drain

_EVENTS: Final = """
WITH first_seen AS (
    SELECT event_id, event_time_ms, min(at_ns) AS at_ns FROM seen WHERE store = 'hot_events' GROUP BY ALL
), wanted AS (
    SELECT event_id, event_time_ms FROM first_seen
    UNION SELECT event_id, event_time_ms FROM sought WHERE store = 'hot_events'
), copies AS (
    SELECT w.event_id, w.event_time_ms, p.seq,
           (run.load_start_ns + p.send_offset_ms * 1e6 / run.time_scale)::BIGINT AS at_ns
    FROM plan p, run, wanted w
    WHERE p.event_id = w.event_id AND run.origin_ms + p.event_offset_ms = w.event_time_ms
), acknowledged_copies AS (
    SELECT DISTINCT seq FROM copies JOIN operations o
    ON o.kind = 'produce' AND o.outcome = 'ok' AND seq BETWEEN o.first_seq AND o.last_seq
), sent AS (
    SELECT event_id, event_time_ms, min(at_ns) AS at_ns,
           bool_or(seq IN (SELECT seq FROM acknowledged_copies)) AS acknowledged
    FROM copies GROUP BY ALL
)
SELECT CASE WHEN first_seen.at_ns IS NOT NULL THEN (first_seen.at_ns - sent.at_ns) / 1e6
            WHEN $ended THEN 'inf'::DOUBLE ELSE ($last_look_ns - sent.at_ns) / 1e6 END AS value, sent.at_ns
FROM sent LEFT JOIN first_seen USING (event_id, event_time_ms)
WHERE first_seen.at_ns IS NOT NULL OR (acknowledged AND sent.at_ns < $last_look_ns)
"""


def event_ages(history: History) -> dict[str, Numbers]:
    """Return ``value``, the ms from each event's intended send to its first sight, and ``at_ns``, that send.

    An acknowledged event that never came is infinitely old. In a run that is still going on or ended early,
    it is as old as it was at the last probe, since it may still have been under way.
    """
    return history.once("event_ages", lambda: _event_ages(history))


def _event_ages(history: History) -> dict[str, Numbers]:
    looks = probe_times_ns(history)
    last_ns = int(looks[-1]) if len(looks) else 0
    return history.columns(_EVENTS, {"ended": history.read_back_done, "last_look_ns": last_ns})


def probe_doubt(history: History, ages: dict[str, Numbers]) -> str:
    """Return why these ages cannot be judged: no probing, or not for long enough; "" if they can."""
    if why := unprobed(history):
        return why
    never = int(np.isinf(ages["value"]).sum())
    if never and (why := unprobed_in_drain(history)):
        return f"{never:,} of {len(ages['value']):,} had not appeared when the prober stopped: {why}"
    return ""
