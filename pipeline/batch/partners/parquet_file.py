"""Parquet: columns with types."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.batch.partners.source_file import (
    TIME,
    Limits,
    SourceFile,
    SourceRow,
    Unreadable,
    fields_by_name,
    key_field,
    require_columns,
    text_or_none,
    within,
)
from pipeline.contract.odcs import DataContract

_BATCH_ROWS: Final = 10_000


def read_parquet(content: bytes, contract: DataContract, limits: Limits) -> SourceFile:
    """Read a file. Columns that the contract does not list are left out of its rows. Raises Unreadable."""
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        _require_small(file.metadata, limits)
        require_columns(file.schema_arrow.names, limits)
        known = [name for name in file.schema_arrow.names if name in fields_by_name(contract)]
        batches = file.iter_batches(columns=known, batch_size=_batch_rows(file.metadata, limits))
        rows = list(within((row for batch in batches for row in _rows(batch, contract)), limits))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"it is no Parquet: {error}") from error
    declared = {field.name: _declared(field.type) for field in file.schema_arrow}
    return SourceFile(declared=declared, omits_nulls=False, rows=rows)


def _require_small(metadata: pq.FileMetaData, limits: Limits) -> None:
    if (unpacked := sum(_group_bytes(metadata))) > limits.unpacked_bytes:
        raise Unreadable(f"its pages unpack to {unpacked:,} bytes; at most {limits.unpacked_bytes:,}")
    if (rows := metadata.num_rows) > limits.rows:
        raise Unreadable(f"it has {rows:,} rows; at most {limits.rows:,}; drop it in parts")


def _batch_rows(metadata: pq.FileMetaData, limits: Limits) -> int:
    """How many rows may be held at once, whatever they hold.

    A dictionary holds a long text once for all rows that have it, so that unpacked pages tell little. But no
    row is longer than all pages of its group.
    """
    return max(1, min(_BATCH_ROWS, limits.unpacked_bytes // max([1, *_group_bytes(metadata)])))


def _group_bytes(metadata: pq.FileMetaData) -> list[int]:
    return [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]


def _rows(batch: pa.RecordBatch, contract: DataContract) -> Iterator[SourceRow]:
    maps = [field.name for field in batch.schema if pa.types.is_map(field.type)]
    key = key_field(contract)
    values = batch.select([name for name in batch.schema.names if name != TIME]).to_pylist()
    for value, time in zip(values, _times(batch), strict=True):
        said = {name: found for name, found in value.items() if found is not None}
        said |= {name: dict(said[name]) for name in maps if name in said}
        # What is not finite becomes a word that JSON does not know, and so a reject.
        text = json.dumps(said, ensure_ascii=False, default=str)
        yield SourceRow(value=text.encode(), event_time=time, key=text_or_none(said.get(key)), text=text)


def _times(batch: pa.RecordBatch) -> list[Any]:
    if TIME not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(TIME)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", tz=column.type.tz), safe=False).cast(pa.int64())
    times: list[Any] = column.to_pylist()
    return times


def _declared(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return str(kind.value_type)  # a way to store, and no type of a value
    if pa.types.is_map(kind):
        return f"map<{kind.key_type}, {kind.item_type}>"  # without the names of its parts
    return str(kind)
