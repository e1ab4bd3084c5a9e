"""Which batches a load sent, and which of them the source topic holds: by partition, time and checksum.

A load sends an encoded trace over and over. Event number n of the load is event n modulo the trace's
events, in repetition n divided by them, and each repetition bears times that are a trace's length later. So
batch and repetition follow from an operation's first number, and what the topic must hold from these. A load
that computes its events sends each batch once; its events are numbered by partition, and so are its batches.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History

NEEDS: Final = frozenset({"operations", "encoded", "readback_record_batches", "run"})
"""The tables without which these batches are not known."""

_SENT: Final = """
WITH trace AS (
    SELECT sum(count)::BIGINT AS events, max(last_event_ms) + 1 AS period_ms FROM encoded WHERE $repeated
), sendings AS (
    SELECT o.partition, first_seq, o.count, outcome, error, worker, completed_ns,
           coalesce(first_seq % events, first_seq) AS first_event,
           coalesce(first_seq // events * period_ms, 0) + origin_ms AS shift_ms
    FROM operations o, trace, run WHERE kind = 'produce'
)
SELECT s.partition, s.first_seq, s.count, s.outcome, s.worker, s.completed_ns,
       e.base_timestamp_ms + s.shift_ms AS base_timestamp_ms, e.records_crc
FROM sendings s LEFT JOIN encoded e
    ON e.partition = s.partition AND e.first_event = s.first_event AND e.count = s.count
"""
_ALLOWED: Final = """
SELECT partition, base_timestamp_ms, records_crc FROM sent_batches WHERE outcome <> 'fail'
UNION ALL
SELECT partition, base_timestamp_ms + origin_ms, records_crc FROM run, encoded e
ANTI JOIN sent_batches s ON e.partition = s.partition AND e.first_event = s.first_seq
WHERE NOT $repeated
"""
_FOUND: Final = """
SELECT partition, base_timestamp_ms, records_crc, any_value(count) AS count, count(*) AS copies,
       min("offset") AS "offset"
FROM readback_record_batches GROUP BY ALL
"""


def derive_record_batches(history: History) -> None:
    """Make three tables.

    ``sent_batches (partition, first_seq, count, outcome, worker, completed_ns, base_timestamp_ms,
    records_crc)``: a row an operation; the last two are null where no such batch was encoded.
    ``allowed_batches (partition, base_timestamp_ms, records_crc)``: what the topic may hold. That is what was
    sent and not refused; and of a load that computes its events what it had ready and of which no operation
    is recorded, since a process that was killed may have sent it.
    ``found_batches (partition, base_timestamp_ms, records_crc, count, copies, offset)``: what the topic
    holds, each different batch once, with the offset of its first copy.
    """
    repeated = {"repeated": history.scenario.load.path == "record_batches"}
    history.derive("sent_batches", _SENT, repeated)
    history.derive("allowed_batches", _ALLOWED, repeated)
    history.derive("found_batches", _FOUND)
