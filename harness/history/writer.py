"""Writes a history: columns into Parquet parts, and single records into files of JSON lines.

A part is written under a temporary name and renamed into place, so that readers never see a partial one and a
killed process loses only what was still buffered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence, Sized
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from harness.base.files import write_atomically
from harness.history.parquet_parts import end_mark, part_name
from harness.history.schema import TABLES

Column: TypeAlias = Sequence[Any] | np.ndarray[Any, Any] | pa.Array | str | int | float | None
"""Values of one column; a single string, number or None applies to every row."""


class TableWriter:
    """Appends rows to one table of a history and writes a part at least every ``every_s`` seconds.

    It has no thread of its own: callers that may pause must call ``flush_if_due`` in their loop. Not
    thread-safe. ``part_prefix`` must be unique among the processes that write the table; a process that
    restarts under its old prefix continues the numbering of its parts.
    """

    def __init__(
        self,
        history: Path,
        table: str,
        part_prefix: str,
        *,
        every_s: float = 1.0,
        rows_per_part: int = 1_000_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._schema = TABLES[table]
        self._folder = history / table
        self._folder.mkdir(parents=True, exist_ok=True)
        self._prefix = part_prefix
        self._every_s, self._rows_per_part, self._clock = every_s, rows_per_part, clock
        self._next_part = _parts_so_far(self._folder, part_prefix)
        self._names = frozenset(self._schema.names)
        self._batches: list[pa.RecordBatch] = []
        self._batched_rows = 0
        self._rows: list[dict[str, Any]] = []
        self._flushed_s = clock()
        self._wrote = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, columns: Mapping[str, Column]) -> None:
        """Append columns; omitted ones are null. Raises ValueError for an unknown name or unequal lengths."""
        self._refuse_unknown(columns.keys())
        self._take_rows()
        lengths = {len(cast(Sized, c)) for c in columns.values() if not _is_constant(c)}
        if len(lengths) > 1:
            raise ValueError(f"columns of unequal length: {sorted(lengths)}")
        length = lengths.pop() if lengths else 1
        arrays = [_array(columns.get(field.name), field.type, length) for field in self._schema]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._batched_rows += length
        self.flush_if_due()

    def add(self, **fields: str | int | float | None) -> None:
        """Append one row, at up to some thousand rows a second. Raises ValueError for an unknown name."""
        self._refuse_unknown(fields.keys())
        self._rows.append(fields)
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Write buffered rows as a part once the last part is ``every_s`` old or a part is full."""
        buffered = self._batched_rows + len(self._rows)
        if buffered and (buffered >= self._rows_per_part or self._clock() - self._flushed_s >= self._every_s):
            self.flush()

    def flush(self) -> None:
        """Write all buffered rows as one part."""
        self._take_rows()
        self._flushed_s = self._clock()
        if not self._batches:
            return
        self._write_part(pa.Table.from_batches(self._batches, schema=self._schema))
        self._batches, self._batched_rows = [], 0

    def close(self) -> None:
        """Write the buffered rows and the number of parts, so that lost ones can be detected.

        A writer without any rows leaves an empty part, as a record that there was nothing.
        """
        self.flush()
        if not self._wrote:
            self._write_part(self._schema.empty_table())
        mark = orjson.dumps({"parts": self._next_part})
        write_atomically(self._folder / end_mark(self._prefix), mark)

    def _refuse_unknown(self, names: Any) -> None:
        if not names <= self._names:
            raise ValueError(f"unknown columns of {self._folder.name}: {sorted(names - self._names)}")

    def _take_rows(self) -> None:
        """Turn single rows into a batch, so that rows and columns keep their order."""
        if self._rows:
            self._batches.append(pa.RecordBatch.from_pylist(self._rows, schema=self._schema))
            self._batched_rows += len(self._rows)
            self._rows = []

    def _write_part(self, table: pa.Table) -> None:
        name = part_name(self._prefix, self._next_part)
        partial = self._folder / f"{name}.partial"
        write_parquet(table, partial)
        partial.rename(self._folder / name)
        self._next_part += 1
        self._wrote = True


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table with a history's encodings: delta-encoded integers, dictionaries, zstd."""
    encodings = {f.name: _encoding(f.type) for f in table.schema if not pa.types.is_dictionary(f.type)}
    pq.write_table(
        table,
        path,
        compression="zstd",
        use_dictionary=[f.name for f in table.schema if pa.types.is_dictionary(f.type)],
        column_encoding=encodings,
        data_page_version="2.0",
        write_page_checksum=True,
        row_group_size=1_000_000,
    )


def append_jsonl(path: Path, line: Mapping[str, object]) -> None:
    """Append a JSON object as a line in a single write, so that several processes may share the file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, orjson.dumps(line) + b"\n")
    finally:
        os.close(descriptor)


def _parts_so_far(folder: Path, prefix: str) -> int:
    """Return one more than the highest part number of this prefix.

    An unfinished part leaves no gap: it is overwritten.
    """
    stems = (path.stem for path in folder.glob("*.parquet"))
    numbers = (stem.removeprefix(f"{prefix}-") for stem in stems if stem.startswith(f"{prefix}-"))
    return max((int(number) + 1 for number in numbers if number.isdigit()), default=0)


def _is_constant(column: Column) -> bool:
    return column is None or isinstance(column, str | int | float)


def _array(column: Column, kind: pa.DataType, length: int) -> pa.Array:
    if _is_constant(column):
        return _constant(column, kind, length)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.Array):
        return column if column.type == kind else column.cast(kind)
    if isinstance(column, np.ndarray) and pa.types.is_dictionary(kind):
        return pa.array(column, type=kind.value_type).cast(kind)
    return pa.array(column, type=kind)


def _constant(value: Column, kind: pa.DataType, length: int) -> pa.Array:
    if value is None:
        return pa.nulls(length, kind)
    if pa.types.is_dictionary(kind):
        indices = pa.array(np.zeros(length, dtype=np.int8)).cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, pa.array([value], type=kind.value_type))
    return pa.repeat(pa.scalar(value, type=kind), length)


def _encoding(kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return "BYTE_STREAM_SPLIT"
    if pa.types.is_integer(kind) or pa.types.is_date32(kind):
        return "DELTA_BINARY_PACKED"
    return "PLAIN" if pa.types.is_boolean(kind) else "DELTA_BYTE_ARRAY"
