"""Silver and Gold of the same files by DuckDB, in this process; delta-rs reads and writes its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import duckdb
from deltalake import DeltaTable, write_deltalake

from harness.base.database import database_in_memory
from harness.load.contract_rules import contract_rules
from pipeline.base.endpoints import ObjectStoreEndpoint
from pipeline.days.tables.delta_tables import (
    BRONZE_EVENTS,
    GOLD_DAILY,
    GOLD_ENTITIES,
    GOLD_ENTITY_DAYS,
    GOLD_HOURLY,
    REFERENCE_ASSETS,
    REFERENCE_CATEGORIES,
    SILVER_EVENTS,
    SILVER_REJECTS,
    Table,
)
from pipeline.lake.delta_rs import storage_options, table_root
from tests.bench import lake_sql
from tests.bench.lake_step import Step, own

NAME: Final = "DuckDB"
FOLDER: Final = "duckdb"
_CHUNK_ROWS: Final = 100_000
_CORES: Final = 2
"""As Spark's session has."""


def duckdb_steps(endpoint: ObjectStoreEndpoint) -> tuple[Step, Step]:
    """One a layer, of a lake whose Silver was made by the pipeline."""
    return (
        Step(
            layer="silver",
            name=NAME,
            adds="both tables by SQL on two threads; no gate, lease or record",
            run=lambda: _silver(endpoint),
        ),
        Step(
            layer="gold",
            name=NAME,
            adds="four tables by SQL on two threads; no gate, lease or record",
            run=lambda: _gold(endpoint),
        ),
    )


def _silver(endpoint: ObjectStoreEndpoint) -> None:
    rules = contract_rules()
    tables = {"bronze": BRONZE_EVENTS, "categories": REFERENCE_CATEGORIES, "assets": REFERENCE_ASSETS}
    with _reading(endpoint, tables) as database:
        database.execute(f"CREATE TEMP TABLE decided AS {lake_sql.decided(rules)}")
        _write(endpoint, SILVER_EVENTS, database.sql(lake_sql.silver(rules)))
        _write(endpoint, SILVER_REJECTS, database.sql(lake_sql.REJECTS))


def _gold(endpoint: ObjectStoreEndpoint) -> None:
    with _reading(endpoint, {"silver": SILVER_EVENTS}) as database:
        _write(endpoint, GOLD_DAILY, database.sql(lake_sql.DAILY))
        _write(endpoint, GOLD_HOURLY, database.sql(lake_sql.HOURLY))
        database.execute(f"CREATE TEMP TABLE entity_days AS {lake_sql.ENTITY_DAYS}")
        _write(endpoint, GOLD_ENTITY_DAYS, database.table("entity_days"))
        _write(endpoint, GOLD_ENTITIES, database.sql(lake_sql.ENTITIES))


@contextmanager
def _reading(
    endpoint: ObjectStoreEndpoint, tables: Mapping[str, Table]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in which these tables of the lake have these names."""
    with database_in_memory({"threads": str(_CORES)}) as database:
        database.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            found = DeltaTable(_uri(endpoint, table), storage_options=storage_options(endpoint))
            database.register(name, found.to_pyarrow_dataset())
        yield database


def _write(endpoint: ObjectStoreEndpoint, table: Table, rows: duckdb.DuckDBPyRelation) -> None:
    write_deltalake(
        _uri(endpoint, own(table, FOLDER)),
        rows.to_arrow_reader(_CHUNK_ROWS),
        mode="overwrite",
        partition_by=list(table.partition_columns) or None,
        storage_options=storage_options(endpoint),
    )


def _uri(endpoint: ObjectStoreEndpoint, table: Table) -> str:
    return f"{table_root(endpoint)}/{table.name}"
