"""The records of a topic as columns: events, dead letters and window results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa
from confluent_kafka import Message

from harness.history.schema import READBACK_WINDOWS
from harness.observe.plan_match import RECORDS
from pipeline.contract.topics import DeadLetter
from pipeline.errors import ContractError

UNREADABLE: Final = "unreadable"
"""The kind of a window result that is not one; its key is what was found. No expected window is like it."""


def event_columns(messages: Sequence[Message]) -> pa.RecordBatch:
    """Records of a topic of events."""
    count = len(messages)
    nothing = [
        pa.nulls(count, RECORDS.field(name).type) for name in ("reason", "source_partition", "source_offset")
    ]
    return _records(messages, nothing)


def dead_letter_columns(messages: Sequence[Message]) -> pa.RecordBatch:
    """Records of the topic of dead letters. One whose headers cannot be read has no reason and no source."""
    letters = [_dead_letter(message) for message in messages]
    return _records(
        messages,
        [
            pa.array([letter and letter.reason for letter in letters], pa.string()),
            pa.array([letter and letter.source_partition for letter in letters], pa.int32()),
            pa.array([letter and letter.source_offset for letter in letters], pa.int64()),
        ],
    )


def window_columns(messages: Sequence[Message]) -> pa.RecordBatch:
    """Records of the topic of window results."""
    rows = [_window(message) for message in messages]
    return pa.RecordBatch.from_pylist(rows, schema=READBACK_WINDOWS)


def _records(messages: Sequence[Message], headers: Sequence[pa.Array]) -> pa.RecordBatch:
    columns = [
        pa.array([message.partition() for message in messages], pa.int32()),
        pa.array([message.offset() for message in messages], pa.int64()),
        pa.array([message.timestamp()[1] for message in messages], pa.int64()),
        pa.array([message.value() or b"" for message in messages], pa.binary()),
        *headers,
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS)


def _dead_letter(message: Message) -> DeadLetter | None:
    headers: Any = message.headers()
    try:
        return DeadLetter.from_headers(headers or ())
    except ContractError:
        return None


def _window(message: Message) -> Mapping[str, object]:
    position = {"partition": message.partition(), "offset": message.offset()}
    value = message.value() or b""
    try:
        fields = orjson.loads(value)
        return {
            **position,
            "window_kind": str(fields["window_kind"]),
            "key": str(fields["key"]),
            "window_start_ms": int(fields["window_start"]),
            "window_end_ms": int(fields["window_end"]),
            "events": int(fields["events"]),
            "measured": int(fields["measured"]),
            "value_sum": _number(fields["value_sum"]),
            "value_min": _number(fields["value_min"]),
            "value_max": _number(fields["value_max"]),
        }
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return {**position, "window_kind": UNREADABLE, "key": repr(value[:200])}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
