"""A record that makes no row is set aside with a word, and those beside it are written."""

from __future__ import annotations

import json
import logging

import orjson
import pytest
from cassandra import cqltypes
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contract.derive import cassandra_columns, event_contract
from pipeline.contract.topics import EVENTS_VALID, WINDOW_RESULTS
from pipeline.hot.rows import BatchLimits, Record, Row, Rows

EVENT = {"event_id": "1", "event_type": "t", "entity_id": "e", "category": "c"}
WINDOW = {
    "window_kind": "tumbling",
    "key": "c",
    "window_start": 0,
    "window_end": 300_000,
    "events": 1,
    "measured": 1,
    "value_sum": 1.0,
    "value_min": 1.0,
    "value_max": 1.0,
}
ROWS = Rows(event_contract(), BatchLimits())


def written(topic: str, *values: bytes, at_ms: int = 300_000) -> list[Row]:
    records = [
        Record(topic=topic, partition=2, offset=n, value=value, timestamp_ms=at_ms)
        for n, value in enumerate(values)
    ]
    batches = ROWS.event_batches(records) if topic == EVENTS_VALID else ROWS.window_batches(records)
    return [row for batch in batches for row in batch.rows]


POISON = {
    EVENTS_VALID: [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff",
        b"[" * 100_000,
        orjson.dumps({**EVENT, "event_id": None}),
        orjson.dumps({**EVENT, "entity_id": 5}),
        orjson.dumps({**EVENT, "entity_id": "x" * 70_000}),
        orjson.dumps({**EVENT, "value": "5.0"}),
        orjson.dumps({**EVENT, "quantity": 1.5}),
        orjson.dumps({**EVENT, "quantity": True}),
        orjson.dumps({**EVENT, "attributes": {"a": 1}}),
        json.dumps({**EVENT, "quantity": 2**70}).encode(),
        json.dumps({**EVENT, "value": 10**400}).encode(),
        json.dumps({**EVENT, "value": float("inf")}).encode(),
        json.dumps({**EVENT, "category": "\ud800"}).encode(),
        json.dumps({**EVENT, "attributes": {"a": "\ud800"}}).encode(),
    ],
    WINDOW_RESULTS: [
        b"",
        orjson.dumps({**WINDOW, "value_sum": "Infinity"}),
        orjson.dumps({**WINDOW, "window_end": "soon"}),
        orjson.dumps({**WINDOW, "window_end": 2**62}),
        orjson.dumps({**WINDOW, "window_start": None}),
        orjson.dumps({name: value for name, value in WINDOW.items() if name != "key"}),
        orjson.dumps({**WINDOW, "key": "ü" * 40_000}),
    ],
}
GOOD = {EVENTS_VALID: orjson.dumps(EVENT), WINDOW_RESULTS: orjson.dumps(WINDOW)}


@pytest.mark.parametrize(("topic", "value"), [(topic, value) for topic in POISON for value in POISON[topic]])
def test_a_record_that_makes_no_row_is_set_aside(
    topic: str, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert len(written(topic, value, GOOD[topic])) == 1
    (told,) = caplog.messages
    assert told.startswith(f"set aside {topic}-2@0: ")


def test_a_category_of_an_event_may_be_longer_than_any_key() -> None:
    assert len(written(EVENTS_VALID, orjson.dumps({**EVENT, "category": "x" * 70_000}))) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
)
CQL = {
    "text": cqltypes.UTF8Type,
    "bigint": cqltypes.LongType,
    "double": cqltypes.DoubleType,
    "timestamp": cqltypes.DateType,
    "date": cqltypes.SimpleDateType,
    "frozen<map<text, text>>": cqltypes.MapType.apply_parameters([cqltypes.UTF8Type, cqltypes.UTF8Type]),
}


@given(
    st.dictionaries(
        st.sampled_from([name for name, _ in cassandra_columns(event_contract())]), JSON, max_size=3
    ),
    st.integers(-(2**63), 2**63 - 1),
)
def test_every_row_can_be_bound(changes: dict[str, object], at_ms: int) -> None:
    kinds = ["date", *(kind for _, kind in cassandra_columns(event_contract()))]
    for row in written(EVENTS_VALID, json.dumps({**EVENT, **changes}).encode(), at_ms=at_ms):
        for kind, value in zip(kinds, row, strict=True):
            assert value is None or CQL[kind].serialize(value, 5) is not None
