"""How large an event may be. A plan with a larger one is refused before anything starts."""

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
"""What a broker accepts as one record batch by default: Kafka's own ``message.max.bytes``."""
_CLIENT_MAX_BYTES: Final = 1_000_000
"""What librdkafka accepts by default: its ``message.max.bytes``."""
_OVERHEAD_BYTES: Final = 61 + 36
"""The header of a record batch, and the most that format 2 adds to a record's key and value."""


def message_max_bytes(topology: Topology) -> int:
    """The largest record batch that every broker accepts, as the topology configures them."""
    roles = topology.services.get("kafka", {}).values()
    limits = [int(role.settings.get("message.max.bytes", MESSAGE_MAX_BYTES)) for role in roles]
    return min(limits, default=MESSAGE_MAX_BYTES)


def sent_bytes(key: int, payload: int) -> int:
    """The most that an event of these sizes takes as an uncompressed record batch of its own."""
    return key + payload + _OVERHEAD_BYTES


def largest_of(events: pa.Table | pa.RecordBatch) -> int:
    """``sent_bytes`` of the largest of a plan's events."""
    return sent_bytes(0, pc.max(_sizes(events)).as_py() or 0)


def require_sendable(scenario: Scenario, plan: PlanFile) -> None:
    """Raises InvalidInput naming the plan's first event that client or broker would not accept."""
    broker_max = message_max_bytes(scenario.topology)
    allowed_bytes = min(broker_max, _CLIENT_MAX_BYTES)
    if plan.largest_event_bytes <= allowed_bytes:
        return
    by_broker = broker_max <= _CLIENT_MAX_BYTES
    which = "the broker's message.max.bytes" if by_broker else "what the client accepts"
    found = f"{_first_above(plan, allowed_bytes)}, key and headers included"
    allowed = f"at most {allowed_bytes:,} bytes, which is {which}"
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
    """Of key and payload. An event without an entity has its number as key: 20 digits at most."""
    keys = pc.fill_null(pc.binary_length(pc.cast(events.column("entity_id"), pa.binary())), 20)
    return pc.add(keys, pc.binary_length(events.column("payload")))
