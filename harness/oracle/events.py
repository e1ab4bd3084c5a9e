"""Which events the pipeline is to account for: those that everything behind the source topic is judged by.

An event counts when its sending was acknowledged, however often it was sent. One whose sending was not
acknowledged may be there or not: it counts when the read-back of the source topic holds it, or that of an
output, which cannot have it from anywhere else. Duplicates repeat an event and add none. Of events that share
an identity, (event_id, event time), and contradict each other, the first to arrive counts. They have the same
key and so the same partition of the source topic, whose order says which it was.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History
from harness.oracle.sendings import derive_sendings

NEEDS: Final = frozenset({"operations", "plan", "readback_events", "run"})
"""The tables without which these events are not known."""

_RETRY_NS: Final = 80_000_000
"""So soon at the earliest librdkafka sends again what was not answered: its ``retry.backoff.ms`` is 100, a
fifth more or less."""

# Of an event without any record of its sending, a load that was killed may have sent it all the same.
_SENT_AS = """
SELECT CASE WHEN p.kind = 'conflict' THEN p.seq ELSE p.original_seq END AS sent_as,
       any_value(p.original_seq) AS seq, count(*) FILTER (outcome = 'ok' AND NOT torn) AS acknowledged,
       sum(CASE WHEN outcome = 'fail' AND NOT torn THEN 0
                WHEN $repeats AND outcome IS NOT NULL
                THEN 1 + greatest(completed_ns - started_ns, 0) // $retry_ns
                ELSE 1 END)::BIGINT AS allowed
FROM plan p LEFT JOIN sendings USING (seq) GROUP BY 1
"""
_SENT = """
SELECT seq, sum(acknowledged)::BIGINT AS acknowledged, sum(allowed)::BIGINT AS allowed
FROM oracle_sent_as GROUP BY seq
"""
# A record of which only the event is known counts as the event's first sending.
_STORED = """
SELECT CASE WHEN sent_as >= 0 THEN sent_as ELSE seq END AS sent_as, count(*) AS copies
FROM readback_events WHERE topic = 'events' AND seq >= 0 GROUP BY 1
"""
_PRESENT = """
SELECT seq, count(*) FILTER (topic = 'events') AS in_source,
       count(*) FILTER (topic = 'events_valid') AS in_valid,
       count(*) FILTER (topic = 'events_late') AS in_late,
       count(*) FILTER (topic = 'events_dead_letter') AS in_dead_letters,
       bool_or(topic = 'events' AND sent_as <> seq AND sent_as >= 0) AS said_otherwise
FROM readback_events WHERE seq >= 0 GROUP BY seq
"""
_TAKEN = """
SELECT seq, sent_as FROM readback_events SEMI JOIN (FROM oracle_present WHERE said_otherwise) USING (seq)
WHERE topic = 'events' AND sent_as >= 0
QUALIFY row_number() OVER (PARTITION BY seq ORDER BY partition, "offset") = 1
"""
_DUE = """
SELECT p.original_seq AS seq, p.seq AS sent_as,
       CASE WHEN p.kind IN ('duplicate', 'conflict') THEN 'valid' ELSE p.kind END AS kind,
       run.origin_ms + p.event_offset_ms AS event_time_ms, p.entity_id, p.category, p.value
FROM plan p JOIN oracle_sent s ON s.seq = p.original_seq
LEFT JOIN oracle_present f ON f.seq = p.original_seq
LEFT JOIN oracle_taken t ON t.seq = p.original_seq, run
WHERE p.seq = coalesce(t.sent_as, p.original_seq) AND (s.acknowledged > 0 OR f.seq IS NOT NULL)
"""
_VALID = "SELECT * FROM oracle_due WHERE kind <> 'malformed'"


def derive_events(history: History) -> None:
    """Make seven tables.

    ``oracle_sent_as (sent_as, seq, acknowledged, allowed)``: of each event, and of each other content that it
    was sent with, how many sendings were acknowledged, and how many copies the source topic may hold: one a
    sending that was not refused. A producer that is not idempotent may have stored more, as often as it had
    time to send again.
    ``oracle_stored (sent_as, copies)``: how many copies of each the source topic holds.
    ``oracle_sent (seq, acknowledged, allowed)``: the same by event, whatever its sendings said.
    ``oracle_present (seq, in_source, in_valid, in_late, in_dead_letters, said_otherwise)``: how many copies
    of each event the read-back found in each topic.
    ``oracle_taken (seq, sent_as)``: of events whose sendings say different things, and of which the source
    holds another than the first, the one that lies first there: the others are dropped, whatever they say.
    ``oracle_due (seq, sent_as, kind, event_time_ms, entity_id, category, value)``: the events to account for,
    each once, as sending number ``sent_as`` has them.
    ``oracle_events``: the valid ones of these.
    """
    derive_sendings(history)
    repeats = {"repeats": history.scenario.load.acks != "all", "retry_ns": _RETRY_NS}
    history.derive("oracle_sent_as", _SENT_AS, repeats)
    history.derive("oracle_stored", _STORED)
    history.derive("oracle_sent", _SENT)
    history.derive("oracle_present", _PRESENT)
    history.derive("oracle_taken", _TAKEN)
    history.derive("oracle_due", _DUE)
    history.derive("oracle_events", _VALID)
