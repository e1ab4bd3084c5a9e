"""From records of Kafka to rows of Cassandra, in batches that each touch one partition. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from pipeline.contract.odcs import DataContract
from pipeline.hot.schema import RECENT_EVENTS, WINDOW_RESULTS, event_columns, window_columns

_DAY_MS: Final = 86_400_000
# CQL counts the days of a date from 2**31, and takes a whole number for such a count.
_CQL_EPOCH_DAY: Final = 2**31
_ROW_OVERHEAD_BYTES: Final = 120

Row = tuple[Any, ...]


class Record(NamedTuple):
    """What is looked at of a Kafka record."""

    topic: str
    partition: int
    offset: int
    value: bytes
    timestamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBatch:
    """Rows of one partition of one table, to be written together."""

    table: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How large a batch may become. Cassandra refuses one of 50 KiB by default."""

    rows: int = 200
    payload_bytes: int = 32 * 1024


class Rows:
    """Knows the columns of the hot store's tables, and fills them."""

    def __init__(self, contract: DataContract, limits: BatchLimits) -> None:
        self._limits = limits
        self._event_fields = event_columns(contract)[1:]
        self._window_fields = window_columns()[1:]

    def event_batches(self, records: Iterable[Record]) -> Iterator[RowBatch]:
        """Batches for ``recent_events``. Of rows with one key the last is kept."""
        partitions: dict[Any, dict[Any, tuple[Row, int]]] = {}
        for record in records:
            event = _parse(record.value)
            event_time = event["event_time"] = record.timestamp_ms
            day = _cql_day(event_time)
            row = (day, *map(event.get, self._event_fields))
            partition = partitions.setdefault((event["entity_id"], day), {})
            partition[event_time, event["event_id"]] = row, len(record.value)
        return self._batches(RECENT_EVENTS, partitions)

    def window_batches(self, records: Iterable[Record]) -> Iterator[RowBatch]:
        """Batches for ``window_results``. Of rows with one key the last is kept."""
        partitions: dict[Any, dict[Any, tuple[Row, int]]] = {}
        for record in records:
            window = _parse(record.value)
            day = _cql_day(window["window_end"])
            row = (day, *map(window.get, self._window_fields))
            partition = partitions.setdefault((window["window_kind"], window["key"], day), {})
            partition[window["window_end"], window["window_start"]] = row, len(record.value)
        return self._batches(WINDOW_RESULTS, partitions)

    def _batches(
        self, table: str, partitions: Mapping[Any, Mapping[Any, tuple[Row, int]]]
    ) -> Iterator[RowBatch]:
        for partition in partitions.values():
            for rows in self._split(tuple(partition.values())):
                yield RowBatch(table=table, rows=rows)

    def _split(self, sized_rows: Sequence[tuple[Row, int]]) -> Iterator[tuple[Row, ...]]:
        rows: list[Row] = []
        total_bytes = 0
        for row, value_bytes in sized_rows:
            row_bytes = value_bytes + _ROW_OVERHEAD_BYTES
            full = len(rows) == self._limits.rows or total_bytes + row_bytes > self._limits.payload_bytes
            if rows and full:
                yield tuple(rows)
                rows, total_bytes = [], 0
            rows.append(row)
            total_bytes += row_bytes
        yield tuple(rows)


def _parse(value: bytes) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = orjson.loads(value)
    except orjson.JSONDecodeError:
        # Stricter than the contract, as on half a surrogate pair in a field that the contract does not name.
        parsed = json.loads(value)
    return parsed


def _cql_day(time_ms: int) -> int:
    return time_ms // _DAY_MS + _CQL_EPOCH_DAY
