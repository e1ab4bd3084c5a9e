"""The files of a run's folder, read as what they are: somebody's files, which may be damaged or not ours."""

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
"""Tables whose files are no larger together are read when a history is opened: to open hundreds of small
parts again for each query takes longer. Of larger tables queries read what they ask for."""
_UNREADABLE: Final = (OSError, pa.ArrowException, ValueError, TypeError, KeyError, IndexError, MemoryError)
"""What a damaged Parquet file makes its reader raise."""
_VERIFYING: Final = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One table of a history, as far as it can be read."""

    rows: pa.Table | ds.Dataset
    """Without the rows of what could not be read."""
    present: bool
    """Whether the run wrote the table at all, if only to say that it is empty."""
    unreadable: tuple[str, ...] = ()
    """What could not be read, and why."""


def part_name(series: str, number: int) -> str:
    """The name of a part; the parts of a series are numbered from 0 without a gap."""
    return f"{series}-{number:06d}.parquet"


def end_mark(series: str) -> str:
    """The name of the file in which the writer of a series says how many parts it has.

    What begins with an underscore, readers of whole folders of Parquet files leave out.
    """
    return f"_{series}.end.json"


def plain(schema: pa.Schema) -> pa.Schema:
    """The schema with dictionaries as the strings that they stand for, since each part has its own."""
    return pa.schema([(f.name, f.type.value_type if _is_dictionary(f) else f.type) for f in schema])


def read_parts(
    folder: Path, schema: pa.Schema, *, left_out: Collection[Path] = (), numbered: bool = True
) -> Source:
    """A table that is a folder of Parquet parts. Parts that are still being written are not there yet.

    What is ``left_out`` is known to be damaged and not looked at. Where the parts are ``numbered``, series of
    which some are missing are told: each counts from 0, and says how far when its writer closes it.
    """
    if not folder.is_dir():
        return _read((), schema)
    files = [path for path in sorted(folder.glob("*.parquet")) if path not in left_out]
    links = [path for path in files if path.is_symlink()]
    told = [f"{folder.name}/{path.name}: a link" for path in links]
    told += [f"{folder.name}/{wrong}" for wrong in _gaps(folder, files)] if numbered else []
    return _read([path for path in files if path not in links], schema, f"{folder.name}/", told)


def read_file(path: Path, schema: pa.Schema, *, left_out: Collection[Path] = ()) -> Source:
    """A table that is one Parquet file, or a link to one."""
    files = [path] if os.path.lexists(path) and path not in left_out else []
    return _read(files, schema)


def read_lines(
    path: Path, kind: type[Line], *, left_out: Collection[Path] = (), torn: bool = False
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """The JSON lines of a file that are of the kind, and what is wrong with each that is not.

    Where the end may be ``torn``, since its writer may be killed at any moment, what follows the last line
    feed was never written as a line, and is no damage.
    """
    if not os.path.lexists(path) or path in left_out:
        return (), ()
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return (), (f"{path.name}: not a regular file",)
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
    """The series of which parts are missing, and how many are."""
    numbers: dict[str, set[int]] = {}
    for path in files:
        if found := _PART.fullmatch(path.name):
            numbers.setdefault(found["series"], set()).add(int(found["number"]))
    marks = {path: _MARK.fullmatch(path.name) for path in folder.glob("_*.end.json")}
    closed = {found["series"]: _parts_by(path) for path, found in marks.items() if found}
    for series in sorted(numbers.keys() | closed.keys()):
        there = numbers.get(series, set())
        count = max(max(there, default=-1) + 1, closed.get(series, 0))
        if len(there) < count:
            first = next(number for number in range(count) if number not in there)
            # It may have come while the folder was listed, and a later one was listed already.
            if not os.path.lexists(folder / part_name(series, first)):
                missing = f"{count - len(there):,} of {count:,} parts of this series are missing"
                yield f"{part_name(series, first)}: {missing}, this one first"


def _parts_by(mark: Path) -> int:
    """How many parts an end mark tells of; 0 where it cannot be read, since it only adds to their numbers."""
    try:
        parts = orjson.loads(mark.read_bytes())["parts"]
    except (OSError, ValueError, TypeError, KeyError):
        return 0
    return parts if isinstance(parts, int) else 0


def _read(files: Sequence[Path], schema: pa.Schema, folder: str = "", told: Sequence[str] = ()) -> Source:
    wanted, unreadable = plain(schema), list(told)
    at_once = sum(path.lstat().st_size for path in files) <= _BYTES_AT_ONCE
    readable: list[Path] = []
    tables: list[pa.Table] = []
    for path in files:
        try:
            if at_once:
                tables.append(_rows(path, wanted))
            else:
                _opened(path, wanted)
            readable.append(path)
        except _UNREADABLE as error:
            unreadable.append(f"{folder}{path.name}: {first_line(error)}")
    if tables or not readable:
        rows = _together(tables, wanted)
    else:
        rows = ds.dataset([str(path) for path in readable], schema=wanted, format=_VERIFYING)
    return Source(rows=rows, present=bool(readable), unreadable=tuple(unreadable))


def _opened(path: Path, wanted: pa.Schema) -> pq.ParquetFile:
    """The file, by its footer alone. Raises one of ``_UNREADABLE`` when it is no Parquet or lacks columns."""
    if not path.is_file():
        raise ValueError("not a regular file")
    file = pq.ParquetFile(path, page_checksum_verification=True)
    if differences := "; ".join(_differences(plain(file.schema_arrow), wanted)):
        raise ValueError(differences)
    return file


def _rows(path: Path, wanted: pa.Schema) -> pa.Table:
    """All rows, as they were written. Raises what ``_opened`` raises, also for a page's wrong checksum."""
    # A part is small: threads would take longer to start than it takes to be read.
    return _opened(path, wanted).read(columns=wanted.names, use_threads=False).select(wanted.names)


def _together(tables: Sequence[pa.Table], wanted: pa.Schema) -> pa.Table:
    """All rows, of the wanted types. Parts that are alike are cast together, in a tenth of the time."""
    if not tables:
        return wanted.empty_table()
    bare = [table.replace_schema_metadata() for table in tables]
    if all(table.schema.equals(bare[0].schema) for table in bare):
        return pa.concat_tables(bare).unify_dictionaries().cast(wanted)
    return pa.concat_tables([table.cast(wanted) for table in bare])


def _differences(found: pa.Schema, wanted: pa.Schema) -> Iterator[str]:
    for field in wanted:
        index = found.get_field_index(field.name)
        if index < 0:
            yield f"no column {field.name}"
        elif found.field(index).type != field.type:
            yield f"column {field.name} is {found.field(index).type} instead of {field.type}"


def _is_dictionary(field: pa.Field) -> bool:
    return bool(pa.types.is_dictionary(field.type))
