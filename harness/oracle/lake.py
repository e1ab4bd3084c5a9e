"""The expected Bronze and Silver, computed from the source topic's read-back and the partners' rows.

A day is the UTC date of event time. Bronze holds every record and every row as received. Silver holds each
identity once: a copy from Kafka before one from a partner; then the lowest partition and position; then the
first source by name. Everything else is rejected, for the contract's reason or as a duplicate identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.history.checksum import BRONZE_FIELDS, ENTRIES, PAYLOAD_DIGEST, SILVER_FIELDS, checksum_query
from harness.history.reader import History
from harness.oracle.rejection import derive_malformed

NEEDS: Final = frozenset({"plan", "readback_events", "run", "partner_rows", "reference_rows", "lake_tasks"})
"""The tables from which the lake's expected content is derived."""

# Both sources, with the same columns.
_RECORDS: Final = f"""
SELECT 'kafka' AS source, 'events' AS source_name, r.partition AS source_partition,
       r."offset" AS source_position, r.event_time_ms,
       DATE '1970-01-01' + (r.event_time_ms // 86_400_000)::INTEGER AS event_date,
       p.kind = 'closing' AS closing, {PAYLOAD_DIGEST.format(value="payload")} AS payload_digest,
       m.reason,
       p.event_id, p.event_type, p.entity_id, p.category, p.reference_id, p.value, p.quantity,
       p.attributes
FROM readback_events r
LEFT JOIN plan p ON p.seq = CASE WHEN r.sent_as >= 0 THEN r.sent_as ELSE r.seq END
LEFT JOIN payloads ON payloads.seq = p.seq
LEFT JOIN oracle_malformed m ON m.seq = r.seq
WHERE r.topic = 'events'
UNION ALL BY NAME
SELECT 'partner' AS source, source_name, NULL AS source_partition, source_position, event_time_ms,
       event_date, false AS closing, reason, event_id, event_type, entity_id, category, reference_id, value,
       quantity, attributes
FROM partner_rows
"""  # noqa: S608 -- the digest is the product's own
_SILVER: Final = f"""
WITH kept AS (
    SELECT * FROM oracle_bronze WHERE reason IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY event_id, event_time_ms
        ORDER BY source, source_partition NULLS FIRST, source_position, source_name) = 1
), categories AS (
    SELECT key AS category, name AS category_name FROM reference_rows WHERE "table" = 'categories'
), assets AS (SELECT key FROM reference_rows WHERE "table" = 'assets')
SELECT *, CASE WHEN reference_id IS NOT NULL THEN reference_id IN (FROM assets) END AS reference_known,
       {ENTRIES.format(value="attributes::JSON::MAP(VARCHAR, VARCHAR)")} AS attribute_entries
FROM kept LEFT JOIN categories USING (category)
"""  # noqa: S608 -- the entries are the product's own
_REJECTS: Final = """
WITH accepted AS (SELECT event_date, source, count(*) AS rows FROM oracle_silver GROUP BY ALL)
SELECT event_date, source, coalesce(reason, 'duplicate_identity') AS reason,
       count(*) - CASE WHEN reason IS NULL THEN coalesce(any_value(a.rows), 0) ELSE 0 END AS rows
FROM oracle_bronze LEFT JOIN accepted a USING (event_date, source)
GROUP BY event_date, source, reason HAVING rows > 0
"""


def derive_lake(history: History) -> None:
    """Make these tables:

    - ``oracle_bronze``: every record and partner row, with the contract's ``reason`` to reject it, if any,
      and ``closing`` for a load's closing events;
    - ``oracle_silver``: the rows that Silver must hold, joined with the reference tables;
    - ``oracle_rejects (event_date, reason, source, rows)``;
    - ``oracle_bronze_groups`` and ``oracle_silver_groups``: like ``lake_bronze`` and ``lake_silver``.
    """
    derive_malformed(history)
    history.derive("oracle_bronze", _RECORDS)
    history.derive("oracle_silver", _SILVER)
    history.derive("oracle_rejects", _REJECTS)
    _derive_groups(history, "bronze", ("event_date", "source"), BRONZE_FIELDS)
    _derive_groups(history, "silver", ("event_date", "event_type", "source"), SILVER_FIELDS)


def _derive_groups(history: History, layer: str, keys: Sequence[str], fields: Sequence[str]) -> None:
    history.derive(f"oracle_{layer}_groups", checksum_query(f"oracle_{layer}", keys, fields))
