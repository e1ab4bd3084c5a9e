"""Reads the lake's tables into the history, as groups of rows; Gold's rows are kept as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.base.report import Report
from harness.history.checksum import BRONZE_FIELDS, ENTRIES, PAYLOAD_DIGEST, SILVER_FIELDS, checksum_query
from harness.history.schema import TABLES
from harness.history.writer import TableWriter
from harness.observe.readback.lake import Lake

_PART_PREFIX: Final = "lake"
_QUARANTINE: Final = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """A table of the lake, and how it is read into the history's table."""

    source: str
    table: str
    columns: Sequence[str]
    """The source's columns to read."""
    query: str = "FROM lake"
    """A query over ``lake``, the source's rows."""

    @property
    def places(self) -> Iterator[tuple[str, str]]:
        """Each ``place``, with the table that holds its rows."""
        yield "table", self.source
        if self.is_placed:
            yield "quarantine", f"{_QUARANTINE}/{self.source}"

    @property
    def is_placed(self) -> bool:
        """Whether its days may be in quarantine."""
        return "place" in TABLES[self.table].names


def _in_ms(*columns: str) -> str:
    """The query for the source's rows with timestamps in milliseconds."""
    moments = ", ".join(f"epoch_ms({column}) AS {column}_ms" for column in columns)
    return f"SELECT * EXCLUDE ({', '.join(columns)}), {moments} FROM lake"  # noqa: S608 -- own names


_BRONZE: Final = f"""(
    SELECT event_date, source, source_name, source_partition, source_position,
           epoch_ms(event_time) AS event_time_ms,
           CASE source WHEN 'kafka' THEN {PAYLOAD_DIGEST.format(value="value")} END AS payload_digest
    FROM lake
)"""  # noqa: S608 -- names of this product's own
_SILVER: Final = f"""(
    SELECT *, epoch_ms(event_time) AS event_time_ms, {ENTRIES.format(value="attributes")} AS attribute_entries
    FROM lake
)"""  # noqa: S608 -- names of this product's own
_MADE: Final = ("event_time_ms", "attribute_entries")
"""Silver's fields that are derived, rather than read as columns."""
_KEYS: Final = ("event_date", "category", "event_type")
_MEASURES: Final = ("events", "measured", "value_sum", "value_min", "value_max", "quantity_sum")
_ENTITY: Final = ("entity_id", "events", "first_event_time", "last_event_time", "last_event_type")
_LAYOUTS: Final = (
    _Layout(
        source="landing/events",
        table="lake_landing",
        columns=("event_date", "partition"),
        query="SELECT event_date, partition, count(*) AS rows FROM lake GROUP BY ALL",
    ),
    _Layout(
        source="bronze/events",
        table="lake_bronze",
        columns=("event_date", "source", *BRONZE_FIELDS[:3], "event_time", "value"),
        query=checksum_query(_BRONZE, ("event_date", "source"), BRONZE_FIELDS),
    ),
    _Layout(
        source="silver/events",
        table="lake_silver",
        columns=(
            *("event_date", "event_type", "source", "event_time", "attributes"),
            *(name for name in SILVER_FIELDS if name not in _MADE),
        ),
        query=checksum_query(_SILVER, ("event_date", "event_type", "source"), SILVER_FIELDS),
    ),
    _Layout(
        source="silver/rejects",
        table="lake_rejects",
        columns=("event_date", "reason", "source"),
        query="SELECT event_date, reason, source, count(*) AS rows FROM lake GROUP BY ALL",
    ),
    _Layout(source="gold/daily", table="lake_gold_daily", columns=(*_KEYS, *_MEASURES)),
    _Layout(
        source="gold/hourly",
        table="lake_gold_hourly",
        columns=(*_KEYS, "hour", *_MEASURES),
        query=_in_ms("hour"),
    ),
    _Layout(
        source="gold/entity_days",
        table="lake_gold_entity_days",
        columns=("event_date", *_ENTITY, "last_value"),
        query=_in_ms("first_event_time", "last_event_time"),
    ),
    _Layout(
        source="gold/entities",
        table="lake_gold_entities",
        columns=_ENTITY,
        query=_in_ms("first_event_time", "last_event_time"),
    ),
)


def record_batch_tables(lake: Lake, history: Path, report: Report) -> None:
    """Record every table of the lake; one never written has no rows. Raises PlatformError."""
    for layout in _LAYOUTS:
        read = 0
        with TableWriter(history, layout.table, _PART_PREFIX) as writer:
            for place, source in layout.places:
                for batch in lake.query(source, layout.query, columns=layout.columns):
                    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
                    writer.write({**columns, **({"place": place} if layout.is_placed else {})})
                    read += batch.num_rows
        report(f"read back {layout.source}, {read:,} rows or groups of rows")
