"""Rules for a scenario beyond its types: names must exist, and times must be consistent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.base.errors import Problem
from harness.base.event_clock import ORIGIN_BACK_S
from harness.base.typed import suggestion
from harness.layers.registry import LAYERS
from harness.load.plan.closing import WINDOW_MS, Closing
from harness.load.traces.mapping import GeneratedMapping
from harness.scenario.lake_steps import DAY_S
from harness.scenario.model import STEADY_MIN_S, Load
from harness.scenario.phases import PHASES
from harness.scenario.profiles.trace import TraceProfile
from harness.scenario.setting import Setting
from harness.scenario.thresholds import Threshold, parse
from harness.validate.draft import Draft
from harness.validate.fault_rules import fault_rules
from harness.validate.lake_rules import lake_rules
from harness.validate.vocabulary import CheckWords, Vocabulary
from pipeline.base.options import LayerName, PipelineOptions
from pipeline.layers.registry import deployed_layers

_EVENTS_MAX: Final = 250_000_000
"""The most events that a profile can plan: their times are held in memory."""


def broken_rules(draft: Draft, words: Vocabulary) -> Iterator[Problem]:
    """Yield every violation that the draft's well-formed sections show."""
    yield from _times(draft)
    yield from _profile(draft)
    yield from _computed(draft)
    yield from _boundary(draft)
    yield from _replicas(draft)
    yield from _deployed(draft)
    yield from _layers_lacking(draft)
    yield from _readers(draft, words)
    yield from lake_rules(draft)
    yield from fault_rules(draft, words, _targets(draft))
    yield from _expectations(draft, words)
    yield from _expected_failures(draft, words)


def _times(draft: Draft) -> Iterator[Problem]:
    load = draft.load
    if load is None:
        return
    if not load.duration or load.event_span < load.duration:
        found = f"{load.event_span:g} s of events in {load.duration:g} s"
        yield draft.problem(("load", "event_span"), found, "at least the duration, which is more than 0s")
        return
    if draft.head is not None and draft.head.warm_up + STEADY_MIN_S > load.duration:
        allowed = f"at least {STEADY_MIN_S:g} s less than the load's {load.duration:g} s"
        found = f"{draft.head.warm_up:g} s"
        yield draft.problem(("warm_up",), found, allowed)
    if draft.pipeline is not None:
        yield from _retention(draft, load, draft.pipeline)


def _profile(draft: Draft) -> Iterator[Problem]:
    load = draft.load
    if load is None or not load.duration:
        return
    if isinstance(load.profile, TraceProfile):
        if draft.document.get("load", "arrivals") is not None:
            allowed = "none with the profile trace, which has the trace's own gaps"
            yield draft.problem(("load", "arrivals"), load.arrivals, allowed)
        return
    if load.sends_record_batches and load.arrivals != "even":
        yield draft.problem(("load", "arrivals"), load.arrivals, "even, as record batches are sent")
    if load.path == "events" and load.events is not None:
        allowed = f"none with the profile {load.profile.kind}, which sets the number of events"
        yield draft.problem(("load", "events"), str(load.events), allowed)
    broken = list(load.profile.broken_rules(load.duration))
    for rule in broken:
        yield draft.problem(("load", "profile", rule.field), rule.found, rule.allowed)
    area = 0.0 if broken else load.profile.curve(load.duration).area
    if not broken and not 1 <= round(area) <= _EVENTS_MAX:
        found = f"a profile of {area:,.6g} events in {load.duration:g} s"
        yield draft.problem(("load", "profile"), found, f"from 1 event to {_EVENTS_MAX:,}")


def _computed(draft: Draft) -> Iterator[Problem]:
    """A computed load needs a generator, runs for load.duration, and injects nothing."""
    load = draft.load
    if load is None or load.path != "computed":
        return
    if draft.mapping is not None and not isinstance(draft.mapping, GeneratedMapping):
        allowed = "a mapping with generate:, where path is computed"
        yield draft.problem(("load", "trace"), f"{load.trace.name}, which reads a file", allowed)
    if load.events is not None:
        allowed = "none with path: computed, which sends for load.duration"
        yield draft.problem(("load", "events"), str(load.events), allowed)
    for name in ("malformed", "duplicate", "late", "boundary", "conflict"):
        if share := getattr(load.inject, name):
            allowed = "none with path: computed, which injects nothing"
            yield draft.problem(("load", "inject", name), f"{share:.3%}", allowed)


def _boundary(draft: Draft) -> Iterator[Problem]:
    """Boundary events need a tolerance for out-of-order events."""
    if draft.load is None or draft.pipeline is None or not draft.load.inject.boundary:
        return
    if not draft.pipeline.stream.out_of_orderness_event_s:
        allowed = "none with pipeline.stream.out_of_orderness: 0s, which leaves no event just in time"
        yield draft.problem(("load", "inject", "boundary"), f"{draft.load.inject.boundary:.3%}", allowed)


def _retention(draft: Draft, load: Load, pipeline: PipelineOptions) -> Iterator[Problem]:
    """Retention is by event time; the first event must still exist when everything is read back."""
    closing = Closing(
        last_event_ms=round(load.event_span * 1000),
        last_send_ms=0,
        pause_ms=0,
        out_of_orderness_ms=round(pipeline.stream.out_of_orderness_event_s * 1000),
        partitions=1,
    )
    drain_s = draft.head.drain_timeout if draft.head else 0.0
    late_s = _longest_delay_s(load, pipeline) / load.time_scale
    back_s = ORIGIN_BACK_S if draft.lake is None else DAY_S
    oldest_s = closing.second_ms / 1000 + back_s + load.duration + late_s + drain_s
    if oldest_s > pipeline.topics.retention_s:
        found = f"{load.event_span:g} s, so that the first event grows {oldest_s:.0f} s old"
        allowed = f"less than the topics' retention of {pipeline.topics.retention_s} s"
        yield draft.problem(("load", "event_span"), found, allowed)


def _longest_delay_s(load: Load, pipeline: PipelineOptions) -> float:
    """The longest intentional delay of an event, on the event clock."""
    late_s = load.inject.late_by if load.inject.late else 0.0
    boundary_s = WINDOW_MS / 1000 + 2 * pipeline.stream.out_of_orderness_event_s
    return max(late_s, boundary_s if load.inject.boundary else 0.0)


def _replicas(draft: Draft) -> Iterator[Problem]:
    if draft.topology is None or draft.pipeline is None:
        return
    brokers = len(draft.topology.at_home("kafka"))
    wanted = draft.pipeline.topics.min_insync_replicas
    if wanted > brokers:
        place = ("pipeline", "topics", "min_insync_replicas")
        yield draft.problem(place, str(wanted), f"at most the number of brokers, {brokers}")


def _deployed(draft: Draft) -> Iterator[Problem]:
    """Deployed layers need their engines; record batches are judged in Kafka alone."""
    if draft.pipeline is None:
        return
    if draft.load is not None and draft.load.sends_record_batches and draft.pipeline.deploy:
        path = draft.load.path
        yield draft.problem(("load", "path"), path, f"events, or {path} with pipeline: {{deploy: []}}")
    deployed = draft.pipeline.deploy
    if twice := sorted({layer for layer in deployed if deployed.count(layer) > 1}):
        yield draft.problem(("pipeline", "deploy"), f"{', '.join(twice)} again", "each layer once")
    layers = deployed_layers(draft.pipeline)
    needed = ("kafka", *(service for layer in layers for service in layer.services))
    services = draft.topology.services if draft.topology is not None else needed
    if missing := [name for name in needed if name not in services]:
        allowed = f"the services that pipeline.deploy: {_list(deployed)} needs: {', '.join(needed)}"
        yield draft.problem(("topology",), f"no {', no '.join(missing)}", allowed)


def _layers_lacking(draft: Draft) -> Iterator[Problem]:
    """Yield every use of a layer that is not deployed."""
    for layer in LAYERS.values():
        if draft.pipeline is None or layer.name in draft.pipeline.deploy:
            continue
        for use in layer.uses(draft.load, draft.lake):
            why = f": {use.why}" if use.why else ""
            yield draft.problem(use.at, use.found, f"none, unless pipeline.deploy has {layer.name}{why}")


def _list(layers: Sequence[LayerName]) -> str:
    return f"[{', '.join(layers)}]"


def _readers(draft: Draft, words: Vocabulary) -> Iterator[Problem]:
    readers = draft.load.readers if draft.load else None
    if readers is None:
        return
    for name in readers.weights:
        if name not in words.readers:
            place = ("load", "readers", "weights", name)
            yield draft.problem(place, f"unknown reader {name}", suggestion(name, words.readers))


def _targets(draft: Draft) -> list[str] | None:
    """The names that a fault may target; None if unknown."""
    if draft.topology is None or draft.pipeline is None:
        return None
    layers = deployed_layers(draft.pipeline)
    processes = [process.name for layer in layers for process in layer.processes(draft.pipeline)]
    return [*(node.name for node in draft.topology.nodes()), *processes]


def _expectations(draft: Draft, words: Vocabulary) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for n, expectation in draft.expect.items():
        check = words.checks.get(expectation.check)
        if check is None:
            allowed = suggestion(expectation.check, words.checks)
            yield draft.problem(("expect", n, "check"), expectation.check, allowed)
            continue
        if needed := check.unfit(draft.setting):
            allowed = f"another check, unless {needed}"
            yield draft.problem(("expect", n, "check"), expectation.check, allowed)
        if expectation.check in seen:
            found = f"{expectation.check} again, after expect[{seen[expectation.check]}]"
            yield draft.problem(("expect", n, "check"), found, "each check once, with all its thresholds")
        seen.setdefault(expectation.check, n)
        yield from _waiver(draft, n, check)
        for m, text in enumerate(expectation.thresholds):
            try:
                limit = parse(text, unit=check.unit, aggregates=check.aggregates)
            except ValueError as error:
                yield draft.problem(("expect", n, "thresholds", m), text, str(error))
                continue
            if not needed and (allowed := _judgeable(limit, check, draft.setting)):
                yield draft.problem(("expect", n, "thresholds", m), text, allowed)


def _waiver(draft: Draft, n: int, check: CheckWords) -> Iterator[Problem]:
    """Only a check with default limits can be waived, and not together with thresholds."""
    expectation = draft.expect[n]
    if expectation.waive is None:
        if not expectation.thresholds:
            yield draft.problem(("expect", n), "neither thresholds nor waive", "one of them")
    elif expectation.thresholds:
        yield draft.problem(("expect", n, "waive"), expectation.waive, "none beside thresholds")
    elif not check.safety:
        allowed = "none: no limit holds for this check unless a scenario sets one"
        yield draft.problem(("expect", n, "waive"), expectation.waive, allowed)


def _judgeable(limit: Threshold, check: CheckWords, setting: Setting) -> str:
    """What a limit must be to be judged; "" if it already is."""
    phases = [phase for phase in PHASES if phase in check.phases & setting.phases]
    if limit.is_count:
        return ""
    if not phases:
        lacking = "faults" if "fault" in check.phases else "a lake stage"
        return f"a count, or {lacking}, without which nothing is measured"
    return "" if set(limit.phases) <= set(phases) else f"phases out of {', '.join(phases)}"


def _expected_failures(draft: Draft, words: Vocabulary) -> Iterator[Problem]:
    names = draft.head.expect_fail if draft.head else ()
    limited = {expectation.check for expectation in draft.expect.values()}
    waived = {expectation.check for expectation in draft.expect.values() if expectation.waive is not None}
    for n, name in enumerate(names):
        check = words.checks.get(name)
        if check is None:
            yield draft.problem(("expect_fail", n), name, suggestion(name, words.checks))
        elif name in names[:n]:
            yield draft.problem(("expect_fail", n), f"{name} again", "each check once")
        elif needed := check.unfit(draft.setting):
            yield draft.problem(("expect_fail", n), name, f"another check, unless {needed}")
        elif name in waived:
            yield draft.problem(("expect_fail", n), name, "a check that expect does not waive")
        elif not check.safety and name not in limited:
            yield draft.problem(("expect_fail", n), name, "a check that has a limit in expect")
