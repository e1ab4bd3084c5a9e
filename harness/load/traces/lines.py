"""Locates the rows of a trace in its files, and finds the lines that are not valid rows.

This reads line by line, and only after something was found to be wrong.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import orjson

from harness.base.documents import shown
from harness.base.errors import Problem
from harness.load.traces.trace_file import TraceFile, csv_header, is_unicode

_LINE_BYTES_MAX: Final = 2_097_152
"""DuckDB's limit for a line of CSV."""
_ENDS: Final = {"\r\n": "CRLF", "\n": "LF", "\r": "CR", "": ""}
_CSV: Final = "one value per column, quoted as in RFC 4180, in UTF-8"
_JSONL: Final = "one JSON object per line, with unique names, in UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A row of a file, or lines that should have been one."""

    line: int
    """Its first line, from 1."""
    fault: str = ""
    """Why it is not a valid row; faults are counted by this text."""
    example: str = ""
    counts: bool = True
    """Whether it counts as a row, unlike the header and blank lines."""


@dataclass(slots=True)
class _Kind:
    line: int
    example: str
    count: int = field(default=0)


def broken_lines(file: TraceFile, wanted: Collection[str]) -> list[Problem]:
    """Return a problem for each kind of faulty line, with their count and the place of the first."""
    kinds: dict[str, _Kind] = {}
    records = _csv_records(file) if file.format == "csv" else _json_records(file, wanted)
    for record in records:
        if record.fault:
            kind = kinds.setdefault(record.fault, _Kind(record.line, record.example))
            kind.count += 1
    return [
        Problem(
            where=f"{file.name}:{kind.line}",
            found=f"lines {fault}: {kind.count:,}" + (f", such as {kind.example}" if kind.example else ""),
            allowed=_CSV if file.format == "csv" else _JSONL,
        )
        for fault, kind in kinds.items()
    ]


def lines_of_rows(file: TraceFile, rows: Collection[int]) -> dict[int, str]:
    """The place of each row of a file, counted from 0: ``rides.csv:12``, or ``rides.parquet, row 11``."""
    if file.format == "parquet":
        return {row: f"{file.name}, row {row + 1:,}" for row in rows}
    lines = _lines_of_csv(file) if file.format == "csv" else _lines_of_json(file)
    counted = enumerate(itertools.islice(lines, max(rows, default=-1) + 1))
    return {row: f"{file.name}:{line}" for row, line in counted if row in rows}


def _lines_of_csv(file: TraceFile) -> Iterator[int]:
    return (record.line for record in _csv_records(file) if record.counts)


def _lines_of_json(file: TraceFile) -> Iterator[int]:
    with file.path.open("rb") as lines:
        yield from (number for number, line in enumerate(lines, start=1) if line.strip())


class _Lines:
    """Iterates over a file's lines, keeping count of them and of how each ends."""

    def __init__(self, file: TraceFile) -> None:
        # Bytes that are not UTF-8 become lone surrogates, which valid UTF-8 never contains.
        self._lines = file.path.open(encoding="utf-8", errors="surrogateescape", newline="")
        self.number = 0
        self.end = ""
        self.text = ""
        """Everything read since this was last cleared."""

    def __iter__(self) -> Iterator[str]:
        with self._lines as lines:
            for line in lines:
                self.number += 1
                self.text += line
                self.end = line[len(line.rstrip("\r\n")) :]
                yield line


def _csv_records(file: TraceFile) -> Iterator[_Record]:
    width = len(file.header or csv_header(file))
    lines = _Lines(file)
    # DuckDB also lets a quote after blanks begin a value.
    reader = csv.reader(iter(lines), delimiter=file.delimiter, strict=True, skipinitialspace=True)
    first_end = ""
    is_header = not file.header
    while True:
        line, lines.text = lines.number + 1, ""
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Record(line=line, fault=_csv_fault(str(error)))
            continue
        first_end = first_end or lines.end
        if lines.end and lines.end != first_end:
            fault = f"ending in {_ENDS[lines.end]} where earlier lines end in {_ENDS[first_end]}"
        else:
            fault = _row_fault(file, lines.text, values, width)
        counts = not is_header and (bool(values) or width == 1)
        is_header = False
        yield _Record(line=line, fault=fault, counts=counts)


def _row_fault(file: TraceFile, text: str, values: list[str], width: int) -> str:
    if not is_unicode(text):
        return "that are not UTF-8"
    if len(text) > _LINE_BYTES_MAX // 4 and len(text.encode()) > _LINE_BYTES_MAX:
        return f"of more than {_LINE_BYTES_MAX:,} bytes"
    if not values:
        return ""
    if len(values) < width:
        return f"with too few values for {width} columns"
    # One extra empty value, after a trailing delimiter, does not count.
    if len(values) > width + 1 or (len(values) == width + 1 and values[-1]):
        return f"with too many values for {width} columns"
    return ""


def _csv_fault(error: str) -> str:
    if "unexpected end of data" in error:
        return "with an unclosed quote"
    if "expected after" in error:
        return "with text after a closing quote"
    return "that are not valid CSV"


def _json_records(file: TraceFile, wanted: Collection[str]) -> Iterator[_Record]:
    with file.path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                fault, example = _json_fault(line, wanted)
                yield _Record(line=number, fault=fault, example=example)


def _json_fault(line: bytes, wanted: Collection[str]) -> tuple[str, str]:
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        return "that are not UTF-8", ""
    try:
        value = _json_value(line)
    except (ValueError, RecursionError):
        return "that are not valid JSON", shown(text)
    if not isinstance(value, dict):
        return "that are not JSON objects", shown(text)
    for name in wanted:
        # A repeated name occurs twice in the text, unless one occurrence is written with escapes.
        if (text.count(f'"{name}"') > 1 or "\\" in text) and _names(text).count(name) > 1:
            return f"with {name} more than once", shown(text)
        if isinstance(value.get(name), dict | list):
            kind = "an object" if isinstance(value[name], dict) else "a list"
            return f"with {kind} instead of a plain value as {name}", shown(text)
    return "", ""


def _json_value(line: bytes) -> object:
    """Parse JSON like DuckDB, which accepts NaN and infinities, as Python's own parser does."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        value = json.loads(line)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates cannot be encoded
        return value


def _names(text: str) -> list[str]:
    """The names in the outermost object, which the parser completes last."""
    names: list[str] = []

    def take(pairs: list[tuple[str, object]]) -> None:
        names[:] = [name for name, _ in pairs]

    json.loads(text, object_pairs_hook=take)
    return names
