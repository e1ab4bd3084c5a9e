"""Reads a plan in parts, however large it is, and finds its events again by what came out of the platform."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from harness.load.plan import PlanFile
from harness.load.sql import literal, open_database

# Statements are put together from parts that harness/load/sql.py has quoted.
# ruff: noqa: S608

UNKNOWN: Final = -1
"""The seq of what is not in the plan."""


class PlanReader:
    """A plan that is open for reading; to be closed, or used in a ``with``."""

    def __init__(self, path: Path) -> None:
        """Open a plan. Raises OSError, or ValueError when it is none."""
        self.plan = PlanFile.open(path)
        self._file = pq.ParquetFile(path)
        metadata = self._file.metadata
        groups = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
        self._starts = list(accumulate(groups, initial=0))
        """The first seq of each row group, and one past the last of all."""
        self._lookups: _Lookups | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._file.close()
        if self._lookups is not None:
            self._lookups.close()
            self._lookups = None

    def read_slice(self, first_seq: int, last_seq: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows from ``first_seq`` to ``last_seq``, both included, as far as the plan has them."""
        first, end = max(first_seq, 0), min(last_seq + 1, self._starts[-1])
        names = None if columns is None else list(columns)
        if first >= end:
            return self._file.schema_arrow.empty_table().select(names or self._file.schema_arrow.names)
        first_group = bisect_right(self._starts, first) - 1
        last_group = bisect_right(self._starts, end - 1) - 1
        rows = self._file.read_row_groups(list(range(first_group, last_group + 1)), columns=names)
        return rows.slice(first - self._starts[first_group], end - first)

    def batches(
        self, columns: Sequence[str] | None = None, *, rows: int = 65_536
    ) -> Iterator[pa.RecordBatch]:
        """All rows in order, at most ``rows`` at a time."""
        names = None if columns is None else list(columns)
        yield from self._file.iter_batches(batch_size=rows, columns=names)

    def seq_of_identity(self, event_ids: pa.Array, event_offsets_ms: pa.Array) -> pa.Array:
        """The seq of each (event_id, event time): a duplicate's is its original's. -1 where there is none.

        Large batches are cheaper than small ones: each costs a look through the plan's identities.
        """
        asked = pa.table({"event_id": event_ids, "event_offset_ms": event_offsets_ms})
        return self._open_lookups().find("identities", asked)

    def seq_of_payload(self, payloads: pa.Array) -> pa.Array:
        """The seq of each malformed event, by its bytes. -1 where there is none."""
        return self._open_lookups().find("malformed", pa.table({"payload": payloads.cast(pa.binary())}))

    def _open_lookups(self) -> _Lookups:
        if self._lookups is None:
            self._lookups = _Lookups(self.plan.path)
        return self._lookups


class _Lookups:
    """Tables from what can be seen of an event to its seq, made when first asked for."""

    _TABLES: Final = {
        "identities": "SELECT event_id, event_offset_ms, seq FROM {plan} WHERE kind IN ('valid', 'closing')",
        "malformed": "SELECT payload, seq FROM {plan} WHERE kind = 'malformed'",
    }

    def __init__(self, plan: Path) -> None:
        self._plan = plan
        self._made: set[str] = set()
        self._spill = tempfile.TemporaryDirectory(prefix="floodmark-lookup-", ignore_cleanup_errors=True)
        self._database: duckdb.DuckDBPyConnection = open_database(
            readable=[plan], spill=Path(self._spill.name)
        )

    def close(self) -> None:
        self._database.close()
        self._spill.cleanup()

    def find(self, table: str, asked: pa.Table) -> pa.Array:
        if table not in self._made:
            plan = f"read_parquet({literal(str(self._plan))})"
            self._database.execute(f"CREATE TABLE {table} AS {self._TABLES[table].format(plan=plan)}")
            self._made.add(table)
        numbered = asked.append_column("n", pa.array(range(asked.num_rows), pa.int64()))
        keys = ", ".join(asked.column_names)
        self._database.register("asked", numbered)
        found = self._database.sql(
            f"SELECT coalesce(seq, {UNKNOWN}) AS seq FROM asked LEFT JOIN {table} USING ({keys}) ORDER BY n"
        ).to_arrow_table()
        self._database.unregister("asked")
        seqs: pa.ChunkedArray = found.column("seq").cast(pa.int64())
        return seqs.combine_chunks()
