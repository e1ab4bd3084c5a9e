"""Everything that a replay sent must have been acknowledged in the end, and nothing left out on the way."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.examples import examples
from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History
from harness.oracle.batches import NEEDS, derive_batches

# A partition's batches follow each other: before the last that was sent, none may be left out.
_UNACKNOWLEDGED: Final = """
WITH trace AS (SELECT sum(count)::BIGINT AS events FROM encoded),
reached AS (SELECT partition, max(first_seq) AS last_seq FROM sent_batches GROUP BY partition),
due AS (
    SELECT partition, first_event + repetition * events AS first_seq, count
    FROM (SELECT *, unnest(range(last_seq // events + 1)) AS repetition
          FROM encoded JOIN reached USING (partition), trace)
    WHERE first_event + repetition * events <= last_seq
)
SELECT partition, first_seq, count, 'never sent' AS how, '' AS error
FROM due ANTI JOIN sent_batches USING (partition, first_seq)
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
       min(first_seq) AS first_seq
FROM unacknowledged_batches GROUP BY ALL ORDER BY events DESC, first_seq LIMIT $limit
"""


class UnacknowledgedBatches:
    """How far a replay came is the platform's doing; up to there, nothing may be missing."""

    name = "unacknowledged"
    describes = "events of the replay that were refused, whose outcome is unknown, or that were left out"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many events were not acknowledged, by what became of them."""
        derive_batches(history)
        sent = history.value("SELECT coalesce(sum(count), 0)::BIGINT FROM sent_batches")
        if not sent:
            return Unjudged(reason="no event was sent")
        history.derive("unacknowledged_batches", _UNACKNOWLEDGED)
        summary = history.rows(_SUMMARY)[0]
        return Count(
            value=summary["events"],
            detail=(
                f"of {sent + summary['never_sent']:,} events: {summary['refused']:,} refused,"
                f" {summary['unknown']:,} unknown, {summary['never_sent']:,} never sent"
            ),
            examples=examples(history, _EXAMPLES, "{events:,} {how}, from number {first_seq:,}".format_map),
        )
