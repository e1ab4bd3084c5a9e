"""Snapshots of reference tables as their owners drop them: CSV with the columns of their contracts."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pyarrow as pa
from pyarrow import csv

from harness.artifacts import data_file
from harness.base.errors import InvalidInput, Problem
from harness.base.report import Report
from harness.scenario.lake_steps import ReferenceFile, ReferenceTable

_KEYS: Final[Mapping[ReferenceTable, str]] = MappingProxyType(
    {"categories": "category", "assets": "reference_id"}
)
"""The event field that refers to a row."""


def snapshots(
    files: Mapping[ReferenceTable, ReferenceFile], *, report: Report
) -> dict[ReferenceTable, bytes]:
    """The snapshot of each table.

    Raises ``ArtifactError`` for a data set that cannot be fetched, and InvalidInput for one without the
    columns.
    """
    return {
        table: snapshot(
            data_file(file.package, file.member, report=report), file, place=f"lake.references.{table}"
        )
        for table, file in files.items()
    }


def key_of(table: ReferenceTable) -> str:
    """The object under which a table's snapshot is dropped."""
    return f"landing/reference/{table}/snapshot.csv"


def rows_of(table: ReferenceTable, content: bytes) -> pa.Table:
    """``reference_rows`` of the history: what the table should hold according to the snapshot."""
    names = csv.read_csv(io.BytesIO(content)).column_names
    texts = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
    rows = csv.read_csv(io.BytesIO(content), convert_options=texts)
    missing = pa.nulls(rows.num_rows, pa.string())
    return pa.table(
        {
            "table": [table] * rows.num_rows,
            "key": rows[_KEYS[table]],
            "name": rows["name"] if "name" in names else missing,
        }
    )


def snapshot(path: Path, file: ReferenceFile, *, place: str) -> bytes:
    """The file with its columns renamed, and no others. Raises InvalidInput when one is missing."""
    texts = csv.ConvertOptions(
        column_types=dict.fromkeys(file.columns.values(), pa.string()),
        include_columns=list(file.columns.values()),
        null_values=list(file.nulls),
        strings_can_be_null=True,
    )
    try:
        rows = csv.read_csv(path, convert_options=texts)
    except (OSError, pa.ArrowException, KeyError) as error:
        allowed = f"a CSV file with the columns {', '.join(file.columns.values())}"
        raise InvalidInput([Problem(where=place, found=f"{path.name}: {error}", allowed=allowed)]) from error
    buffer = io.BytesIO()
    csv.write_csv(rows.rename_columns(list(file.columns)), buffer)
    return buffer.getvalue()
