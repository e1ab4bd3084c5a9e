"""DuckDB in memory, quiet. Every database of the harness is opened here."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb


def database_in_memory(config: Mapping[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """An empty one.

    DuckDB draws a progress bar over the terminal, two seconds into a statement, where it takes Python to be
    used interactively: wherever ``__main__`` has no file. Whoever embeds the harness gets none either.
    """
    connection = duckdb.connect(":memory:", config=dict(config or {}))
    connection.execute("SET enable_progress_bar = false")
    return connection
