"""Reads Parquet, whose columns have types."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.contract.declared_columns import retyped
from pipeline.contract.odcs import DataContract
from pipeline.days.partners.source_file import (
    TIME,
    Limits,
    SourceFile,
    SourceRow,
    Unreadable,
    fields_by_name,
    key_field,
    require_columns,
    shown,
    text_or_none,
    within,
)

_BATCH_ROWS: Final = 10_000
_PARTS_A_MS: Final = MappingProxyType({"ms": 1, "us": 1_000, "ns": 1_000_000})
"""How many of each unit make a millisecond. Parquet has no seconds."""


def read_parquet(content: bytes, contract: DataContract, limits: Limits) -> SourceFile:
    """Read a file. Its rows omit columns that the contract does not list. Raises Unreadable."""
    try:
        file = pq.ParquetFile(
            io.BytesIO(content), page_checksum_verification=True, coerce_int96_timestamp_unit="us"
        )
        _require_small(file.metadata, limits)
        require_columns(file.schema_arrow.names, limits)
        declared = _declared_types(file)
        # A file with fields of other types is refused later, whatever its rows contain.
        known = fields_by_name(contract).keys() - retyped(declared, contract)
        batches = file.iter_batches(
            columns=[name for name in file.schema_arrow.names if name in known],
            batch_size=_batch_rows(file.metadata, limits),
        )
        rows = list(within((row for batch in batches for row in _rows(batch, contract)), limits))
    except UnicodeDecodeError as error:
        raise Unreadable(f"a text of it is no UTF-8: {error}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"it cannot be read as Parquet: {error}") from error
    printable = {shown(name): kind for name, kind in declared.items()}
    return SourceFile(declared=printable, omits_nulls=False, rows=rows)


def _require_small(metadata: pq.FileMetaData, limits: Limits) -> None:
    if (unpacked := sum(_group_bytes(metadata))) > limits.unpacked_bytes:
        raise Unreadable(f"its pages unpack to {unpacked:,} bytes; at most {limits.unpacked_bytes:,}")
    if (rows := metadata.num_rows) > limits.rows:
        raise Unreadable(f"it has {rows:,} rows; at most {limits.rows:,}; drop it in parts")


def _batch_rows(metadata: pq.FileMetaData, limits: Limits) -> int:
    """Return how many rows may be in memory at once, whatever they contain.

    A dictionary stores a long text once for all rows that share it, so the size of unpacked pages is no
    bound. But no row is longer than all pages of its group.
    """
    return max(1, min(_BATCH_ROWS, limits.unpacked_bytes // max([1, *_group_bytes(metadata)])))


def _group_bytes(metadata: pq.FileMetaData) -> list[int]:
    return [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]


def _rows(batch: pa.RecordBatch, contract: DataContract) -> Iterator[SourceRow]:
    maps = [field.name for field in batch.schema if pa.types.is_map(field.type)]
    key = key_field(contract)
    values = batch.select([name for name in batch.schema.names if name != TIME]).to_pylist()
    for value, time in zip(values, _times(batch), strict=True):
        present = {name: found for name, found in value.items() if found is not None}
        text = _object(
            (name, _object((key, _json(of)) for key, of in found) if name in maps else _json(found))
            for name, found in present.items()
        )
        yield SourceRow(value=text.encode(), event_time=time, key=text_or_none(present.get(key)), text=text)


def _object(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a JSON object from names and JSON values. Duplicate names are kept."""
    return f"{{{', '.join(f'{_json(name)}: {value}' for name, value in pairs)}}}"


def _json(found: object) -> str:
    # Non-finite numbers become words that are not JSON, and so rejects.
    return json.dumps(found, ensure_ascii=False)


def _times(batch: pa.RecordBatch) -> list[Any]:
    if TIME not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(TIME)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_timestamp(column.type):
        times: list[Any] = column.to_pylist()
        return times
    # Python integers do not overflow, and are rounded down like texts.
    parts = _PARTS_A_MS[column.type.unit]
    return [None if part is None else part // parts for part in column.cast(pa.int64()).to_pylist()]


def _declared_types(file: pq.ParquetFile) -> dict[str, str]:
    found = {field.name: _declared(field.type) for field in file.schema_arrow}
    # Spark's default type has no zone, but Spark stores moments in it.
    columns = (file.schema.column(number) for number in range(len(file.schema)))
    moments = {column.path for column in columns if column.physical_type == "INT96"}
    return found | dict.fromkeys(moments & found.keys(), "timestamp[us, tz=UTC]")


def _declared(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return str(kind.value_type)  # an encoding, not a value type
    if pa.types.is_map(kind):
        return f"map<{kind.key_type}, {kind.item_type}>"  # without the names of its children
    return str(kind)
