"""From records of the topics to rows of the hot store, grouped by the partition that they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from confluent_kafka import Message

from pipeline.contract.derive import event_contract
from pipeline.contract.topics import EVENTS_VALID, WINDOW_RESULTS
from pipeline.hot import schema

Row = tuple[Any, ...]

_DAY_MS: Final = 86_400_000
_CQL_EPOCH_DAY: Final = 2**31
"""1970-01-01 as CQL's ``date`` counts days, which is what the driver takes an integer for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A table of the hot store, and how a record of its topic becomes one of its rows."""

    table: str
    columns: tuple[str, ...]
    partition: tuple[int, ...]
    """The places of the partition key's columns in a row."""
    row: Callable[[Message], Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of one partition of one table: one write, at one set of replicas."""

    table: str
    rows: tuple[Row, ...]


def targets() -> Mapping[str, Target]:
    """The tables by the topic that feeds each."""
    event_columns, window_columns = schema.event_columns(event_contract()), schema.window_columns()
    return {
        EVENTS_VALID: Target(
            table=schema.RECENT_EVENTS,
            columns=event_columns,
            partition=_places(event_columns, ("entity_id", "day")),
            row=_event_row(event_columns),
        ),
        WINDOW_RESULTS: Target(
            table=schema.WINDOW_RESULTS,
            columns=window_columns,
            partition=_places(window_columns, ("window_kind", "key", "day")),
            row=_window_row(window_columns),
        ),
    }


def batches(
    messages: Iterable[Message], by_topic: Mapping[str, Target], *, rows_max: int
) -> tuple[Batch, ...]:
    """The rows of these records in writes of at most ``rows_max``, in the order of the records."""
    grouped: defaultdict[tuple[str, Row], list[Row]] = defaultdict(list)
    for message in messages:
        target = by_topic[message.topic() or ""]
        row = target.row(message)
        grouped[target.table, tuple(row[place] for place in target.partition)].append(row)
    return tuple(
        Batch(table=table, rows=tuple(rows[start : start + rows_max]))
        for (table, _), rows in grouped.items()
        for start in range(0, len(rows), rows_max)
    )


def _event_row(columns: tuple[str, ...]) -> Callable[[Message], Row]:
    def row(message: Message) -> Row:
        event_time_ms = message.timestamp()[1]
        event = orjson.loads(message.value() or b"")
        event["event_time"] = event_time_ms
        event["day"] = _day(event_time_ms)
        return tuple(event.get(column) for column in columns)

    return row


def _window_row(columns: tuple[str, ...]) -> Callable[[Message], Row]:
    def row(message: Message) -> Row:
        window = orjson.loads(message.value() or b"")
        window["day"] = _day(window["window_end"])
        return tuple(window.get(column) for column in columns)

    return row


def _day(unix_ms: int) -> int:
    return unix_ms // _DAY_MS + _CQL_EPOCH_DAY


def _places(columns: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(columns.index(column) for column in wanted)
