"""Reads a day's partner files: each is accepted or refused as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Protocol

import pyarrow as pa

from pipeline.contract.declared_columns import file_problems, ignored_columns
from pipeline.contract.odcs import DataContract
from pipeline.days.partners.csv_file import read_csv
from pipeline.days.partners.json_lines import read_json_lines
from pipeline.days.partners.listing import PartnerFile, RefusedFile
from pipeline.days.partners.parquet_file import read_parquet
from pipeline.days.partners.source_file import Limits, SourceFile, SourceRow, Unreadable, shown
from pipeline.days.partners.values import day_start_ms, event_time_ms

FORMATS: Final[Mapping[str, Callable[[bytes, DataContract, Limits], SourceFile]]] = MappingProxyType(
    {"csv": read_csv, "jsonl": read_json_lines, "parquet": read_parquet}
)
"""The reader for each file name extension."""
ROWS: Final = pa.schema(
    {
        "source_name": pa.string(),
        "source_position": pa.int64(),
        "key": pa.string(),
        "value": pa.binary(),
        "event_time": pa.timestamp("us", tz="UTC"),
    }
)


class Objects(Protocol):
    """The operations that reading the files needs of the object store."""

    def get(self, key: str, /) -> bytes:
        """Return an object's bytes."""
        ...

    def size(self, key: str, /) -> int:
        """Return an object's size in bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedFile:
    """A file whose rows are part of the day."""

    key: str
    rows: int
    ignored: tuple[str, ...]
    """Columns that the contract does not list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerDay:
    """What partners sent for one day."""

    rows: pa.Table
    """Schema ``ROWS``: sorted by file key, rows numbered from 0 in the file's order."""
    accepted: tuple[AcceptedFile, ...]
    refused: tuple[RefusedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """The contract versions that files are judged by."""

    current: DataContract
    first: DataContract
    """The first version, whose fields every file must have."""


def read_partner_day(
    objects: Objects,
    files: Sequence[PartnerFile],
    day: date,
    contracts: Contracts,
    *,
    limits: Limits = Limits(),  # noqa: B008
) -> PartnerDay:
    """Read the day's files. Raises what ``objects`` raises; problems of files are part of the result.

    A row without a moment of the day gets the day's midnight, and its text as a JSON string for a value.
    No contract accepts that, so it becomes a reject that still shows what was sent.
    """
    tables, accepted, refused = [ROWS.empty_table()], [], []
    left = limits.day_bytes
    for file in sorted(files):
        size = objects.size(file.key)
        try:
            _require_size(size, left, limits)
            content, table = _taken(objects.get(file.key), file.key, day, contracts, limits)
        except Unreadable as error:
            refused.append(RefusedFile(key=file.key, problems=error.problems))
            continue
        left -= size
        tables.append(table)
        ignored = ignored_columns(content.declared, contracts.current)
        accepted.append(AcceptedFile(key=file.key, rows=len(content.rows), ignored=ignored))
    return PartnerDay(rows=pa.concat_tables(tables), accepted=tuple(accepted), refused=tuple(refused))


def _require_size(size: int, left: int, limits: Limits) -> None:
    if size > limits.file_bytes:
        raise Unreadable(f"it has {size:,} bytes; at most {limits.file_bytes:,}; drop it in parts")
    if size > left:
        raise Unreadable(f"the day has more than {limits.day_bytes:,} bytes of files; use Kafka for more")


def _taken(
    body: bytes, key: str, day: date, contracts: Contracts, limits: Limits
) -> tuple[SourceFile, pa.Table]:
    """Read one file. Whatever its bytes make a library raise, only this file is refused."""
    try:
        content = _read(body, key, contracts, limits)
        return content, _table(content.rows, key, day)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(shown(f"reading it failed: {type(error).__name__}: {error}")) from error


def _read(content: bytes, key: str, contracts: Contracts, limits: Limits) -> SourceFile:
    ending = key.rpartition(".")[2]
    if ending not in FORMATS:
        raise Unreadable(f"found the ending {ending!r}; expected one of {', '.join(sorted(FORMATS))}")
    file = FORMATS[ending](content, contracts.current, limits)
    problems = file_problems(
        file.declared, contracts.current, first=contracts.first, omits_nulls=file.omits_nulls
    )
    if problems:
        raise Unreadable(*map(str, problems))
    return file


def _table(rows: Sequence[SourceRow], key: str, day: date) -> pa.Table:
    times, values = zip(*_timed(rows, day), strict=True) if rows else ((), ())
    milliseconds = pa.array(times, pa.timestamp("ms", tz="UTC"))
    return pa.table(
        {
            "source_name": pa.array([key] * len(rows), pa.string()),
            "source_position": pa.array(range(len(rows)), pa.int64()),
            "key": pa.array([row.key for row in rows], pa.string()),
            "value": pa.array(values, pa.binary()),
            "event_time": milliseconds.cast(pa.timestamp("us", tz="UTC")),
        },
        schema=ROWS,
    )


def _timed(rows: Sequence[SourceRow], day: date) -> Iterator[tuple[int, bytes]]:
    midnight = day_start_ms(day)
    for row in rows:
        time = event_time_ms(row.event_time, day)
        yield (midnight, json.dumps(row.text).encode()) if time is None else (time, row.value)
