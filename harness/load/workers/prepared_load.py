"""A scenario's load, made ready before anything starts: planned, encoded if need be, known to fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.base.errors import InvalidInput, Problem, RunError
from harness.base.event_clock import ORIGIN_BACK_S
from harness.base.report import Report
from harness.load.plan.cached import build_plan
from harness.load.plan.event_size import message_max_bytes, require_sendable
from harness.load.plan.extent import event_span_ms, events_at_most, load_duration_s
from harness.load.plan.file import PlanFile
from harness.load.send.record_batches.cutting import batch_events
from harness.load.send.record_batches.schedule import LoadSchedule
from harness.load.send.record_batches.trace import EncodedTrace, damage_of, discard
from harness.load.send.record_batches.trace_build import Encoding, trace_file
from harness.load.traces.mapping import GeneratedMapping, read_mapping
from harness.load.workers.source import ComputedSource, EventsSource, LoadSource, RecordBatchesSource
from harness.scenario.model import Load, Scenario
from harness.scenario.profiles.trace import TraceProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLoad:
    """What is sent, and what follows from it. Made once for a run."""

    source: LoadSource
    plan: PlanFile | None
    """None where the load computes its events as it sends them."""
    duration_s: float
    """Wall-clock time from the first event to the last."""
    span_ms: int
    """The largest event offset of everything that may be sent."""


def prepare_load(scenario: Scenario, *, cache: Path, report: Report) -> PreparedLoad:
    """Plan the load and encode it into the cache, as far as its path needs that.

    Raises InvalidInput with what is wrong with the trace or does not fit the scenario, ``ArtifactError`` when
    a data set cannot be fetched, and RunError when a plan or an encoded trace is not the whole trace.
    """
    if scenario.load.path == "computed":
        return _prepared(scenario, None, computed_source(scenario))
    return planned_load(
        scenario, build_plan(scenario, cache=cache, report=report), cache=cache, report=report
    )


def planned_load(scenario: Scenario, plan: PlanFile, *, cache: Path, report: Report) -> PreparedLoad:
    """The same from an existing plan. Raises InvalidInput and RunError as above."""
    if scenario.load.path == "record_batches":
        trace = encoded_trace(scenario, plan, cache=cache, report=report)
        return _prepared(scenario, plan, record_batches_source(scenario, trace))
    require_sendable(scenario, plan)
    source = EventsSource(plan=plan.path, largest_event_bytes=plan.largest_event_bytes)
    return _prepared(scenario, plan, source)


def _prepared(scenario: Scenario, plan: PlanFile | None, source: LoadSource) -> PreparedLoad:
    return PreparedLoad(
        source=source,
        plan=plan,
        duration_s=load_duration_s(scenario.load, plan),
        span_ms=event_span_ms(scenario.load, plan),
    )


def computed_source(scenario: Scenario) -> ComputedSource:
    """Events drawn from the scenario's generator. Raises InvalidInput for a trace that is not generated."""
    mapping, document = read_mapping(scenario.load.trace)
    if not isinstance(mapping, GeneratedMapping):
        where, allowed = document.where(()), "generate: with path: computed"
        raise InvalidInput([Problem(where=where, found="a trace that is read from a file", allowed=allowed)])
    return ComputedSource(
        generate=mapping.generate,
        seed=scenario.seed,
        span_ms=round(scenario.load.event_span * 1000),
        batch_bytes=message_max_bytes(scenario.topology),
        **_when_sent(scenario.load),
    )


def record_batches_source(scenario: Scenario, trace: Path) -> RecordBatchesSource:
    """An encoded trace, repeated: by the load's profile, or as fast as the platform accepts it."""
    return RecordBatchesSource(trace=trace, **_when_sent(scenario.load))


def encoded_trace(scenario: Scenario, plan: PlanFile, *, cache: Path, report: Report) -> Path:
    """The file of the encoded plan in the cache. One that was damaged there is encoded again.

    Raises InvalidInput where it cannot be sent as the scenario says, and RunError when it is not the whole
    plan.
    """
    _require_retention(scenario, plan)
    encoding = _encoding(scenario)
    trace = trace_file(plan, encoding, cache=cache, report=report)
    if damage := damage_of(trace):
        report(f"{damage}; encoding it again")
        discard(trace)
        trace = trace_file(plan, encoding, cache=cache, report=report)
    planned, found = plan.events - plan.counts["closing"], EncodedTrace.open(trace).facts.events
    if found != planned:
        raise RunError(
            f"the encoded trace has {found:,} of the plan's {planned:,} events: this is a fault of"
            " Floodmark's own, neither of the trace nor of the platform"
        )
    return trace


def _encoding(scenario: Scenario) -> Encoding:
    topics, curve = scenario.pipeline.topics, scenario.load.curve
    encoding = Encoding(partitions=topics.partitions, batch_bytes=message_max_bytes(scenario.topology))
    if curve is None:
        return encoding
    return replace(encoding, batch_events=batch_events(curve, encoding.batch_events))


def _when_sent(load: Load) -> dict[str, Any]:
    """How many events are sent in record batches, and when they are due or until when they are sent."""
    if isinstance(load.profile, TraceProfile):
        return {"events": events_at_most(load.duration), "duration_s": load.duration}
    schedule = LoadSchedule(profile=load.profile, duration_s=load.duration)
    return {"events": schedule.events, "schedule": schedule}


def _require_retention(scenario: Scenario, plan: PlanFile) -> None:
    """Retention goes by event time: the first repetition must still be there when everything is read back."""
    span_s, retention_s = event_span_ms(scenario.load, plan) / 1000, scenario.pipeline.topics.retention_s
    oldest_s = span_s + ORIGIN_BACK_S + scenario.load.duration + scenario.drain_timeout
    if oldest_s > retention_s:
        repeated = f"{scenario.load.event_span:g} s, repeated for as long as {span_s:,.0f} s"
        found = f"{repeated}, so that the first event grows {oldest_s:,.0f} s old"
        allowed = f"less than the topics' retention of {retention_s:,} s; more events make fewer repetitions"
        raise InvalidInput([Problem(where=f"{scenario.name}: load.event_span", found=found, allowed=allowed)])
