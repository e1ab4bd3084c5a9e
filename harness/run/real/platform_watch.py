"""Sets the observers on a platform: sampler and probes while it is flooded, then drain and read-back.

What is observed of each layer that is deployed, its file in harness/layers/ says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.history.writer import TableWriter
from harness.layers.protocol import Layer, Observed
from harness.layers.registry import deployed_layers
from harness.observe.platform.replication import copies_of_topics, replication
from harness.observe.platform.sampler import Sampler
from harness.observe.platform.sources import Load, Nodes
from harness.observe.readback.record_batches import read_back_record_batches
from harness.observe.readback.topics import read_back, read_back_events
from harness.run.run import Flooded
from pipeline.contract.topics import EVENTS

_NS_PER_S = 1_000_000_000


@dataclass(kw_only=True)
class PlatformWatch:
    """The observers of one run."""

    flooded: Flooded
    observed: Observed
    layers: tuple[Layer, ...]
    """Those that are deployed."""
    sampler: Sampler
    _stopped: bool = False

    @staticmethod
    def start(flooded: Flooded) -> PlatformWatch:
        """Begin to observe."""
        observed = _observed(flooded)
        layers = tuple(deployed_layers(flooded.scenario.pipeline))
        sampler = Sampler(
            sources=[
                Nodes(flooded.platform.status),
                Load(flooded.folder.load_progress),
                *(source for layer in layers for source in layer.observer.sources(observed.endpoints)),
            ],
            writer=TableWriter(observed.history, "samples", "sampler"),
            clock=flooded.clock,
        )
        sampler.start()
        for probe in (probe for layer in layers for probe in layer.observer.probes(observed)):
            flooded.platform.spawn(probe.name, probe.argv)
        return PlatformWatch(flooded=flooded, observed=observed, layers=layers, sampler=sampler)

    def drain(self) -> None:
        """Wait until everything that was sent has come out, and record what had not in time.

        And how many copies there are of it, now that all nodes are back.
        """
        clock = self.flooded.clock
        until_ns = clock.now_ns() + round(self.flooded.scenario.drain_timeout * _NS_PER_S)
        for layer in self.layers:
            left_s = max(until_ns - clock.now_ns(), 0) / _NS_PER_S
            self.sampler.record(layer.observer.drain(self.observed, timeout_s=left_s))
        endpoints = self.observed.endpoints
        questions = {"topics": lambda: copies_of_topics(endpoints.kafka)}
        for layer in self.layers:
            questions |= layer.observer.copies(endpoints)
        self.sampler.record(replication(questions, self.observed.report))

    def stop(self) -> None:
        """Take the last samples and write what waits. Idempotent."""
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


def _observed(flooded: Flooded) -> Observed:
    return Observed(
        scenario=flooded.scenario,
        endpoints=flooded.platform.endpoints,
        endpoints_file=flooded.folder.endpoints,
        folder=flooded.folder.path,
        history=flooded.folder.history,
        plan=flooded.folder.plan,
        clocks=flooded.info.clocks,
        load_duration_s=flooded.load_duration_s,
        report=flooded.report,
    )
