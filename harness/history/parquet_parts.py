"""Reads the files of a run's folder as untrusted input: they may be damaged or foreign."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import orjson
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from harness.base.errors import first_line

Line = TypeVar("Line", bound=BaseModel)

_MARK: Final = re.compile(r"_(?P<series>.+)\.end\.json")
_PART: Final = re.compile(r"(?P<series>.+)-(?P<number>[0-9]{6,18})\.parquet")
_BYTES_AT_ONCE: Final = 8 * 1024 * 1024
"""Tables of up to this total size are read when a history is opened, since reopening hundreds of small parts
for each query takes longer. Of larger tables, queries read the columns and rows that they need."""
_UNREADABLE: Final = (OSError, pa.ArrowException, ValueError, TypeError, KeyError, IndexError, MemoryError)
"""Exceptions that reading a damaged Parquet file can raise."""
_VERIFYING: Final = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The readable part of one table of a history."""

    rows: pa.Table | ds.Dataset
    """The rows of all readable files."""
    present: bool
    """Whether the run wrote the table at all, even empty."""
    unreadable: tuple[str, ...] = ()
    """What could not be read, and why."""


def part_name(series: str, number: int) -> str:
    """Return the name of a part; the parts of a series are numbered from 0 without gaps."""
    return f"{series}-{number:06d}.parquet"


def end_mark(series: str) -> str:
    """Return the name of the file that holds a series' number of parts, written when the series is closed.

    It starts with an underscore, so that readers of whole Parquet folders skip it.
    """
    return f"_{series}.end.json"


def without_dictionaries(schema: pa.Schema) -> pa.Schema:
    """Return the schema with dictionaries replaced by their value types, since each part has its own."""
    return pa.schema([(f.name, f.type.value_type if _is_dictionary(f) else f.type) for f in schema])


def read_parts(
    folder: Path, schema: pa.Schema, *, left_out: Collection[Path] = (), numbered: bool = True
) -> Source:
    """Read a table that is a folder of Parquet parts, ignoring those still being written.

    ``left_out`` files are known to be damaged and are not opened. With ``numbered``, missing parts are
    reported: each series counts from 0, and its end mark holds the number of parts.
    """
    if not folder.is_dir():
        return _read((), schema)
    files = [path for path in sorted(folder.glob("*.parquet")) if path not in left_out]
    links = [path for path in files if path.is_symlink()]
    problems = [f"{folder.name}/{path.name}: it is a symbolic link" for path in links]
    problems += [f"{folder.name}/{gap}" for gap in _gaps(folder, files)] if numbered else []
    return _read([path for path in files if path not in links], schema, f"{folder.name}/", problems)


def read_file(path: Path, schema: pa.Schema, *, left_out: Collection[Path] = ()) -> Source:
    """Read a table that is one Parquet file, or a link to one."""
    files = [path] if os.path.lexists(path) and path not in left_out else []
    return _read(files, schema)


def read_lines(
    path: Path, kind: type[Line], *, left_out: Collection[Path] = (), torn: bool = False
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Return a file's valid JSON lines of this kind, and what is wrong with each other line.

    With ``torn``, an incomplete last line is no damage: the file's writer may be killed at any moment.
    """
    if not os.path.lexists(path) or path in left_out:
        return (), ()
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return (), (f"{path.name}: it is not a regular file",)
        content = path.read_bytes()
    except OSError as error:
        return (), (f"{path.name}: {error}",)
    if torn:
        content = content[: content.rfind(b"\n") + 1]
    lines: list[Line] = []
    wrong: list[str] = []
    for number, text in enumerate(content.splitlines(), start=1):
        try:
            lines.append(kind.model_validate(orjson.loads(text)))
        except (orjson.JSONDecodeError, ValidationError) as error:
            wrong.append(f"{path.name} line {number}: {str(error).splitlines()[0]}")
    return tuple(lines), tuple(wrong)


def _gaps(folder: Path, files: Sequence[Path]) -> Iterator[str]:
    """Yield each series with missing parts: the first of them, and how many there are."""
    numbers: dict[str, set[int]] = {}
    for path in files:
        if found := _PART.fullmatch(path.name):
            numbers.setdefault(found["series"], set()).add(int(found["number"]))
    marks = {path: _MARK.fullmatch(path.name) for path in folder.glob("_*.end.json")}
    closed = {found["series"]: _closed_parts(path) for path, found in marks.items() if found}
    for series in sorted(numbers.keys() | closed.keys()):
        present = numbers.get(series, set())
        count = max(max(present, default=-1) + 1, closed.get(series, 0))
        if len(present) < count:
            first = next(number for number in range(count) if number not in present)
            # It may have appeared during the listing, which may already include a later part.
            if not os.path.lexists(folder / part_name(series, first)):
                missing = f"{count - len(present):,} missing parts out of {count:,}"
                yield f"{part_name(series, first)}: missing, the first of {missing}"


def _closed_parts(mark: Path) -> int:
    """Return an end mark's number of parts; 0 if unreadable, since the parts' own numbers remain."""
    try:
        parts = orjson.loads(mark.read_bytes())["parts"]
    except (OSError, ValueError, TypeError, KeyError):
        return 0
    return parts if isinstance(parts, int) else 0


def _read(files: Sequence[Path], schema: pa.Schema, folder: str = "", problems: Sequence[str] = ()) -> Source:
    expected, unreadable = without_dictionaries(schema), list(problems)
    at_once = sum(path.lstat().st_size for path in files) <= _BYTES_AT_ONCE
    readable: list[Path] = []
    tables: list[pa.Table] = []
    for path in files:
        try:
            if at_once:
                tables.append(_rows(path, expected))
            else:
                _opened(path, expected)
            readable.append(path)
        except _UNREADABLE as error:
            unreadable.append(f"{folder}{path.name}: {first_line(error)}")
    if tables or not readable:
        rows = _concatenated(tables, expected)
    else:
        rows = ds.dataset([str(path) for path in readable], schema=expected, format=_VERIFYING)
    return Source(rows=rows, present=bool(readable), unreadable=tuple(unreadable))


def _opened(path: Path, expected: pa.Schema) -> pq.ParquetFile:
    """Open a file by its footer. Raises one of ``_UNREADABLE``, also when its columns differ."""
    if not path.is_file():
        raise ValueError("it is not a regular file")
    file = pq.ParquetFile(path, page_checksum_verification=True)
    if differences := "; ".join(_differences(without_dictionaries(file.schema_arrow), expected)):
        raise ValueError(differences)
    return file


def _rows(path: Path, expected: pa.Schema) -> pa.Table:
    """Read all rows. Raises what ``_opened`` raises, also for a wrong page checksum."""
    # Parts are small: starting threads would take longer than reading.
    return _opened(path, expected).read(columns=expected.names, use_threads=False).select(expected.names)


def _concatenated(tables: Sequence[pa.Table], expected: pa.Schema) -> pa.Table:
    """Concatenate and cast. Parts of equal schemas are cast at once, in a tenth of the time."""
    if not tables:
        return expected.empty_table()
    bare = [table.replace_schema_metadata() for table in tables]
    if all(table.schema.equals(bare[0].schema) for table in bare):
        return pa.concat_tables(bare).unify_dictionaries().cast(expected)
    return pa.concat_tables([table.cast(expected) for table in bare])


def _differences(found: pa.Schema, expected: pa.Schema) -> Iterator[str]:
    for field in expected:
        index = found.get_field_index(field.name)
        if index < 0:
            yield f"no column {field.name}"
        elif found.field(index).type != field.type:
            yield f"column {field.name} is {found.field(index).type} instead of {field.type}"


def _is_dictionary(field: pa.Field) -> bool:
    return bool(pa.types.is_dictionary(field.type))
