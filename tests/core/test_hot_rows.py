"""From records to rows and batches."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contract.derive import event_contract
from pipeline.contract.topics import EVENTS_VALID, WINDOW_RESULTS
from pipeline.hot.rows import BatchLimits, Record, Row, RowBatch, Rows
from pipeline.hot.schema import event_columns, window_columns

ROWS = Rows(event_contract(), BatchLimits())
DAY_MS = 86_400_000


def event(event_id: str = "1", *, at_ms: int = 0, entity_id: str = "e", **more: object) -> Record:
    body = {"event_id": event_id, "event_type": "t", "entity_id": entity_id, "category": "c", **more}
    return record(EVENTS_VALID, orjson.dumps(body), at_ms)


def window(kind: str = "tumbling", key: str = "c", *, start: int = 0, end: int = 300_000) -> Record:
    body = {
        "window_kind": kind,
        "key": key,
        "window_start": start,
        "window_end": end,
        "events": 1,
        "measured": 0,
    }
    return record(WINDOW_RESULTS, orjson.dumps(body), end)


def record(topic: str, value: bytes, timestamp_ms: int) -> Record:
    return Record(topic=topic, partition=0, offset=0, value=value, timestamp_ms=timestamp_ms)


def named(row: Row) -> dict[str, object]:
    return dict(zip(event_columns(event_contract()), row, strict=True))


def all_rows(batches: list[RowBatch]) -> list[Row]:
    return [row for batch in batches for row in batch.rows]


def test_a_row_has_the_contracts_fields_and_the_records_time() -> None:
    (batch,) = ROWS.event_batches([event(at_ms=5, value=1.5, attributes={"a": "b"}, unknown=1)])
    assert named(batch.rows[0]) == {
        **{"event_id": "1", "event_type": "t", "entity_id": "e", "category": "c", "reference_id": None},
        **{"value": 1.5, "quantity": None, "attributes": {"a": "b"}, "event_time": 5, "day": 2**31},
    }


def test_the_day_is_that_of_the_event_time() -> None:
    (batch,) = ROWS.event_batches([event(at_ms=2 * DAY_MS + 1)])
    assert named(batch.rows[0])["day"] == 2**31 + 2


def test_rows_of_one_entity_and_day_share_a_batch() -> None:
    batches = list(ROWS.event_batches([event("1"), event("2", entity_id="f"), event("3")]))
    assert [len(batch.rows) for batch in batches] == [2, 1]


def test_midnight_parts_a_batch() -> None:
    assert len(list(ROWS.event_batches([event("1", at_ms=DAY_MS - 1), event("2", at_ms=DAY_MS)]))) == 2


def test_of_rows_with_one_key_the_last_is_kept() -> None:
    (batch,) = ROWS.event_batches([event(value=1.0), event(value=2.0)])
    assert [named(row)["value"] for row in batch.rows] == [2.0]


def test_the_same_event_id_at_another_time_is_another_row() -> None:
    (batch,) = ROWS.event_batches([event(at_ms=1), event(at_ms=2)])
    assert len(batch.rows) == 2


def test_windows_are_parted_by_kind_key_and_day_of_their_end() -> None:
    records = [window(), window(start=300_000, end=600_000), window("session"), window(key="d")]
    assert [len(batch.rows) for batch in ROWS.window_batches(records)] == [2, 1, 1]


def test_a_window_without_values_has_nulls() -> None:
    (batch,) = ROWS.window_batches([window()])
    assert dict(zip(window_columns(), batch.rows[0], strict=True))["value_sum"] is None


def test_half_a_surrogate_in_an_unknown_field_is_no_obstacle() -> None:
    plain = event().value
    (batch,) = ROWS.event_batches([record(EVENTS_VALID, plain[:-1] + rb',"x":"\ud800"}', 0)])
    assert named(batch.rows[0])["event_id"] == "1"


def test_no_records_make_no_batches() -> None:
    assert list(ROWS.event_batches([])) == []


def test_a_row_larger_than_a_batch_goes_alone() -> None:
    large = event("1", category="x" * 100_000)
    assert [len(b.rows) for b in ROWS.event_batches([event("0"), large, event("2")])] == [1, 1, 1]


@given(
    ids=st.lists(st.integers(0, 60), max_size=80),
    limits=st.builds(BatchLimits, rows=st.integers(1, 7), payload_bytes=st.integers(1, 2000)),
)
def test_batches_hold_every_row_once_and_keep_the_limits(ids: list[int], limits: BatchLimits) -> None:
    records = [event(str(i), entity_id=f"e{i % 3}") for i in ids]
    batches = list(Rows(event_contract(), limits).event_batches(records))
    assert sorted(str(named(row)["event_id"]) for row in all_rows(batches)) == sorted(map(str, set(ids)))
    assert all(1 <= len(batch.rows) <= limits.rows for batch in batches)


@pytest.mark.parametrize("batch_rows", [1, 2])
def test_a_full_batch_is_followed_by_another(batch_rows: int) -> None:
    rows = Rows(event_contract(), BatchLimits(rows=batch_rows))
    assert [len(b.rows) for b in rows.event_batches([event("1"), event("2")])] == [batch_rows] * (
        2 // batch_rows
    )
