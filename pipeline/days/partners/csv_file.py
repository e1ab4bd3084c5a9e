"""Reads CSV (RFC 4180, UTF-8): a header and rows. An empty cell is null."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from pipeline.contract.declared_columns import UNDECLARED
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
    require_ended,
    shown,
    within,
)
from pipeline.days.partners.values import token


def read_csv(content: bytes, contract: DataContract, limits: Limits) -> SourceFile:
    """Read a file. Its rows omit columns that the contract does not list. Raises Unreadable."""
    try:
        # Spreadsheets start files with a byte order mark.
        lines = _Lines(require_ended(content).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is no UTF-8") from error
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        require_columns(header, limits)
        lines.taken()
        rows = list(within(_rows(reader, lines, _Header(header, contract)), limits))
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {error}") from error
    _require_fitting(rows, len(header))
    declared = dict.fromkeys(map(shown, header), UNDECLARED)
    return SourceFile(declared=declared, omits_nulls=False, rows=rows)


def _require_fitting(rows: Sequence[SourceRow], columns: int) -> None:
    """Raise Unreadable if no row fits the header: a single mistake then affects all of them."""
    if rows and not any(row.value for row in rows):
        cells = len(next(csv.reader([rows[0].text], strict=True)))
        raise Unreadable(
            f"all {len(rows):,} rows have another number of values than the header's {columns}:"
            f" the first has {cells}; give each as many"
        )


class _Lines:
    """An iterator of lines that remembers the text it has yielded since the last ``taken``."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._taken.append(line)
        return line

    def taken(self) -> str:
        text = "".join(self._taken).rstrip("\r\n")
        self._taken.clear()
        return text


class _Header:
    """The contract's fields behind a file's columns."""

    def __init__(self, header: Sequence[str], contract: DataContract) -> None:
        known = fields_by_name(contract)
        self.columns = len(header)
        self._time = _index(header, TIME)
        self._key = _index(header, key_field(contract))
        self._fields = [
            (index, json.dumps(name), known[name].logical_type)
            for index, name in enumerate(header)
            if name in known and known[name].record_part == "value"
        ]

    def row(self, cells: Sequence[str], text: str) -> SourceRow:
        """Return the row of a line that has one cell per column."""
        tokens = [f"{name}:{token(cells[at], kind)}" for at, name, kind in self._fields if cells[at]]
        return SourceRow(
            value=f"{{{','.join(tokens)}}}".encode(),
            event_time=None if self._time is None else cells[self._time],
            key=None if self._key is None else cells[self._key] or None,
            text=text,
        )


def _index(header: Sequence[str], name: str) -> int | None:
    return header.index(name) if name in header else None


def _rows(reader: Iterator[list[str]], lines: _Lines, header: _Header) -> Iterator[SourceRow]:
    for cells in reader:
        text = lines.taken()
        if len(cells) == header.columns:
            yield header.row(cells, text)
        elif cells:
            # Cells cannot be assigned to columns, so the row has no time either.
            yield SourceRow(value=b"", event_time=None, key=None, text=text)
