"""What is read back is resolved to the events of the plan, and kept as the history lays it out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history.schema import UNREADABLE
from harness.observe.readback.hot_rows import HOT_EVENTS, HOT_WINDOWS
from harness.observe.readback.hot_store import token_ranges
from harness.observe.readback.plan_match import RECORDS, Matcher
from harness.observe.readback.topic_columns import dead_letter_columns, event_columns, window_columns
from tests.core.events_parts import plan_row, write_plan

ORIGIN_MS = 1_000_000
PAYLOAD = plan_row(0)["payload"]


def record(
    offset: int, value: bytes, event_offset_ms: int = 0, partition: int = 0, key: bytes | None = b"e0"
) -> dict[str, Any]:
    return {
        "partition": partition,
        "offset": offset,
        "event_time_ms": ORIGIN_MS + event_offset_ms,
        "key": key,
        "value": value,
    }


def matched(
    folder: Path, plan: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the history keeps of each record, in their order by partition and offset."""
    with Matcher(write_plan(folder / "plan.parquet", plan), ORIGIN_MS) as matcher:
        for each in records:
            matcher.add(pa.RecordBatch.from_pylist([each], schema=RECORDS))
        found: list[dict[str, Any]] = matcher.matched().read_all().to_pylist()
        return found


def seqs(folder: Path, plan: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]) -> list[int]:
    return [row["seq"] for row in matched(folder, plan, records)]


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


def test_a_record_as_it_was_sent_is_neither_altered_nor_rekeyed(tmp_path: Path) -> None:
    (row,) = matched(tmp_path, [plan_row(7)], [record(0, b'{"event_id": "id-7"}', 7, key=b"e1")])
    assert (row["seq"], row["sent_as"], row["key_kept"]) == (7, 7, True)


@pytest.mark.parametrize(
    "value", [b'{"more": 1, "event_id": "id-0"}', PAYLOAD + b"  ", PAYLOAD.replace(b" ", b"")]
)
def test_strange_bytes_with_a_known_identity_are_that_event_altered(tmp_path: Path, value: bytes) -> None:
    (row,) = matched(tmp_path, [plan_row(0)], [record(0, value)])
    assert (row["seq"], row["sent_as"], row["key_kept"]) == (0, -1, True)


@pytest.mark.parametrize("key", [b"e1", b"", None, b"\xff"])
@pytest.mark.parametrize("value", [PAYLOAD, PAYLOAD + b" "])
def test_a_record_under_another_key_has_not_kept_it(tmp_path: Path, key: bytes | None, value: bytes) -> None:
    (row,) = matched(tmp_path, [plan_row(0)], [record(0, value, key=key)])
    assert (row["seq"], row["key_kept"]) == (0, False)


def test_an_event_without_an_entity_has_its_number_as_its_key(tmp_path: Path) -> None:
    plan = [
        plan_row(s, kind="malformed", event_id=None, entity_id=None, payload=b"{", event_offset_ms=0)
        for s in range(2)
    ]
    rows = matched(
        tmp_path, plan, [record(0, b"{", key=b"1"), record(1, b"{", key=b"0"), record(2, b"{", key=b"2")]
    )
    assert [(row["seq"], row["key_kept"]) for row in rows] == [(0, True), (1, True), (0, False)]


def test_equal_ids_at_different_times_are_different_events(tmp_path: Path) -> None:
    plan = [plan_row(0), plan_row(1, event_id="id-0", payload=PAYLOAD)]
    assert seqs(
        tmp_path, plan, [record(0, PAYLOAD, 1), record(1, PAYLOAD, 0), record(2, PAYLOAD + b" ", 1)]
    ) == [1, 0, 1]


def test_a_duplicate_that_says_something_else_is_its_original_as_the_duplicate_had_it(tmp_path: Path) -> None:
    other = b'{"event_id": "id-0", "value": 2}'
    plan = [plan_row(0), plan_row(1) | plan_row(0, payload=other) | {"seq": 1, "kind": "duplicate"}]
    rows = matched(tmp_path, plan, [record(0, other), record(1, PAYLOAD), record(2, other + b" ")])
    assert [(row["seq"], row["sent_as"]) for row in rows] == [(0, 1), (0, 0), (0, -1)]


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

    def __init__(
        self,
        value: bytes | None,
        headers: list[tuple[str, bytes]] | None = None,
        key: bytes | None = b"UA",
        timestamp_ms: int = 1234,
    ) -> None:
        self._value, self._headers, self._key, self._timestamp_ms = value, headers, key, timestamp_ms

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 7

    def timestamp(self) -> tuple[int, int]:
        return 1, self._timestamp_ms

    def key(self) -> bytes | None:
        return self._key

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


LETTER = {
    "reason": "missing:category",
    "source_topic": "events",
    "source_partition": "2",
    "source_offset": "99",
}


def letter(**headers: str | bytes) -> dict[str, Any]:
    texts = {name: text if isinstance(text, bytes) else text.encode() for name, text in headers.items()}
    (row,) = rows(dead_letter_columns([Record(b"{", list(texts.items()))]))  # type: ignore[list-item]
    return row


def test_a_dead_letter_tells_its_reason_and_its_source() -> None:
    row = letter(**LETTER, another="5")
    assert {name: row[name] for name in LETTER} == {**LETTER, "source_partition": 2, "source_offset": 99}
    assert row["headers"] == "another,reason,source_offset,source_partition,source_topic"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**LETTER, "reason": b"\xff"},
        {**LETTER, "source_offset": "many"},
        {**LETTER, "source_offset": str(2**63)},
        {**LETTER, "source_partition": str(2**31)},
        {**LETTER, "source_partition": "-1"},
    ],
)
def test_a_dead_letter_whose_headers_cannot_be_read_has_no_reason(headers: dict[str, Any]) -> None:
    row = letter(**headers)
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


def window(value: bytes | None, key: bytes | None = b"UA", at_ms: int = 300_000) -> dict[str, Any]:
    (row,) = rows(window_columns([Record(value, key=key, timestamp_ms=at_ms)]))  # type: ignore[list-item]
    return row


def test_a_window_result_is_read_by_its_names() -> None:
    row = window(orjson.dumps(WINDOW))
    assert (row["partition"], row["offset"], row["window_kind"]) == (3, 7, "tumbling")
    assert (row["window_end_ms"], row["value_sum"], row["value_max"]) == (300_000, 3.0, None)


@pytest.mark.parametrize(
    ("value", "key", "at_ms"),
    [
        *((value, b"UA", 300_000) for value in (b"", b"[]", b"{", b"7", b"\xff", None)),
        *(
            (orjson.dumps(WINDOW), key, at_ms)
            for key, at_ms in ((b"DL", 300_000), (None, 300_000), (b"UA", 299_999))
        ),
        *(
            (orjson.dumps({**WINDOW, **changed}), b"UA", 300_000)
            for changed in (
                {"events": "many"},
                {"events": 1.5},
                {"events": True},
                {"events": 2**63},
                {"window_start": None},
                {"window_kind": None},
                {"value_sum": "Infinity"},
                {"value_sum": "5.0"},
            )
        ),
        (orjson.dumps(WINDOW).replace(b'"value_sum":3', b'"value_sum":1' + b"0" * 400), b"UA", 300_000),
    ],
)
def test_what_is_no_window_result_is_kept_as_such(value: bytes | None, key: bytes | None, at_ms: int) -> None:
    row = window(value, key, at_ms)
    assert (row["window_kind"], row["window_end_ms"]) == (UNREADABLE, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(sorted(WINDOW)), inner, max_size=9)
    ),
)


@given(
    st.dictionaries(st.sampled_from(sorted(WINDOW)), JSON).map(
        lambda changed: json.dumps({**WINDOW, **changed}).encode()
    )
    | st.binary()
)
def test_no_record_keeps_the_others_from_being_read(value: bytes) -> None:
    assert rows(window_columns([Record(value, key=b"UA"), Record(value, key=None)]))  # type: ignore[list-item]


@given(
    st.dictionaries(
        st.sampled_from([*LETTER, "x"]), st.binary() | st.integers().map(lambda n: str(n).encode())
    )
)
def test_no_headers_keep_the_others_from_being_read(headers: dict[str, bytes]) -> None:
    assert letter(**headers)


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
