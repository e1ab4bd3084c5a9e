"""The events that the pipeline must account for, by which everything after the source topic is judged.

An event counts once its sending was acknowledged, however often it was sent. An unacknowledged one is
optional: it counts if the source topic's read-back has it, or an output's, which cannot have it from anywhere
else. Duplicates repeat an event and add none. Of conflicting events with the same identity, (event_id, event
time), the first to arrive counts. They share a key and so a partition of the source topic, whose order
decides.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History

NEEDS: Final = frozenset({"operations", "plan", "readback_events", "run"})
"""The tables from which these events are derived."""

_RETRY_NS: Final = 80_000_000
"""The shortest delay of a retry by librdkafka, whose ``retry.backoff.ms`` of 100 varies by a fifth."""

_SENDINGS: Final = """
-- No range reaches beyond the plan, whatever the history claims.
SELECT unnest(range(greatest(first_seq, 0), least(last_seq, (SELECT max(seq) FROM plan)) + 1)) AS seq,
       outcome, error, started_ns, completed_ns, count <> last_seq - first_seq + 1 AS miscounted
FROM operations WHERE kind = 'produce'
"""
_MISCOUNTED: Final = """
SELECT count(*) FROM operations WHERE kind = 'produce' AND count <> last_seq - first_seq + 1
"""
# An event without a recorded sending may still have been sent, by a load that was killed.
_SENT_AS = """
SELECT CASE WHEN p.kind = 'conflict' THEN p.seq ELSE p.original_seq END AS sent_as,
       any_value(p.original_seq) AS seq, count(*) FILTER (outcome = 'ok' AND NOT miscounted) AS acknowledged,
       sum(CASE WHEN outcome = 'fail' AND NOT miscounted THEN 0
                WHEN $repeats AND outcome IS NOT NULL
                THEN 1 + greatest(completed_ns - started_ns, 0) // $retry_ns
                ELSE 1 END)::BIGINT AS allowed
FROM plan p LEFT JOIN sendings USING (seq) GROUP BY 1
"""
_SENT = """
SELECT seq, sum(acknowledged)::BIGINT AS acknowledged, sum(allowed)::BIGINT AS allowed
FROM oracle_sent_as GROUP BY seq
"""
# A record whose content was altered counts as the event's first sending.
_STORED = """
SELECT CASE WHEN sent_as >= 0 THEN sent_as ELSE seq END AS sent_as, count(*) AS copies
FROM readback_events WHERE topic = 'events' AND seq >= 0 GROUP BY 1
"""
_PRESENT = """
SELECT seq, count(*) FILTER (topic = 'events') AS in_source,
       count(*) FILTER (topic = 'events_valid') AS in_valid,
       count(*) FILTER (topic = 'events_late') AS in_late,
       count(*) FILTER (topic = 'events_dead_letter') AS in_dead_letters,
       bool_or(topic = 'events' AND sent_as <> seq AND sent_as >= 0) AS conflicting
FROM readback_events WHERE seq >= 0 GROUP BY seq
"""
_KEPT = """
SELECT seq, sent_as FROM readback_events SEMI JOIN (FROM oracle_present WHERE conflicting) USING (seq)
WHERE topic = 'events' AND sent_as >= 0
QUALIFY row_number() OVER (PARTITION BY seq ORDER BY partition, "offset") = 1
"""
_DUE = """
SELECT p.original_seq AS seq, p.seq AS sent_as,
       CASE WHEN p.kind IN ('duplicate', 'conflict') THEN 'valid' ELSE p.kind END AS kind,
       run.origin_ms + p.event_offset_ms AS event_time_ms, p.entity_id, p.category, p.value
FROM plan p JOIN oracle_sent s ON s.seq = p.original_seq
LEFT JOIN oracle_present f ON f.seq = p.original_seq
LEFT JOIN oracle_kept k ON k.seq = p.original_seq, run
WHERE p.seq = coalesce(k.sent_as, p.original_seq) AND (s.acknowledged > 0 OR f.seq IS NOT NULL)
"""
_VALID = "SELECT * FROM oracle_due WHERE kind <> 'malformed'"


def derive_sendings(history: History) -> None:
    """Make ``sendings (seq, outcome, error, started_ns, completed_ns, miscounted)``, a row a sent event.

    ``seq`` is that of the sent event: of a duplicate its own. ``miscounted``: its operation's count differs
    from the operation's range of seq.
    """
    history.derive("sendings", _SENDINGS)


def why_miscounted(history: History) -> str:
    """Return why it is unknown which events were sent; "" where every operation's count matches its range."""
    miscounted = history.value(_MISCOUNTED)
    return f"the counts of {miscounted:,} operations differ from their ranges of seq" if miscounted else ""


def derive_events(history: History) -> None:
    """Make seven tables.

    ``oracle_sent_as (sent_as, seq, acknowledged, allowed)``: for each content that an event was sent with,
    the number of acknowledged sendings, and of copies that the source topic may hold: one for each sending
    that did not fail. A producer that is not idempotent may have stored more, as often as it had time to
    retry.
    ``oracle_stored (sent_as, copies)``: how many copies of each content the source topic holds.
    ``oracle_sent (seq, acknowledged, allowed)``: ``oracle_sent_as`` by event, over all its contents.
    ``oracle_present (seq, in_source, in_valid, in_late, in_dead_letters, conflicting)``: how many copies
    of each event the read-back found in each topic.
    ``oracle_kept (seq, sent_as)``: for events with a conflicting content in the source topic, the content
    that comes first there; the pipeline must drop the others.
    ``oracle_due (seq, sent_as, kind, event_time_ms, entity_id, category, value)``: the events to account for,
    each once, with the content of sending ``sent_as``.
    ``oracle_events``: the valid events of ``oracle_due``.
    """
    derive_sendings(history)
    repeats = {"repeats": history.scenario.load.acks != "all", "retry_ns": _RETRY_NS}
    history.derive("oracle_sent_as", _SENT_AS, repeats)
    history.derive("oracle_stored", _STORED)
    history.derive("oracle_sent", _SENT)
    history.derive("oracle_present", _PRESENT)
    history.derive("oracle_kept", _KEPT)
    history.derive("oracle_due", _DUE)
    history.derive("oracle_events", _VALID)
