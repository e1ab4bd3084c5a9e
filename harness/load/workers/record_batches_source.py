"""A scenario's load as a replay at wire speed: what is encoded, how often it is sent, and until when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.base.errors import InvalidInput, Problem, RunError
from harness.base.event_clock import ORIGIN_BACK_S
from harness.base.report import Report
from harness.load.plan.event_size import message_max_bytes
from harness.load.plan.extent import event_span_ms, events_at_most
from harness.load.plan.file import PlanFile
from harness.load.send.record_batches.config import WireSchedule
from harness.load.send.record_batches.cutting import batch_events
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.send.record_batches.trace_build import Encoding, trace_file
from harness.load.send.record_batches.trace_damage import damage_of, discard
from harness.load.workers.source import EncodedRecordBatches
from harness.scenario.model import Load, Scenario
from harness.scenario.profiles.trace import TraceProfile


def encoded(scenario: Scenario, plan: PlanFile, *, cache: Path, report: Report) -> Path:
    """The file of the encoded plan. Raises InvalidInput where it cannot be replayed as the scenario says."""
    _require_retention(scenario, plan)
    topics, curve = scenario.pipeline.topics, scenario.load.curve
    encoding = Encoding(partitions=topics.partitions, batch_bytes=message_max_bytes(scenario.topology))
    if curve is not None:
        encoding = replace(encoding, batch_events=batch_events(curve, encoding.batch_events))
    return trace_file(plan, encoding, cache=cache, report=report)


def encode_ahead(scenario: Scenario, plan: PlanFile, *, cache: Path, report: Report) -> None:
    """Have the encoded plan in the cache and whole; one that was damaged there is encoded again.

    Raises as ``encoded``, and RunError when what was encoded is not the whole plan.
    """
    trace = encoded(scenario, plan, cache=cache, report=report)
    if damage := damage_of(trace):
        report(f"{damage}; it is encoded again")
        discard(trace)
        trace = encoded(scenario, plan, cache=cache, report=report)
    planned, found = plan.events - plan.counts["closing"], EncodedTrace.open(trace).facts.events
    if found != planned:
        raise RunError(
            f"the encoded trace has {found:,} of the plan's {planned:,} events: this is a fault of"
            " Floodmark's own, neither of the trace nor of the platform"
        )


def encoded_batches(scenario: Scenario, trace: Path) -> EncodedRecordBatches:
    """Over and over: by its profile, or without one as fast as the platform takes it."""
    return EncodedRecordBatches(trace=trace, **when_sent(scenario.load))


def when_sent(load: Load) -> dict[str, Any]:
    """How many events a load of batches has, and when they are due or until when they are sent."""
    if isinstance(load.profile, TraceProfile):
        return {"events": events_at_most(load.duration), "duration_s": load.duration}
    schedule = WireSchedule(profile=load.profile, duration_s=load.duration)
    return {"events": schedule.events, "schedule": schedule}


def _require_retention(scenario: Scenario, plan: PlanFile) -> None:
    """Retention goes by event time: the first repetition must still be there when all is read back."""
    span_s, retention_s = event_span_ms(scenario.load, plan) / 1000, scenario.pipeline.topics.retention_s
    oldest_s = span_s + ORIGIN_BACK_S + scenario.load.duration + scenario.drain_timeout
    if oldest_s > retention_s:
        repeated = f"{scenario.load.event_span:g} s, repeated for as long as {span_s:,.0f} s"
        found = f"{repeated}, so that the first event grows {oldest_s:,.0f} s old"
        allowed = f"less than the topics' retention of {retention_s:,} s; more events make fewer repetitions"
        raise InvalidInput([Problem(where=f"{scenario.name}: load.event_span", found=found, allowed=allowed)])
