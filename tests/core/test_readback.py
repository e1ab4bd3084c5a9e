"""What is read back is resolved to the events of the plan, and kept as the history lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.observe.hot_rows import HOT_EVENTS, HOT_WINDOWS
from harness.observe.hot_scan import token_ranges
from harness.observe.plan_match import RECORDS, Matcher
from harness.observe.topic_columns import UNREADABLE, dead_letter_columns, event_columns, window_columns
from tests.core.live_parts import plan_row, write_plan

ORIGIN_MS = 1_000_000
PAYLOAD = plan_row(0)["payload"]


def record(offset: int, value: bytes, event_offset_ms: int = 0, partition: int = 0) -> dict[str, Any]:
    return {
        "partition": partition,
        "offset": offset,
        "event_time_ms": ORIGIN_MS + event_offset_ms,
        "value": value,
    }


def seqs(folder: Path, plan: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]) -> list[int]:
    """The seq of each record, in their order by partition and offset."""
    with Matcher(write_plan(folder / "plan.parquet", plan), ORIGIN_MS) as matcher:
        for each in records:
            matcher.add(pa.RecordBatch.from_pylist([each], schema=RECORDS))
        found: list[int] = matcher.matched().read_all()["seq"].to_pylist()
        return found


def test_a_record_is_the_event_whose_bytes_and_time_it_has(tmp_path: Path) -> None:
    plan = [plan_row(seq) for seq in range(3)]
    assert seqs(tmp_path, plan, [record(0, plan[2]["payload"], 2), record(1, plan[0]["payload"])]) == [2, 0]


def test_a_duplicate_is_its_original(tmp_path: Path) -> None:
    plan = [plan_row(0), plan_row(1), plan_row(2) | plan_row(0) | {"seq": 2, "kind": "duplicate"}]
    assert seqs(tmp_path, plan, [record(0, PAYLOAD), record(1, PAYLOAD)]) == [0, 0]


def test_damaged_events_that_are_alike_are_told_apart_by_counting(tmp_path: Path) -> None:
    plan = [plan_row(s, kind="malformed", event_id=None, payload=b"{", event_offset_ms=0) for s in range(3)]
    records = [record(0, b"{"), record(1, b"{"), record(0, b"{", partition=1)]
    assert seqs(tmp_path, plan, records) == [0, 1, 2]


def test_a_record_too_many_of_damaged_events_that_are_alike_is_one_of_them_again(tmp_path: Path) -> None:
    plan = [plan_row(s, kind="malformed", event_id=None, payload=b"{", event_offset_ms=0) for s in range(2)]
    assert seqs(tmp_path, plan, [record(n, b"{") for n in range(4)]) == [0, 1, 0, 1]


def test_damaged_events_that_are_alike_are_told_apart_by_their_times(tmp_path: Path) -> None:
    plan = [plan_row(s, kind="malformed", event_id=None, payload=b"", event_offset_ms=s) for s in range(2)]
    assert seqs(tmp_path, plan, [record(0, b"", 1), record(1, b"", 0)]) == [1, 0]


def test_strange_bytes_with_a_known_identity_are_that_event(tmp_path: Path) -> None:
    assert seqs(tmp_path, [plan_row(0)], [record(0, b'{"more": 1, "event_id": "id-0"}')]) == [0]


@pytest.mark.parametrize(
    ("value", "event_offset_ms"),
    [
        (b'{"event_id": "nobody"}', 0),
        (b'{"event_id": "id-0"}', 1),
        (PAYLOAD, 1),
        (b"\xff\xfe", 0),
        (b"", 0),
        (b'{"event_id"', 0),
    ],
)
def test_anything_else_is_not_of_the_plan(tmp_path: Path, value: bytes, event_offset_ms: int) -> None:
    assert seqs(tmp_path, [plan_row(0)], [record(0, value, event_offset_ms)]) == [-1]


def test_each_topic_begins_anew(tmp_path: Path) -> None:
    with Matcher(write_plan(tmp_path / "plan.parquet", [plan_row(0)]), ORIGIN_MS) as matcher:
        for _ in range(2):
            matcher.begin()
            matcher.add(pa.RecordBatch.from_pylist([record(0, PAYLOAD)], schema=RECORDS))
            assert matcher.matched().read_all().num_rows == 1


class Record:
    """A Kafka message as the client hands it out, as far as the read-back asks."""

    def __init__(self, value: bytes | None, headers: list[tuple[str, bytes]] | None = None) -> None:
        self._value, self._headers = value, headers

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 7

    def timestamp(self) -> tuple[int, int]:
        return 1, 1234

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self._headers


def rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = batch.to_pylist()
    return found


def test_an_event_is_kept_with_its_position_and_time() -> None:
    (row,) = rows(event_columns([Record(b"x")]))  # type: ignore[list-item]
    assert (row["partition"], row["offset"], row["event_time_ms"], row["value"]) == (3, 7, 1234, b"x")


def test_a_dead_letter_tells_its_reason_and_its_source() -> None:
    headers = {
        "reason": "missing:category",
        "source_topic": "events",
        "source_partition": "2",
        "source_offset": "99",
        "source_timestamp_ms": "5",
    }
    message = Record(b"{", [(name, text.encode()) for name, text in headers.items()])
    (row,) = rows(dead_letter_columns([message]))  # type: ignore[list-item]
    assert (row["reason"], row["source_partition"], row["source_offset"]) == ("missing:category", 2, 99)


def test_a_dead_letter_without_headers_has_no_reason() -> None:
    (row,) = rows(dead_letter_columns([Record(b"{")]))  # type: ignore[list-item]
    assert (row["value"], row["reason"], row["source_offset"]) == (b"{", None, None)


WINDOW = {
    "window_kind": "tumbling",
    "key": "UA",
    "window_start": 0,
    "window_end": 300_000,
    "events": 2,
    "measured": 1,
    "value_sum": 3,
    "value_min": 3,
    "value_max": None,
}


def test_a_window_result_is_read_by_its_names() -> None:
    (row,) = rows(window_columns([Record(orjson.dumps(WINDOW))]))  # type: ignore[list-item]
    assert (row["partition"], row["offset"]) == (3, 7)
    assert (row["window_end_ms"], row["value_sum"], row["value_max"]) == (300_000, 3.0, None)


@pytest.mark.parametrize("value", [b"", b"[]", b"{", b"7", orjson.dumps({**WINDOW, "events": "many"}), None])
def test_what_is_no_window_result_is_kept_as_such(value: bytes | None) -> None:
    (row,) = rows(window_columns([Record(value)]))  # type: ignore[list-item]
    assert row["window_kind"] == UNREADABLE


@given(st.integers(1, 300))
def test_token_ranges_cover_the_ring_once(count: int) -> None:
    ranges = token_ranges(count)
    assert (ranges[0][0], ranges[-1][1]) == (-(2**63), 2**63 - 1)
    assert all(following[0] == last + 1 for (_, last), following in pairwise(ranges))


def test_attributes_of_the_hot_store_become_json_with_sorted_keys() -> None:
    row = ("id", 5, "t", "e", "c", None, 1.5, 2, {"z": "1", "a": "ü"})
    columns = HOT_EVENTS.by_name([row, (*row[:-1], None)])
    assert columns["attributes"].to_pylist() == ['{"a":"ü","z":"1"}', None]
    assert columns["event_time_ms"].to_pylist() == [5, 5]


def test_windows_of_the_hot_store_are_selected_in_milliseconds() -> None:
    assert "to_unix_timestamp(window_start)" in HOT_WINDOWS.columns
    assert "to_unix_timestamp(window_end)" in HOT_WINDOWS.columns
