"""Converts a topic's records to columns: events, dead letters and window results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa
from confluent_kafka import Message

from harness.history.schema import READBACK_WINDOWS, UNREADABLE
from harness.observe.readback.plan_match import RECORDS
from pipeline.base.errors import ContractError
from pipeline.contract.topics import DeadLetter

_OF_LETTERS: Final = ("headers", "reason", "source_topic", "source_partition", "source_offset")
_INT_BOUND, _LONG_BOUND = 2**31, 2**63


def event_columns(messages: Sequence[Message]) -> pa.RecordBatch:
    """The records of a topic of events."""
    count = len(messages)
    return _records(messages, [pa.nulls(count, RECORDS.field(name).type) for name in _OF_LETTERS])


def dead_letter_columns(messages: Sequence[Message]) -> pa.RecordBatch:
    """The records of the dead-letter topic. One with unreadable headers has no reason and no source."""
    letters = [_dead_letter(message) for message in messages]
    return _records(
        messages,
        [
            pa.array(
                [",".join(sorted(name for name, _ in _headers(message))) for message in messages], pa.string()
            ),
            pa.array([letter and letter.reason for letter in letters], pa.string()),
            pa.array([letter and letter.source_topic for letter in letters], pa.string()),
            pa.array([letter and letter.source_partition for letter in letters], pa.int32()),
            pa.array([letter and letter.source_offset for letter in letters], pa.int64()),
        ],
    )


def window_columns(messages: Sequence[Message]) -> pa.RecordBatch:
    """The records of the topic of window results."""
    rows = [_window(message) for message in messages]
    return pa.RecordBatch.from_pylist(rows, schema=READBACK_WINDOWS)


def _records(messages: Sequence[Message], of_letters: Sequence[pa.Array]) -> pa.RecordBatch:
    columns = [
        pa.array([message.partition() for message in messages], pa.int32()),
        pa.array([message.offset() for message in messages], pa.int64()),
        pa.array([message.timestamp()[1] for message in messages], pa.int64()),
        pa.array([message.key() for message in messages], pa.binary()),
        pa.array([message.value() or b"" for message in messages], pa.binary()),
        *of_letters,
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS)


def _headers(message: Message) -> Sequence[tuple[str, bytes | None]]:
    headers: Any = message.headers()
    return headers or ()


def _dead_letter(message: Message) -> DeadLetter | None:
    try:
        letter = DeadLetter.from_headers(_headers(message))
    except ContractError:
        return None
    there = 0 <= letter.source_partition < _INT_BOUND and 0 <= letter.source_offset < _LONG_BOUND
    return letter if there else None


def _window(message: Message) -> Mapping[str, object]:
    position = {"partition": message.partition(), "offset": message.offset()}
    value = message.value() or b""
    try:
        return {**position, **_window_fields(orjson.loads(value), message)}
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError) as error:
        return {**position, "window_kind": UNREADABLE, "key": f"{value[:200]!r}: {error}"}


def _window_fields(fields: Any, message: Message) -> Mapping[str, object]:
    """Return the result's fields. Raises KeyError, TypeError or ValueError for an invalid one."""
    key, end_ms = _text(fields["key"]), _whole(fields["window_end"])
    if message.key() != key.encode():
        raise ValueError(f"the record's key is {message.key()!r}")
    if message.timestamp()[1] != end_ms:
        raise ValueError(f"the record's time is {message.timestamp()[1]}")
    return {
        "window_kind": _text(fields["window_kind"]),
        "key": key,
        "window_start_ms": _whole(fields["window_start"]),
        "window_end_ms": end_ms,
        "events": _whole(fields["events"]),
        "measured": _whole(fields["measured"]),
        "value_sum": _number(fields["value_sum"]),
        "value_min": _number(fields["value_min"]),
        "value_max": _number(fields["value_max"]),
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_LONG_BOUND <= value < _LONG_BOUND:
        raise TypeError(f"{value!r} is not a 64-bit integer")
    return value


def _number(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a number")
    return float(value)
