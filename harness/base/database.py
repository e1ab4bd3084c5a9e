"""Opens every DuckDB database of the harness: in memory, without a progress bar."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb


def database_in_memory(config: Mapping[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection to an empty database.

    Two seconds into a statement, DuckDB draws a progress bar on the terminal if Python seems interactive,
    which it assumes whenever ``__main__`` has no file. It is disabled, also for programs that embed this.
    """
    connection = duckdb.connect(":memory:", config=dict(config or {}))
    connection.execute("SET enable_progress_bar = false")
    return connection
