"""DuckDB for files that nobody has vetted: confined to the files that it was given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from harness.base.database import database_in_memory


def identifier(name: str) -> str:
    """A name in SQL, with any characters."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL, with any characters."""
    return "'" + text.replace("'", "''") + "'"


def open_database(
    *, readable: Iterable[Path], spill: Path, timezone: str = "UTC"
) -> duckdb.DuckDBPyConnection:
    """An empty database in memory that can read only the files named, and spills what is too large.

    Times without a zone are read as of ``timezone``. Nothing that a statement says can change these limits.
    """
    connection = database_in_memory(
        {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(spill),
        }
    )
    connection.execute(f"SET TimeZone = {literal(timezone)}")
    paths = ", ".join(literal(str(path)) for path in readable)
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def one_row(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[Any, ...]:
    """The only row of a result."""
    (row,) = connection.execute(statement).fetchall()
    return tuple(row)
