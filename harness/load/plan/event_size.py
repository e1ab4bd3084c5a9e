"""Limits on the size of an event. A plan with a larger event is refused before anything starts."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.base.errors import InvalidInput, Problem
from harness.load.plan.file import PlanFile
from harness.scenario.model import Scenario
from harness.scenario.topology import Topology

MESSAGE_MAX_BYTES: Final = 1_048_588
"""The largest record batch that a broker accepts by default: Kafka's ``message.max.bytes``."""
_CLIENT_MAX_BYTES: Final = 1_000_000
"""The largest message that librdkafka accepts by default: its ``message.max.bytes``."""
_OVERHEAD_BYTES: Final = 61 + 36
"""The record batch header, plus the maximum that format 2 adds to a record's key and value."""


def message_max_bytes(topology: Topology) -> int:
    """The largest record batch that every broker of the topology accepts."""
    roles = topology.services.get("kafka", {}).values()
    limits = [int(role.settings.get("message.max.bytes", MESSAGE_MAX_BYTES)) for role in roles]
    return min(limits, default=MESSAGE_MAX_BYTES)


def sent_bytes(key: int, payload: int) -> int:
    """The maximum size of an event with these sizes as an uncompressed record batch of its own."""
    return key + payload + _OVERHEAD_BYTES


def largest_of(events: pa.Table | pa.RecordBatch) -> int:
    """``sent_bytes`` of the largest event."""
    return sent_bytes(0, pc.max(_sizes(events)).as_py() or 0)


def require_sendable(scenario: Scenario, plan: PlanFile) -> None:
    """Raise InvalidInput naming the plan's first event that is too large for the client or broker."""
    broker_max = message_max_bytes(scenario.topology)
    allowed_bytes = min(broker_max, _CLIENT_MAX_BYTES)
    if plan.largest_event_bytes <= allowed_bytes:
        return
    by_broker = broker_max <= _CLIENT_MAX_BYTES
    limit = "the broker's message.max.bytes" if by_broker else "the client's limit"
    found = f"{_first_above(plan, allowed_bytes)}, key and headers included"
    allowed = f"at most {allowed_bytes:,} bytes ({limit})"
    raise InvalidInput([Problem(where=f"{scenario.name}: load.trace", found=found, allowed=allowed)])


def _first_above(plan: PlanFile, allowed_bytes: int) -> str:
    with pq.ParquetFile(plan.path) as file:
        for events in file.iter_batches(columns=["seq", "event_id", "entity_id", "payload"]):
            sizes = pc.add(_sizes(events), _OVERHEAD_BYTES)
            above = pc.index(pc.greater(sizes, allowed_bytes), True).as_py()
            if above >= 0:
                name = events.column("event_id")[above].as_py() or f"number {events.column('seq')[above]}"
                return f"event {name} of {sizes[above].as_py():,} bytes"
    raise ValueError(f"{plan.path} has no event of more than {allowed_bytes} bytes")


def _sizes(events: pa.Table | pa.RecordBatch) -> pa.Array:
    """The sizes of key and payload. The key of an event without an entity is its number: up to 20 digits."""
    keys = pc.fill_null(pc.binary_length(pc.cast(events.column("entity_id"), pa.binary())), 20)
    return pc.add(keys, pc.binary_length(events.column("payload")))
