"""Reads JSON lines in UTF-8: one object per line, whose bytes are kept unchanged."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

import orjson

from pipeline.contract.declared_columns import UNDECLARED
from pipeline.contract.odcs import DataContract
from pipeline.days.partners.source_file import (
    TIME,
    Limits,
    SourceFile,
    SourceRow,
    Unreadable,
    key_field,
    require_columns,
    require_ended,
    shown,
    text_or_none,
    within,
)


def read_json_lines(content: bytes, contract: DataContract, limits: Limits) -> SourceFile:
    """Read a file; empty lines are skipped. Raises Unreadable."""
    names: dict[str, str] = {}
    # Some editors start files with a byte order mark.
    lines = require_ended(content).removeprefix(codecs.BOM_UTF8)
    rows = list(within(_rows(lines, key_field(contract), names), limits))
    if not names:
        raise Unreadable("no line of it is a JSON object with a field")
    require_columns(list(names), limits)
    declared = dict.fromkeys(map(shown, names), UNDECLARED)
    return SourceFile(declared=declared, omits_nulls=True, rows=rows)


def _rows(content: bytes, key: str, names: dict[str, str]) -> Iterator[SourceRow]:
    """Yield the rows, adding the names of their fields to ``names``."""
    for line in filter(bytes.strip, content.split(b"\n")):
        found = _object(line)
        names.update(dict.fromkeys(found, UNDECLARED))
        yield SourceRow(
            value=line,
            event_time=found.get(TIME),
            key=text_or_none(found.get(key)),
            text=line.decode(errors="backslashreplace"),
        )


def _object(line: bytes) -> dict[str, Any]:
    """Parse a line; an empty mapping if it is not an object."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = _by_the_standard(line)
    return found if isinstance(found, dict) else {}


def _by_the_standard(line: bytes) -> object:
    """Parse what orjson refuses but the contract allows, such as a lone surrogate in an unlisted field."""
    try:
        # Decode first: json would also accept UTF-16 and UTF-32.
        return json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
