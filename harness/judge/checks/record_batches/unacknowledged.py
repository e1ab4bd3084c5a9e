"""Everything that a load sent must eventually be acknowledged, without gaps.

Gaps are what the load itself did not send: no failure of the platform, and no proof of its health.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

from harness.history.reader import History
from harness.judge.checks.events.unacknowledged import left_out
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import RECORD_BATCHES
from harness.oracle.record_batches import NEEDS, derive_record_batches

# A profile says how many events are due: every batch that begins before their end. Without one,
# what was sent decides: a partition's batches are consecutive, and none before its last may be missing.
_OF_RECORD_BATCHES: Final = """
WITH trace AS (SELECT sum(count)::BIGINT AS events FROM encoded),
reached AS (SELECT partition, max(first_seq) + 1 AS end_seq FROM sent_batches GROUP BY partition),
ends AS (
    SELECT partition, coalesce($events::BIGINT, end_seq, 0) AS end_seq
    FROM (SELECT DISTINCT partition FROM encoded) LEFT JOIN reached USING (partition)
),
due AS (
    SELECT partition, first_event + repetition * events AS first_seq, count
    FROM (SELECT *, unnest(range(end_seq // events + 1)) AS repetition
          FROM encoded JOIN ends USING (partition), trace)
    WHERE first_event + repetition * events < end_seq
)
SELECT partition, first_seq, count, 'never sent' AS how, '' AS error
FROM due ANTI JOIN sent_batches USING (partition, first_seq)
"""
# A load that computes its events has encoded what it did not send, up to a point; it may have computed more
# than there was time for. Of a profile, what was neither sent nor encoded was due as well.
_OF_COMPUTED: Final = """
WITH reached AS (SELECT partition, max(first_seq) AS last_seq FROM sent_batches GROUP BY partition),
left_out AS (
    SELECT e.partition, e.first_event AS first_seq, e.count
    FROM encoded e LEFT JOIN reached USING (partition)
    ANTI JOIN sent_batches s ON e.partition = s.partition AND e.first_event = s.first_seq
    WHERE $events::BIGINT IS NOT NULL OR e.first_event < last_seq
)
SELECT partition, first_seq, count, 'never sent' AS how, '' AS error FROM left_out
UNION ALL
SELECT NULL, NULL, missing, 'never sent', 'not computed either' FROM (
    SELECT $events::BIGINT - (SELECT coalesce(sum(count), 0) FROM sent_batches)
           - (SELECT coalesce(sum(count), 0) FROM left_out) AS missing
) WHERE missing > 0
"""
_NOT_ACKNOWLEDGED: Final = """
UNION ALL
SELECT partition, first_seq, o.count, CASE outcome WHEN 'fail' THEN 'refused' ELSE 'unknown' END, error
FROM operations o WHERE kind = 'produce' AND outcome <> 'ok'
"""
_SUMMARY: Final = """
SELECT coalesce(sum(count), 0)::BIGINT AS events,
       coalesce(sum(count) FILTER (how = 'refused'), 0)::BIGINT AS refused,
       coalesce(sum(count) FILTER (how = 'unknown'), 0)::BIGINT AS unknown,
       coalesce(sum(count) FILTER (how = 'never sent'), 0)::BIGINT AS never_sent
FROM unacknowledged_batches
"""
_EXAMPLES: Final = """
SELECT how || CASE WHEN error = '' THEN '' ELSE ': ' || error END AS how, sum(count)::BIGINT AS events,
       coalesce(format(', from number {:,}', min(first_seq)), '') AS begins
FROM unacknowledged_batches GROUP BY how, error ORDER BY events DESC, begins LIMIT $limit
"""
_LAST_STARTED: Final = """
SELECT max(started_ns - load_start_ns) / 1e9 FROM operations, run WHERE kind = 'produce'
"""
_SILENT: Final = """
SELECT DISTINCT partition FROM encoded ANTI JOIN sent_batches USING (partition) ORDER BY partition
"""
_SENDS_UNTIL_S: Final = 2.0
"""A load at full speed starts its last batch within this time of its end."""


class UnacknowledgedRecordBatches(SafetyCheck):
    """With a profile, everything due counts, whatever was sent.

    Without one, the platform decides how far a load gets; up to there, nothing may be missing.
    """

    name = "unacknowledged"
    describes = "events of the load that were refused or whose outcome is unknown; none may be left unsent"
    fit_for = (RECORD_BATCHES,)
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """Count the events that were not acknowledged, by outcome."""
        derive_record_batches(history)
        load, curve = history.scenario.load, history.scenario.load.curve
        if not history.value("SELECT count(*) FROM encoded"):
            return Unjudged(reason="the encoded batches are not recorded")
        sent = history.value("SELECT coalesce(sum(count), 0)::BIGINT FROM sent_batches")
        if not sent and curve is None:
            return Unjudged(reason="no event was sent")
        events = None if curve is None else curve.events
        never_sent = _OF_RECORD_BATCHES if load.path == "record_batches" else _OF_COMPUTED
        history.derive("unacknowledged_batches", never_sent + _NOT_ACKNOWLEDGED, {"events": events})
        summary = history.rows(_SUMMARY)[0]
        if doubt := _doubt(history, summary, sent):
            return Unjudged(reason=doubt)
        return Count(
            value=summary["events"] - summary["never_sent"],
            detail=(
                f"of {sent + summary['never_sent']:,} events: {summary['refused']:,} refused,"
                f" {summary['unknown']:,} unknown, {summary['never_sent']:,} never sent"
            ),
            examples=examples(history, _EXAMPLES, "{events:,} {how}{begins}".format_map),
        )


def _doubt(history: History, summary: Mapping[str, int], sent: int) -> str:
    """Return why a load whose sends were all acknowledged still cannot be judged; "" if it can."""
    if summary["events"] > summary["never_sent"]:
        return ""
    if summary["never_sent"]:
        return left_out(summary["never_sent"], sent + summary["never_sent"])
    return _ended_early(history) if history.scenario.load.curve is None else ""


def _ended_early(history: History) -> str:
    """Return why a load without a profile may not have sent all that it could; "" if it did."""
    if silent := [row["partition"] for row in history.rows(_SILENT)]:
        return f"nothing was sent to partition {', '.join(map(str, silent))}"
    last_s, duration_s = history.value(_LAST_STARTED), history.scenario.load.duration
    if last_s < duration_s - _SENDS_UNTIL_S:
        return f"nothing was sent after {last_s:.1f} s of the load's {duration_s:g} s"
    return ""
