"""Observes a platform: sampler and probes while the load runs, then drain and read-back.

The file of each deployed layer in harness/layers/ says what is observed of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.history.run_info import RunInfo
from harness.history.writer import TableWriter
from harness.layers.protocol import Layer, Observed
from harness.layers.registry import deployed_layers
from harness.observe.platform.replication import copies_of_topics, replication
from harness.observe.platform.sampler import Sampler
from harness.observe.platform.sources import Load, Nodes
from harness.observe.readback.record_batches import read_back_record_batches
from harness.observe.readback.topics import read_back, read_back_events
from harness.run.run import RunContext
from pipeline.contract.topics import EVENTS

_NS_PER_S = 1_000_000_000


@dataclass(kw_only=True)
class PlatformWatch:
    """The observers of one run."""

    context: RunContext
    observed: Observed
    layers: tuple[Layer, ...]
    """Those that are deployed."""
    sampler: Sampler
    _stopped: bool = False

    @staticmethod
    def start(context: RunContext, info: RunInfo) -> PlatformWatch:
        """Begin to observe."""
        observed = _observed(context, info)
        layers = tuple(deployed_layers(context.scenario.pipeline))
        sampler = Sampler(
            sources=[
                Nodes(context.everything.status),
                Load(context.folder.load_progress),
                *(source for layer in layers for source in layer.observer.sources(observed.endpoints)),
            ],
            writer=TableWriter(observed.history, "samples", "sampler"),
            clock=context.clock,
        )
        sampler.start()
        for probe in (probe for layer in layers for probe in layer.observer.probes(observed)):
            context.platform.processes.spawn(probe.name, probe.argv)
        return PlatformWatch(context=context, observed=observed, layers=layers, sampler=sampler)

    def drain(self) -> None:
        """Wait until everything that was sent has come out, and record what had not in time.

        Also record how many copies there are, now that all nodes are back.
        """
        clock = self.context.clock
        until_ns = clock.now_ns() + round(self.context.scenario.drain_timeout * _NS_PER_S)
        for layer in self.layers:
            left_s = max(until_ns - clock.now_ns(), 0) / _NS_PER_S
            self.sampler.record(layer.observer.drain(self.observed, timeout_s=left_s))
        endpoints = self.observed.endpoints
        questions = {"topics": lambda: copies_of_topics(endpoints.kafka)}
        for layer in self.layers:
            questions |= layer.observer.copies(endpoints)
        self.sampler.record(replication(questions, self.observed.report))

    def stop(self) -> None:
        """Take the last samples and write everything. Idempotent."""
        if not self._stopped:
            self._stopped = True
            self.sampler.stop()

    def read_back(self) -> None:
        """Record what the topics and every layer hold now."""
        read_back(
            [*self._of_topics(), *(s for one in self.layers for s in one.observer.read_back(self.observed))]
        )

    def _of_topics(self) -> Iterator[Callable[[], None]]:
        kafka, plan = self.observed.endpoints.kafka, self.observed.plan
        origin_ms, history, report = (
            self.observed.clocks.origin_ms,
            self.observed.history,
            self.observed.report,
        )
        if self.observed.scenario.load.sends_record_batches:
            yield lambda: read_back_record_batches(kafka, EVENTS, history=history, report=report)
        else:
            yield lambda: read_back_events(kafka, plan, origin_ms=origin_ms, history=history, report=report)


def _observed(context: RunContext, info: RunInfo) -> Observed:
    return Observed(
        scenario=context.scenario,
        endpoints=context.platform.endpoints,
        endpoints_file=context.folder.endpoints,
        folder=context.folder.path,
        history=context.folder.history,
        plan=context.folder.plan,
        clocks=info.clocks,
        load_duration_s=context.load.duration_s,
        report=context.report,
    )
