"""Events that no broker takes are found in the plan, before anything starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base.errors import InvalidInput
from harness.history.plan_schema import PLAN
from harness.load.plan.event_size import (
    MESSAGE_MAX_BYTES,
    largest_of,
    message_max_bytes,
    require_sendable,
    sent_bytes,
)
from harness.load.plan.file import PlanFile
from harness.load.send.record_batches.encode import Event, encode
from harness.scenario.topology import RoleSpec, Topology
from tests.core.events_parts import plan_file, plan_row, write_plan
from tests.core.scenario_parts import rides


def topology(**settings: str | int) -> Topology:
    broker = RoleSpec(count=1, memory=64 * 2**20, settings=dict(settings.items()))
    return Topology(name="t", zones=("a",), services={"kafka": {"broker": broker}})


def plan_of(folder: Path, *rows: dict[str, Any]) -> PlanFile:
    path = write_plan(folder / "plan.parquet", rows)
    largest = largest_of(pa.Table.from_pylist(list(rows), schema=PLAN))
    return replace(plan_file(path, len(rows)), largest_event_bytes=largest)


def test_a_broker_takes_what_kafka_takes_by_default() -> None:
    assert message_max_bytes(topology()) == MESSAGE_MAX_BYTES


def test_a_broker_takes_what_its_topology_says() -> None:
    assert message_max_bytes(topology(**{"message.max.bytes": 5000})) == 5000


def test_an_event_that_is_too_wide_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, plan_row(0), plan_row(1, payload=b"x" * 1_000_000), plan_row(2))
    with pytest.raises(InvalidInput, match=r"load\.trace: found event id-1 of 1,000,099 bytes.*1,000,000"):
        require_sendable(rides(), plan)


def test_a_topology_that_allows_less_is_what_counts(tmp_path: Path) -> None:
    scenario = rides().model_copy(update={"topology": topology(**{"message.max.bytes": 200})})
    plan = plan_of(tmp_path, plan_row(0, payload=b"x" * 200, event_id=None))
    with pytest.raises(InvalidInput, match=r"event number 0 of 299 bytes.*200 bytes \(the broker's"):
        require_sendable(scenario, plan)


def test_events_that_fit_are_let_pass(tmp_path: Path) -> None:
    require_sendable(rides(), plan_of(tmp_path, plan_row(0), plan_row(1)))


@given(key=st.binary(max_size=300), payload=st.binary(max_size=3000), time_ms=st.integers(0, 2**40))
def test_no_event_becomes_larger_than_is_reckoned(key: bytes, payload: bytes, time_ms: int) -> None:
    alone = encode([Event(key, payload, time_ms)], "none")
    assert alone.size_bytes <= sent_bytes(len(key), len(payload))
