"""Sets the observers on a platform: sampler and prober while it is flooded, then drain and read-back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.history.writer import TableWriter
from harness.observe.platform.drain import StreamPath, wait_until_drained
from harness.observe.platform.flink import FlinkJobs
from harness.observe.platform.offsets import Offsets
from harness.observe.platform.replication import replication
from harness.observe.platform.sampler import Sampler, Source
from harness.observe.platform.sources import HotLag, Load, Nodes, StreamJob, StreamLag
from harness.observe.prober.prober_config import ProberConfig
from harness.observe.readback.readback import ReadBack
from harness.observe.readback.record_batches import read_back_record_batches
from harness.run.run import Flooded
from pipeline.contract.topics import EVENTS, EVENTS_VALID, TOPICS, WINDOW_RESULTS
from pipeline.endpoints import Endpoints
from pipeline.hot.writer import HOT_GROUP
from pipeline.stream.render import SOURCE_GROUP

STREAM_PATH: Final = StreamPath(
    source=EVENTS,
    stream_group=SOURCE_GROUP,
    outputs=tuple(topic for topic in TOPICS if topic != EVENTS),
    hot_group=HOT_GROUP,
    hot_inputs=(EVENTS_VALID, WINDOW_RESULTS),
)
PROBER: Final = "prober"
"""The name of the prober's process among the nodes."""


@dataclass(kw_only=True)
class PlatformWatch:
    """The observers of one run."""

    flooded: Flooded
    sampler: Sampler
    _stopped: bool = False

    @staticmethod
    def start(flooded: Flooded) -> PlatformWatch:
        """Begin to observe."""
        sources: list[Source] = [Nodes(flooded.platform.status), Load(flooded.folder.load_progress)]
        if flooded.streams:
            sources += _stream_path_sources(flooded.platform.endpoints)
        sampler = Sampler(
            sources=sources,
            writer=TableWriter(flooded.folder.history, "samples", "sampler"),
            clock=flooded.clock,
        )
        sampler.start()
        if flooded.streams:
            _start_prober(flooded)
        return PlatformWatch(flooded=flooded, sampler=sampler)

    def drain(self) -> None:
        """Wait until everything that was sent has come out, and record what did not in time.

        And how many copies there are of it, now that all nodes are back.
        """
        endpoints = self.flooded.platform.endpoints
        if self.flooded.streams:
            self._drain(endpoints)
        hot_store = endpoints.cassandra if self.flooded.streams else None
        self.sampler.record(replication(endpoints.kafka, hot_store, self.flooded.report))

    def _drain(self, endpoints: Endpoints) -> None:
        offsets, jobs = Offsets(endpoints.kafka), FlinkJobs(endpoints.flink.rest_url)
        try:
            drained = wait_until_drained(
                STREAM_PATH,
                offsets,
                jobs,
                timeout_s=self.flooded.scenario.drain_timeout,
                report=self.flooded.report,
            )
        finally:
            offsets.close()
            jobs.close()
        self.sampler.record(drained.readings())

    def stop(self) -> None:
        """Take the last samples and write what waits. Idempotent."""
        if not self._stopped:
            self._stopped = True
            self.sampler.stop()

    def read_back(self) -> None:
        """Record what the topics and the hot store hold now."""
        if self.flooded.scenario.load.sends_record_batches:
            read_back_record_batches(
                self.flooded.platform.endpoints.kafka,
                EVENTS,
                history=self.flooded.folder.history,
                report=self.flooded.report,
            )
            return
        ReadBack(
            endpoints=self.flooded.platform.endpoints,
            plan=self.flooded.folder.plan,
            origin_ms=self.flooded.info.origin_ms,
            history=self.flooded.folder.history,
            report=self.flooded.report,
            streams=self.flooded.streams,
        ).run()
        if self.flooded.scenario.pipeline.has_lake:
            # It brings the readers of the lake with it, which no other run needs.
            from harness.observe.readback.lake_access import lake_of  # noqa: PLC0415
            from harness.observe.readback.lake_tables import record_batch_tables  # noqa: PLC0415

            lake = lake_of(self.flooded.platform.endpoints.object_store)
            record_batch_tables(lake, self.flooded.folder.history, self.flooded.report)


def _stream_path_sources(endpoints: Endpoints) -> Sequence[Source]:
    return (
        StreamLag(Offsets(endpoints.kafka), group=SOURCE_GROUP, topic=EVENTS),
        HotLag(Offsets(endpoints.kafka), group=HOT_GROUP, topics=STREAM_PATH.hot_inputs),
        StreamJob(FlinkJobs(endpoints.flink.rest_url)),
    )


def _start_prober(flooded: Flooded) -> None:
    folder = flooded.folder
    config = ProberConfig(
        endpoints=folder.endpoints,
        plan=folder.plan,
        history=folder.history,
        clocks=flooded.info.clocks,
        duration_s=flooded.load_duration_s,
    )
    config_file = folder.path / "prober.json"
    config.save(config_file)
    flooded.platform.spawn(
        PROBER, [sys.executable, "-m", "harness.observe.prober.prober", "--config", str(config_file)]
    )
