"""A scenario's load as events that are computed as they are sent: from what, and until when."""

from __future__ import annotations

from harness.base.errors import InvalidInput, Problem
from harness.load.plan.event_size import message_max_bytes
from harness.load.traces.mapping import GeneratedMapping, read_mapping
from harness.load.workers.record_batches_source import when_sent
from harness.load.workers.source import ComputedEvents
from harness.scenario.model import Scenario


def computed_events(scenario: Scenario) -> ComputedEvents:
    """Raises InvalidInput for a trace that is not generated."""
    mapping, document = read_mapping(scenario.load.trace)
    if not isinstance(mapping, GeneratedMapping):
        where, allowed = document.where(()), "generate: with path: computed"
        raise InvalidInput([Problem(where=where, found="a trace that is read from a file", allowed=allowed)])
    return ComputedEvents(
        generate=mapping.generate,
        seed=scenario.seed,
        span_ms=round(scenario.load.event_span * 1000),
        batch_bytes=message_max_bytes(scenario.topology),
        **when_sent(scenario.load),
    )
