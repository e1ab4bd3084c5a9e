"""The tables of the lake: their names, partitions and locations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pipeline.base.endpoints import ObjectStoreEndpoint

DAY: Final = "event_date"
"""The column with a row's day. A task replaces the rows of its day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A Delta table of the lake."""

    name: str
    """Its folder in the bucket, such as ``silver/events``."""
    partition_columns: tuple[str, ...] = (DAY,)

    @property
    def quarantine(self) -> Table:
        """The table for rows that a gate refused, with the same columns."""
        return replace(self, name=f"quarantine/{self.name}")


LANDING_EVENTS: Final = Table(name="landing/events", partition_columns=(DAY, "event_type"))
BRONZE_EVENTS: Final = Table(name="bronze/events")
SILVER_EVENTS: Final = Table(name="silver/events", partition_columns=(DAY, "event_type"))
SILVER_REJECTS: Final = Table(name="silver/rejects")
GOLD_DAILY: Final = Table(name="gold/daily")
GOLD_HOURLY: Final = Table(name="gold/hourly")
GOLD_ENTITY_DAYS: Final = Table(name="gold/entity_days")
GOLD_ENTITIES: Final = Table(name="gold/entities", partition_columns=())
REFERENCE_CATEGORIES: Final = Table(name="reference/categories", partition_columns=())
REFERENCE_ASSETS: Final = Table(name="reference/assets", partition_columns=())
TABLES: Final = (
    LANDING_EVENTS,
    BRONZE_EVENTS,
    SILVER_EVENTS,
    SILVER_REJECTS,
    GOLD_DAILY,
    GOLD_HOURLY,
    GOLD_ENTITY_DAYS,
    GOLD_ENTITIES,
    REFERENCE_CATEGORIES,
    REFERENCE_ASSETS,
)


def uri(endpoint: ObjectStoreEndpoint, table: Table) -> str:
    """Return the table's URI for Spark."""
    return f"s3a://{endpoint.bucket}/{table.name}"
