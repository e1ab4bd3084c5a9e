"""DuckDB for untrusted files: it can access only the files that it was given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from harness.base.database import database_in_memory


def identifier(name: str) -> str:
    """Quote any name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote any text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def open_database(
    *, readable: Iterable[Path], spill: Path, timezone: str = "UTC"
) -> duckdb.DuckDBPyConnection:
    """Open an empty in-memory database that can read only the given files, and spills to ``spill``.

    Times without a zone are read as times in ``timezone``. No statement can change these limits.
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
    """Return the only row of a result."""
    (row,) = connection.execute(statement).fetchall()
    return tuple(row)
