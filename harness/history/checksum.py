"""A checksum of a table's rows that does not depend on their order, as SQL for DuckDB.

Both sides of a comparison use it: what reads the lake, and the oracle. A row's digest is the lower half of
the MD5 of its fields as text, the same in every version of DuckDB, since a history is judged again years
later. A null is no text, unless one is a control character. A group's checksum is the sum of its digests,
so a row that is there twice counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BRONZE_FIELDS: Final = (
    "source_name",
    "source_partition",
    "source_position",
    "event_time_ms",
    "payload_digest",  # PAYLOAD_DIGEST; null for partners' rows, whose text is the lake's own
)
PAYLOAD_DIGEST: Final = "md5_number_lower({value})"
"""Of a record's value as it came."""
SILVER_FIELDS: Final = (
    "event_id",
    "event_time_ms",
    "entity_id",
    "category",
    "reference_id",
    "value",
    "quantity",
    "attribute_entries",  # ENTRIES of the attributes
    "category_name",
    "reference_known",
)
ENTRIES: Final = (
    "array_to_string(list_sort(list_transform(map_entries({value}),"
    " lambda entry: entry.key || chr(29) || coalesce(entry.value, chr(30)))), chr(28))"
)
"""Of a map of texts, whatever the order in which it is written; null for none."""
BUCKETS: Final = 256
"""Of each group; see harness/history/lake_schema.py."""

_SEPARATOR: Final = "chr(31)"
_NULL: Final = "chr(30)"


def summed(rows: str, keys: Sequence[str], fields: Sequence[str]) -> str:
    """The query of ``keys``, ``bucket``, ``rows`` and ``checksum`` of the groups of a table or view."""
    texts = f" || {_SEPARATOR} || ".join(f"coalesce({field}::VARCHAR, {_NULL})" for field in fields)
    return f"""
WITH digests AS (SELECT {", ".join(keys)}, md5_number_lower({texts}) AS digest FROM {rows})
SELECT {", ".join(keys)}, (digest % {BUCKETS})::SMALLINT AS bucket, count(*) AS rows,
       (sum(digest) % 9223372036854775807)::BIGINT AS checksum
FROM digests GROUP BY ALL
"""  # noqa: S608 -- names of this product's own
