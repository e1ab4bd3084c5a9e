"""What the tests of traces share: a trace by its mapping, its rows, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.base.documents import parse_document
from harness.base.errors import InvalidInput
from harness.base.typed import typed
from harness.load.traces.mapping import Mapping
from harness.load.traces.trace import Trace, opened, read_trace
from tests.core.scenario_parts import FIXTURES

RIDES = FIXTURES / "traces" / "rides.csv"
MAPPING = (FIXTURES / "traces" / "rides.yaml").read_text()
HOUR_MS = 3_600_000
PUMPS = """
file: unread
format: csv
time: {from: t}
fields:
  event_id: id
  event_type: {const: seen}
  entity_id: ent
  category: {const: c}
"""
"""The least that a mapping says; its trace has the columns id, t and ent."""


def trace_of(path: Path, mapping: str = MAPPING, *others: Path) -> Trace:
    document = parse_document(mapping, name="m.yaml")
    value, problems = typed(Mapping, document, document.data)
    assert value is not None, problems
    return Trace(paths=(path, *others), mapping=value, document=document)


def pumps(path: Path, *others: Path, **changes: str) -> Trace:
    """A trace by the least mapping, whose format is the first ending of the file's name."""
    mapping = PUMPS.replace("format: csv", f"format: {path.name.split('.')[1].lower()}")
    for old, new in changes.items():
        mapping = mapping.replace(f"{old}: ", f"{old}: {new} #")
    return trace_of(path, mapping, *others)


def rows_of(trace: Trace, folder: Path, span_ms: int = HOUR_MS) -> list[dict[str, Any]]:
    folder = folder / "work"
    folder.mkdir()
    with opened(trace, folder) as (database, files):
        read_trace(database, files, trace, span_ms=span_ms)
        rows: list[dict[str, Any]] = database.sql("FROM trace ORDER BY row").to_arrow_table().to_pylist()
        return rows


def problems_of(trace: Trace, folder: Path) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        rows_of(trace, folder)
    return [str(problem).removeprefix("m.yaml:") for problem in refused.value.problems]
