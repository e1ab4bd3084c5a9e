"""Verifies Parquet files with pyarrow, which checks page checksums, unlike DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from harness.base.errors import InvalidInput, Problem

_BATCH_ROWS: Final = 65_536
_PAGE_HEADER_BYTES: Final = 32
_PAGE_WITH_CHECKSUM: Final = re.compile(rb"(?:\x15[\x80-\xff]*[\x00-\x7f]){3}\x15", re.DOTALL)
"""The header of a page with a checksum begins with four 32-bit numbers: kind, two sizes and checksum. (In
Thrift's compact protocol, 0x15 is "the next field, an i32", and each byte holds seven bits of a number.)"""
_COMPLETE: Final = "the complete file as it was written; get it again"
_ERRORS: Final = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises for invalid Parquet data; a broken footer is an OSError."""


def parquet_schema(path: Path, name: str) -> pa.Schema:
    """Return a file's schema. Raises InvalidInput if it cannot be read."""
    with path.open("rb") as file:
        begins = file.read(4) == b"PAR1"
        file.seek(max(file.seek(0, 2) - 4, 0))
        ends = file.read(4) == b"PAR1"
    if not begins:
        raise _refused(name, "data that is not Parquet", "a Parquet file")
    if not ends:
        raise _refused(name, "Parquet data that is cut off: its end is missing", _COMPLETE)
    try:
        return pq.read_schema(path)
    except _ERRORS as error:
        raise _refused(name, "a footer that cannot be read: the file is damaged", _COMPLETE) from error


def verify_pages(path: Path, name: str, columns: Sequence[str]) -> None:
    """Raise InvalidInput if pages of these columns do not match their checksums.

    Many files have no checksums; their faults show only when they are read.
    """
    try:
        if _has_checksums(path, columns):
            for batch in _batches(path, columns):
                del batch
    except _ERRORS as error:
        raise InvalidInput([_damage(path, name, columns)]) from error


def _has_checksums(path: Path, columns: Sequence[str]) -> bool:
    metadata = pq.read_metadata(path)
    with path.open("rb") as file:
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                if chunk.path_in_schema in columns:
                    file.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
                    if _PAGE_WITH_CHECKSUM.match(file.read(_PAGE_HEADER_BYTES)):
                        return True
    return False


def _damage(path: Path, name: str, columns: Sequence[str]) -> Problem:
    damaged = ", ".join(column for column in columns if not _is_sound(path, column))
    where = f"in column {damaged}" if damaged else "in its metadata"
    return Problem(
        where=name, found=f"damaged data {where}: it differs from what was written", allowed=_COMPLETE
    )


def _is_sound(path: Path, column: str) -> bool:
    try:
        for batch in _batches(path, [column]):
            del batch
    except _ERRORS:
        return False
    return True


def unreadable(path: Path, name: str, columns: Sequence[str]) -> Problem:
    """Explain why the database could not read these columns: invalid text or invalid Parquet."""
    try:
        return _text_problem(path, name, columns)
    except _ERRORS:
        return _damage(path, name, columns)


def _text_problem(path: Path, name: str, columns: Sequence[str]) -> Problem:
    first = 0
    for batch in _batches(path, columns):
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            if (row := _no_text(values)) is not None:
                where = f"{name}, row {first + row + 1:,}"
                return Problem(
                    where=where, found=f"bytes in column {column} that are not UTF-8", allowed="UTF-8"
                )
        first += batch.num_rows
    return Problem(where=name, found="Parquet data that cannot be read", allowed="a Parquet file")


def _no_text(values: pa.Array) -> int | None:
    if not _holds_bytes(values.type):
        return None
    for row, value in enumerate(values.cast(pa.large_binary()).to_pylist()):
        try:
            (value or b"").decode()
        except UnicodeDecodeError:
            return row
    return None


def _holds_bytes(type_: pa.DataType) -> bool:
    return any(
        is_type(type_)
        for is_type in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )


def _batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield from file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns))


def _refused(name: str, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=name, found=found, allowed=allowed)])
