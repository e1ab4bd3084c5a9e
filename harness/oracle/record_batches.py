"""Compares the batches that a load sent with those in the source topic, by partition, time and checksum.

A load sends an encoded trace over and over. With a trace of m events, event n of the load is event n modulo m
in repetition n divided by m, and each repetition's times are later by the trace's length. So an operation's
first number determines its batch and repetition, and thereby what the topic must hold. A load that computes
its events sends each batch once; its events and batches are numbered by partition.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History

NEEDS: Final = frozenset({"operations", "encoded", "readback_record_batches", "run"})
"""The tables from which these batches are derived."""

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
    records_crc)``: a row per operation; the last two are null if no such batch was encoded.
    ``allowed_batches (partition, base_timestamp_ms, records_crc)``: what the topic may hold: batches whose
    sending did not fail, and those that a computed load had ready without a recorded operation, since a
    killed process may have sent them.
    ``found_batches (partition, base_timestamp_ms, records_crc, count, copies, offset)``: the topic's distinct
    batches, with the offset of the first copy.
    """
    repeated = {"repeated": history.scenario.load.path == "record_batches"}
    history.derive("sent_batches", _SENT, repeated)
    history.derive("allowed_batches", _ALLOWED, repeated)
    history.derive("found_batches", _FOUND)
