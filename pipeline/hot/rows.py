"""Converts Kafka records to Cassandra rows, in batches that each touch one partition. No I/O.

A record that makes no valid row is logged and set aside, so that later ones are written. Stopping at it would
be permanent, because a restarted writer reads it again.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from pipeline.contract.derive import cassandra_columns
from pipeline.contract.odcs import DataContract
from pipeline.hot.schema import (
    EVENT_KEY,
    RECENT_EVENTS,
    WINDOW_COLUMNS,
    WINDOW_KEY,
    WINDOW_RESULTS,
)

_DAY_MS: Final = 86_400_000
# CQL represents a date as an integer: days since 1970 plus 2**31.
_CQL_EPOCH_DAY: Final = 2**31
_ROW_OVERHEAD_BYTES: Final = 120
_KEY_BYTES_MAX: Final = 65_000
"""The texts in a row's key. Cassandra refuses keys of 64 KiB, including overhead."""
_DAYS_MAX: Final = 2**31
_LONG_BOUND: Final = 2**63
_SHOWN: Final = 200

Row = tuple[Any, ...]
_log = logging.getLogger(__name__)


class Record(NamedTuple):
    """The parts of a Kafka record that are used."""

    topic: str
    partition: int
    offset: int
    value: bytes
    timestamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBatch:
    """Rows of one partition of one table that are written together."""

    table: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """The maximum size of a batch. Cassandra refuses batches of 50 KiB by default."""

    rows: int = 200
    payload_bytes: int = 32 * 1024


class Unfit(Exception):
    """A record cannot become a row; says why."""


class Rows:
    """Fills the columns of the hot store's tables."""

    def __init__(self, contract: DataContract, limits: BatchLimits) -> None:
        self._limits = limits
        self._event = _Layout(cassandra_columns(contract), key=EVENT_KEY)
        self._window = _Layout(WINDOW_COLUMNS, key=WINDOW_KEY)

    def event_batches(self, records: Iterable[Record]) -> Iterator[RowBatch]:
        """Yield batches for ``recent_events``. Of several rows with one key, the last is kept."""
        partitions: dict[Any, dict[Any, tuple[Row, int]]] = {}
        for record, event in _parsed(records):
            event["event_time"] = record.timestamp_ms
            if row := self._row(record, event, self._event, "event_time"):
                partition = partitions.setdefault((event["entity_id"], row[0]), {})
                partition[record.timestamp_ms, event["event_id"]] = row, len(record.value)
        return self._batches(RECENT_EVENTS, partitions)

    def window_batches(self, records: Iterable[Record]) -> Iterator[RowBatch]:
        """Yield batches for ``window_results``. Of several rows with one key, the last is kept."""
        partitions: dict[Any, dict[Any, tuple[Row, int]]] = {}
        for record, window in _parsed(records):
            if row := self._row(record, window, self._window, "window_end"):
                partition = partitions.setdefault((window["window_kind"], window["key"], row[0]), {})
                partition[window["window_end"], window["window_start"]] = row, len(record.value)
        return self._batches(WINDOW_RESULTS, partitions)

    def _row(self, record: Record, fields: Mapping[str, Any], layout: _Layout, time: str) -> Row | None:
        """Return the row, its day first; None for a record that is set aside."""
        try:
            return layout.row(fields, time, size=len(record.value))
        except Unfit as unfit:
            _set_aside(record, unfit)
            return None

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


class _Layout:
    """The columns of a table except the day, which is derived, and the values that each accepts."""

    def __init__(self, columns: Sequence[tuple[str, str]], *, key: Sequence[str]) -> None:
        self._names = tuple(name for name, _ in columns)
        self._kinds = tuple(kind for _, kind in columns)
        self._fits = tuple(_FITS[kind] for kind in self._kinds)
        self._key = tuple(key)

    def row(self, fields: Mapping[str, Any], time: str, *, size: int) -> Row:
        """Return the row of a record's fields, which were ``size`` bytes of JSON. Raises ``Unfit``."""
        values = tuple(map(fields.get, self._names))
        for index, (fits, value) in enumerate(zip(self._fits, values, strict=True)):
            if value is not None and not fits(value):
                raise Unfit(f"{self._names[index]} is no {self._kinds[index]}: {value!r:.{_SHOWN}}")
        for name in self._key:
            if fields.get(name) is None:
                raise Unfit(f"{name} is not there, and is part of the key")
        if size > _KEY_BYTES_MAX:
            self._refuse_large_key(fields)
        day = fields[time] // _DAY_MS
        if not -_DAYS_MAX <= day < _DAYS_MAX:
            raise Unfit(f"{time} is beyond all days: {fields[time]}")
        return (day + _CQL_EPOCH_DAY, *values)

    def _refuse_large_key(self, fields: Mapping[str, Any]) -> None:
        size = sum(len(fields[name].encode()) for name in self._key if isinstance(fields[name], str))
        if size > _KEY_BYTES_MAX:
            raise Unfit(f"the texts of its key have {size:,} bytes, of {_KEY_BYTES_MAX:,} allowed")


def _parsed(records: Iterable[Record]) -> Iterator[tuple[Record, dict[str, Any]]]:
    for record in records:
        try:
            yield record, _parse(record.value)
        except Unfit as unfit:
            _set_aside(record, unfit)


def _parse(value: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        # orjson is stricter than the contract, such as on a lone surrogate in an unlisted field.
        try:
            parsed = json.loads(value, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise Unfit(f"not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise Unfit(f"no JSON object: {value[:_SHOWN]!r}")
    return parsed


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _set_aside(record: Record, unfit: Unfit) -> None:
    _log.error("set aside %s-%d@%d: %s", record.topic, record.partition, record.offset, unfit)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and (value.isascii() or _encodes(value))


def _encodes(text: str) -> bool:
    """Return whether UTF-8 can encode a text, which excludes lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_long(value: object) -> bool:
    return type(value) is int and -_LONG_BOUND <= value < _LONG_BOUND


def _is_double(value: object) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= sys.float_info.max)


def _are_texts(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(k) and _is_text(v) for k, v in value.items())


_FITS: Final[Mapping[str, Callable[[object], bool]]] = {
    "text": _is_text,
    "bigint": _is_long,
    "double": _is_double,
    "timestamp": _is_long,
    "frozen<map<text, text>>": _are_texts,
}
"""Whether a column type accepts a value parsed from JSON."""
