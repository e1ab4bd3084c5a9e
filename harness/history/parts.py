"""The files of a run's folder, read as what they are: somebody's files, which may be damaged or not ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

Line = TypeVar("Line", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One table of a history, as far as it can be read."""

    rows: pa.Table | ds.Dataset
    """Without the rows of what could not be read."""
    present: bool
    """Whether the run wrote the table at all, if only to say that it is empty."""
    unreadable: tuple[str, ...] = ()
    """What could not be read, and why."""


def plain(schema: pa.Schema) -> pa.Schema:
    """The schema with dictionaries as the strings that they stand for, since each part has its own."""
    return pa.schema([(f.name, f.type.value_type if _is_dictionary(f) else f.type) for f in schema])


def read_parts(folder: Path, schema: pa.Schema) -> Source:
    """A table that is a folder of Parquet parts. Parts that are still being written are not there yet."""
    readable: list[str] = []
    unreadable: list[str] = []
    for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else ():
        reason = "a link" if path.is_symlink() else _why_unreadable(path, schema)
        if reason:
            unreadable.append(f"{folder.name}/{path.name}: {reason}")
        else:
            readable.append(str(path))
    return _source(readable, schema, tuple(unreadable))


def read_file(path: Path, schema: pa.Schema) -> Source:
    """A table that is one Parquet file, or a link to one."""
    if not path.exists():
        return _source([], schema, ())
    reason = _why_unreadable(path, schema)
    return _source([] if reason else [str(path)], schema, (f"{path.name}: {reason}",) if reason else ())


def read_lines(path: Path, kind: type[Line]) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """The JSON lines of a file that are of the kind, and what is wrong with each that is not."""
    lines: list[Line] = []
    wrong: list[str] = []
    for number, text in enumerate(path.read_bytes().splitlines() if path.is_file() else (), start=1):
        try:
            lines.append(kind.model_validate(orjson.loads(text)))
        except (orjson.JSONDecodeError, ValidationError) as error:
            wrong.append(f"{path.name} line {number}: {str(error).splitlines()[0]}")
    return tuple(lines), tuple(wrong)


def _source(readable: Sequence[str], schema: pa.Schema, unreadable: tuple[str, ...]) -> Source:
    rows = (
        ds.dataset(list(readable), schema=plain(schema), format="parquet")
        if readable
        else plain(schema).empty_table()
    )
    return Source(rows=rows, present=bool(readable), unreadable=unreadable)


def _why_unreadable(path: Path, schema: pa.Schema) -> str:
    """The reason, or an empty string for a Parquet file with the schema's columns."""
    try:
        found = plain(pq.read_schema(path))
    except (OSError, pa.ArrowException) as error:
        return str(error).splitlines()[0]
    return "; ".join(_differences(found, plain(schema)))


def _differences(found: pa.Schema, wanted: pa.Schema) -> Iterator[str]:
    for field in wanted:
        index = found.get_field_index(field.name)
        if index < 0:
            yield f"no column {field.name}"
        elif found.field(index).type != field.type:
            yield f"column {field.name} is {found.field(index).type} instead of {field.type}"


def _is_dictionary(field: pa.Field) -> bool:
    return bool(pa.types.is_dictionary(field.type))
