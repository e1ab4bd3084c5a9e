"""An order-independent checksum of a table's rows, as SQL for DuckDB.

The lake's reader and the oracle both use it. A row's digest is the lower half of the MD5 of its fields as
text, the same in every version of DuckDB, since a history may be judged again years later. A null differs
from every text but one control character. A group's checksum is the sum of its rows' digests, so a row that
occurs twice counts twice.
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
"""The digest of a record's value, byte for byte."""
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
"""A map of strings as text, independent of its order; null for a null map."""
BUCKETS: Final = 256
"""The number of buckets of a group; see harness/history/lake_schema.py."""

_SEPARATOR: Final = "chr(31)"
_NULL: Final = "chr(30)"


def checksum_query(rows: str, keys: Sequence[str], fields: Sequence[str]) -> str:
    """Return a query of the groups of ``rows``: ``keys``, ``bucket``, ``rows`` and ``checksum``."""
    texts = f" || {_SEPARATOR} || ".join(f"coalesce({field}::VARCHAR, {_NULL})" for field in fields)
    return f"""
WITH digests AS (SELECT {", ".join(keys)}, md5_number_lower({texts}) AS digest FROM {rows})
SELECT {", ".join(keys)}, (digest % {BUCKETS})::SMALLINT AS bucket, count(*) AS rows,
       (sum(digest) % 9223372036854775807)::BIGINT AS checksum
FROM digests GROUP BY ALL
"""  # noqa: S608 -- the names are the product's own
