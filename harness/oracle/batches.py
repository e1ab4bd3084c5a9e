"""Which batches a replay sent, and which of them the source topic holds: by partition, time and checksum.

A replay sends an encoded trace over and over. Event number n of the replay is event n modulo the trace's
events, in repetition n divided by them, and each repetition bears times that are a trace's length later. So
batch and repetition follow from an operation's first number, and what the topic must hold from these.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History

NEEDS: Final = frozenset({"operations", "encoded", "readback_batches", "run"})
"""The tables without which these batches are not known."""

_SENT: Final = """
WITH trace AS (
    SELECT sum(count)::BIGINT AS events, max(last_event_ms) + 1 AS period_ms FROM encoded
), sendings AS (
    SELECT o.partition, first_seq, o.count, outcome, error, worker, completed_ns,
           first_seq % events AS first_event, first_seq // events * period_ms + origin_ms AS shift_ms
    FROM operations o, trace, run WHERE kind = 'produce'
)
SELECT s.partition, s.first_seq, s.count, s.outcome, s.worker, s.completed_ns,
       e.base_timestamp_ms + s.shift_ms AS base_timestamp_ms, e.records_crc
FROM sendings s LEFT JOIN encoded e
    ON e.partition = s.partition AND e.first_event = s.first_event AND e.count = s.count
"""
_FOUND: Final = """
SELECT partition, base_timestamp_ms, records_crc, any_value(count) AS count, count(*) AS copies,
       min("offset") AS "offset"
FROM readback_batches GROUP BY ALL
"""


def derive_batches(history: History) -> None:
    """Make two tables.

    ``sent_batches (partition, first_seq, count, outcome, worker, completed_ns, base_timestamp_ms,
    records_crc)``: a row an operation; the last two are null where the trace has no such batch.
    ``found_batches (partition, base_timestamp_ms, records_crc, count, copies, offset)``: what the topic
    holds, each different batch once, with the offset of its first copy.
    """
    history.derive("sent_batches", _SENT)
    history.derive("found_batches", _FOUND)
