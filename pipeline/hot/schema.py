"""The hot store's keyspace and tables. The columns of events come from the contract."""

from __future__ import annotations

from typing import Final

from pipeline.contract.derive import cassandra_columns
from pipeline.contract.odcs import DataContract

KEYSPACE: Final = "hot"
RECENT_EVENTS: Final = "recent_events"
WINDOW_RESULTS: Final = "window_results"

EVENT_KEY: Final = ("entity_id", "event_time", "event_id")
"""The key of a row in ``recent_events``, besides its day."""
WINDOW_KEY: Final = ("window_kind", "key", "window_end", "window_start")
"""The key of a row in ``window_results``, besides its day."""
WINDOW_COLUMNS: Final = (
    ("window_kind", "text"),
    ("key", "text"),
    ("window_start", "timestamp"),
    ("window_end", "timestamp"),
    ("events", "bigint"),
    ("measured", "bigint"),
    ("value_sum", "double"),
    ("value_min", "double"),
    ("value_max", "double"),
)


def create_statements(
    contract: DataContract, *, datacenter: str, replication_factor: int, ttl_s: int
) -> tuple[str, ...]:
    """Return the CQL that creates the keyspace and its tables if they do not exist."""
    return (
        f"CREATE KEYSPACE IF NOT EXISTS {KEYSPACE} WITH replication = "
        f"{{'class': 'NetworkTopologyStrategy', '{datacenter}': {replication_factor}}}",
        _table(
            RECENT_EVENTS,
            cassandra_columns(contract),
            partition=("entity_id", "day"),
            clustering={"event_time": "DESC", "event_id": "ASC"},
            ttl_s=ttl_s,
        ),
        _table(
            WINDOW_RESULTS,
            WINDOW_COLUMNS,
            partition=("window_kind", "key", "day"),
            clustering={"window_end": "DESC", "window_start": "DESC"},
            ttl_s=ttl_s,
        ),
    )


def drop_statement() -> str:
    """Return the CQL that removes the hot store."""
    return f"DROP KEYSPACE IF EXISTS {KEYSPACE}"


def event_columns(contract: DataContract) -> tuple[str, ...]:
    """Return the columns of ``recent_events`` in binding order, ``day`` first."""
    return ("day", *(name for name, _ in cassandra_columns(contract)))


def window_columns() -> tuple[str, ...]:
    """Return the columns of ``window_results`` in binding order, ``day`` first."""
    return ("day", *(name for name, _ in WINDOW_COLUMNS))


def insert_statement(table: str, columns: tuple[str, ...]) -> str:
    """Return the upsert of one row. Repeating it changes nothing."""
    marks = ", ".join("?" for _ in columns)
    return f"INSERT INTO {KEYSPACE}.{table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 -- own names


def _table(
    name: str,
    columns: tuple[tuple[str, str], ...],
    *,
    partition: tuple[str, ...],
    clustering: dict[str, str],
    ttl_s: int,
) -> str:
    declared = ", ".join(f"{column} {kind}" for column, kind in (("day", "date"), *columns))
    order = ", ".join(f"{column} {direction}" for column, direction in clustering.items())
    # Rows of one day expire together, so whole files expire without compaction.
    return (
        f"CREATE TABLE IF NOT EXISTS {KEYSPACE}.{name} ({declared}, "
        f"PRIMARY KEY (({', '.join(partition)}), {', '.join(clustering)})) "
        f"WITH CLUSTERING ORDER BY ({order}) AND default_time_to_live = {ttl_s} "
        "AND compaction = {'class': 'TimeWindowCompactionStrategy', "
        "'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}"
    )
