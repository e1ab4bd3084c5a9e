"""Lists, deletes and creates days of Delta tables with delta-rs, which needs no Spark session."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from pipeline.base.errors import CommitConflict, TableUnreadable
from pipeline.lake.delta_rs import message_of
from pipeline.lifecycle.plan import StoredObject
from pipeline.lifecycle.table_day import TableDay, TableFile

_DAY: Final = "event_date"
_BEYOND_FILES: Final = frozenset({"deletionVectors", "columnMapping"})
"""Table features by which files alone do not determine the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaDays:
    """The tables below a folder or bucket, each partitioned by ``event_date``."""

    root: str
    """``/folder`` or ``s3://lake``."""
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """delta-rs' options (pipeline/lake/delta_rs.py); they contain credentials."""

    def live(self, table: str) -> tuple[StoredObject, ...]:
        """Return the files that the table's log lists; none for a table that was never written."""
        if not self._is_there(table):
            return ()
        with _as_pipeline_errors(table):
            files = _files(self._open(table))
        return tuple(sorted(StoredObject(key=file.key(table), bytes=file.bytes) for file in files))

    def describe(self, table: str, day: date) -> TableDay:
        """Return a day as it is now. Raises TableUnreadable if files alone do not determine its content."""
        with _as_pipeline_errors(table):
            return _described(self._open(table), table, day)

    def drop(self, day: date, expected: TableDay) -> None:
        """Delete a day in one commit. Raises CommitConflict if its files are not the expected ones."""
        with _as_pipeline_errors(expected.table):
            opened = self._open(expected.table)
            if _described(opened, expected.table, day).files != expected.files:
                raise CommitConflict(f"{expected.table} of {day} has changed since it was archived")
            # Removes the files that this version lists; concurrent additions stay or conflict.
            opened.delete(
                f"{_DAY} = '{day}'",
                commit_properties=CommitProperties(custom_metadata={"archived": f"{day}"}),
            )

    def publish(self, at: str, day: TableDay) -> None:
        """Create a table from a day's files under ``at``, unless it exists."""
        if self._is_there(at):
            return
        with _as_pipeline_errors(at):
            create_table_with_add_actions(
                f"{self.root}/{at}",
                Schema.from_json(day.columns),
                [_add_action(file) for file in day.files],
                partition_by=list(day.partition_columns),
                storage_options=dict(self.storage_options),
            )

    def _is_there(self, table: str) -> bool:
        with _as_pipeline_errors(table):
            return DeltaTable.is_deltatable(f"{self.root}/{table}", dict(self.storage_options))

    def _open(self, table: str) -> DeltaTable:
        opened = DeltaTable(f"{self.root}/{table}", storage_options=dict(self.storage_options))
        if beyond := _BEYOND_FILES & set(opened.protocol().reader_features or ()):
            raise TableUnreadable(
                f"{table} uses {', '.join(sorted(beyond))}, so that its files alone do not say what it holds;"
                " allowed: a table without. Rewrite it before its days are archived"
            )
        return opened


def _described(opened: DeltaTable, table: str, day: date) -> TableDay:
    files = [file for file in _files(opened) if file.partition_values.get(_DAY) == str(day)]
    return TableDay(
        table=table,
        version=opened.version(),
        columns=opened.schema().to_json(),
        partition_columns=tuple(opened.metadata().partition_columns),
        files=tuple(sorted(files, key=lambda file: file.path)),
    )


def _files(opened: DeltaTable) -> tuple[TableFile, ...]:
    """Return every file of the version."""
    rows: list[dict[str, Any]] = pa.table(opened.get_add_actions()).to_pylist()
    return tuple(
        TableFile(
            path=row["path"],
            bytes=row["size_bytes"],
            rows=row["num_records"],
            partition_values={
                name: None if value is None else str(value)
                for name, value in (row.get("partition") or {}).items()
            },
        )
        for row in rows
    )


def _add_action(file: TableFile) -> AddAction:
    stats = {} if file.rows is None else {"numRecords": file.rows}
    return AddAction(file.path, file.bytes, file.partition_values, 0, True, json.dumps(stats))


@contextmanager
def _as_pipeline_errors(table: str) -> Iterator[None]:
    try:
        yield
    except CommitFailedError as error:
        raise CommitConflict(f"{table}: {message_of(error)}") from error
    except (DeltaError, OSError) as error:
        raise TableUnreadable(f"{table}: {message_of(error)}") from error
