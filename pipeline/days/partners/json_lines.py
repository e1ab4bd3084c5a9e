"""JSON lines, in UTF-8: an object a line, whose bytes are kept as they are."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

import orjson

from pipeline.contract.files import UNDECLARED
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
    """Read a file. Empty lines are no rows. Raises Unreadable."""
    names: dict[str, str] = {}
    # Some editors begin a file with a byte order mark.
    lines = require_ended(content).removeprefix(codecs.BOM_UTF8)
    rows = list(within(_rows(lines, key_field(contract), names), limits))
    if not names:
        raise Unreadable("no line of it is a JSON object with a field")
    require_columns(list(names), limits)
    declared = dict.fromkeys(map(shown, names), UNDECLARED)
    return SourceFile(declared=declared, omits_nulls=True, rows=rows)


def _rows(content: bytes, key: str, names: dict[str, str]) -> Iterator[SourceRow]:
    """The rows; the names of their fields are added to ``names`` as they are met."""
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
    """What a line holds; nothing when that is no object."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = _by_the_standard(line)
    return found if isinstance(found, dict) else {}


def _by_the_standard(line: bytes) -> object:
    """orjson is stricter than the contract, as on half a surrogate pair in a field that it does not name."""
    try:
        # Decoded here: json by itself would take UTF-16 and UTF-32 as well.
        return json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
