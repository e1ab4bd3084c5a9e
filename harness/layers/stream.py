"""The stream layer: its job and its hot store are sampled, probed, drained, read back and judged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.base.report import Report
from harness.history.reader import History
from harness.judge.checks.events.dead_letters import DeadLetters
from harness.judge.checks.events.duplicates import Duplicates
from harness.judge.checks.events.hot_events import HotEventsEqualOracle
from harness.judge.checks.events.late_events import LateEvents
from harness.judge.checks.events.unaccounted import Unaccounted
from harness.judge.checks.events.window_results import HotWindowsEqualOracle, WindowsEqualOracle
from harness.judge.checks.recovery.catch_up_time import CatchUpTime
from harness.judge.checks.recovery.drained import Drained
from harness.judge.checks.recovery.replication import Promise, copies_promised
from harness.judge.checks.speed.freshness import FreshnessHot, FreshnessWindows, window_ages
from harness.judge.checks.speed.hot_write_latency import HotWriteLatency
from harness.judge.checks.speed.operations import HotReadLatency
from harness.judge.checks.speed.read_latency import HotPointReadLatency, HotRangeReadLatency
from harness.judge.measure.hot_ages import event_ages
from harness.judge.measure.signals import SignalSource
from harness.judge.measure.stream_signals import hot_store_delay, stream_delay, stream_job_running
from harness.layers.figure import Canvas, Series, Sketch
from harness.layers.protocol import Checks, Layer, Observed, Probe, Use
from harness.observe.platform.sampler import Reading, Source
from harness.scenario.lake_steps import LakeStage
from harness.scenario.model import Load, Scenario
from pipeline.base.endpoints import Endpoints
from pipeline.contract.topics import EVENTS, EVENTS_VALID, TOPICS, WINDOW_RESULTS

if TYPE_CHECKING:
    from harness.observe.platform.drain import StreamPath

_PROBER: Final = "prober"
_READERS: Final = frozenset({"hot_point", "hot_range"})
"""The kinds of readers that read from the hot store."""
_TOGETHER: Final = """
SELECT (at_ns - load_start_ns) / 1e9 AS at_s, sum(value) AS value
FROM samples, run WHERE metric = $metric GROUP BY 1 ORDER BY 1
"""


class StreamObserver:
    """Samples lags and the job, probes the hot store, and reads back windows and the hot store."""

    def sources(self, endpoints: Endpoints) -> Sequence[Source]:
        """The lags of the job and of the hot writers, and the job's state."""
        from harness.observe.platform.flink import FlinkJobs
        from harness.observe.platform.offsets import Offsets
        from harness.observe.platform.sources import HotLag, StreamJob, StreamLag

        path = _stream_path()
        return (
            StreamLag(Offsets(endpoints.kafka), group=path.stream_group, topic=path.source),
            HotLag(Offsets(endpoints.kafka), group=path.hot_group, topics=path.hot_inputs),
            StreamJob(FlinkJobs(endpoints.flink.rest_url)),
        )

    def probes(self, observed: Observed) -> Sequence[Probe]:
        """The prober of the hot store."""
        from harness.observe.prober.probe_plan import ProberConfig

        config = ProberConfig(
            endpoints=observed.endpoints_file,
            plan=observed.plan,
            history=observed.history,
            clocks=observed.clocks,
            duration_s=observed.load_duration_s,
        )
        file = observed.folder / "prober.json"
        config.save(file)
        argv = [sys.executable, "-m", "harness.observe.prober.prober", "--config", str(file)]
        return (Probe(name=_PROBER, argv=argv),)

    def drain(self, observed: Observed, *, timeout_s: float) -> Iterable[Reading]:
        """Wait until the job has committed everything and the hot store holds it."""
        from harness.observe.platform.drain import wait_until_drained
        from harness.observe.platform.flink import FlinkJobs
        from harness.observe.platform.offsets import Offsets

        offsets = Offsets(observed.endpoints.kafka)
        jobs = FlinkJobs(observed.endpoints.flink.rest_url)
        try:
            drained = wait_until_drained(
                _stream_path(), offsets, jobs, timeout_s=timeout_s, report=observed.report
            )
        finally:
            offsets.close()
            jobs.close()
        return drained.readings()

    def copies(self, endpoints: Endpoints) -> Mapping[str, Callable[[], tuple[Reading, ...]]]:
        """The copies of the hot store's rows."""
        from harness.observe.platform.hot_store import copies_of_hot_store

        return {"the hot store": lambda: copies_of_hot_store(endpoints.cassandra)}

    def read_back(self, observed: Observed) -> Sequence[Callable[[], None]]:
        """Read back the windows' results, and the hot store in full."""
        from harness.observe.readback.hot_store import read_back_hot_store
        from harness.observe.readback.topics import read_back_windows

        endpoints, history, report = observed.endpoints, observed.history, observed.report
        return (
            lambda: read_back_windows(endpoints.kafka, history=history, report=report),
            lambda: read_back_hot_store(endpoints.cassandra, history=history, report=report),
        )


def _stream_path() -> StreamPath:
    from harness.observe.platform.drain import StreamPath
    from pipeline.hot.writer import HOT_GROUP
    from pipeline.stream.render import SOURCE_GROUP

    return StreamPath(
        source=EVENTS,
        stream_group=SOURCE_GROUP,
        outputs=tuple(topic for topic in TOPICS if topic != EVENTS),
        hot_group=HOT_GROUP,
        hot_inputs=(EVENTS_VALID, WINDOW_RESULTS),
    )


def _equip(endpoints: Endpoints, report: Report) -> Endpoints:
    from harness.layers.pipeline_jars import with_stream_jar

    return with_stream_jar(endpoints, report=report)


def _uses(load: Load | None, stage: LakeStage | None) -> Iterator[Use]:
    if load is None:
        return
    if load.inject.boundary:
        why = "no other layer judges which events are late"
        yield Use(at=("load", "inject", "boundary"), found=f"{load.inject.boundary:.3%}", why=why)
    if load.readers is not None and _READERS & load.readers.weights.keys():
        yield Use(at=("load", "readers"), found="readers", why="there is no hot store to read")


def _promised_copies(scenario: Scenario) -> Iterator[Promise]:
    if copies := copies_promised(scenario, "cassandra"):
        metric, words = "keyspace_replication_factor", "copies of keyspace"
        yield Promise(metric=metric, label="hot", copies=copies, words=words)


def lag(history: History) -> list[Series]:
    """The stream job's uncommitted events, and the hot writers' uncommitted records."""
    named = {"stream job": "stream_lag_events", "hot writer": "hot_lag_events"}
    return [Series.of(name, history.columns(_TOGETHER, {"metric": m})) for name, m in named.items()]


def freshness(history: History) -> list[Series]:
    """The seconds until events and windows could be read in the hot store, by the moment each began.

    Those that never arrived are left out.
    """
    ages = {"events": event_ages(history), "windows": window_ages(history)}
    start_ns = history.info.load_start_ns if history.info else 0
    return [
        Series(name=name, at_s=(found["at_ns"][came] - start_ns) / 1e9, value=found["value"][came] / 1e3)
        for name, found in ages.items()
        for came in (np.isfinite(found["value"]),)
    ]


def _draw_lag(canvas: Canvas, history: History) -> None:
    canvas.lines(lag(history))


def _draw_freshness(canvas: Canvas, history: History) -> None:
    canvas.spreads(freshness(history))


STREAM: Final = Layer(
    name="stream",
    equip=_equip,
    observer=StreamObserver(),
    uses=_uses,
    checks=Checks(
        data=(
            Unaccounted(),
            Duplicates(),
            DeadLetters(),
            LateEvents(),
            WindowsEqualOracle(),
            HotEventsEqualOracle(),
            HotWindowsEqualOracle(),
        ),
        recovery=(CatchUpTime(), Drained()),
        speed=(
            FreshnessWindows(),
            FreshnessHot(),
            HotWriteLatency(),
            HotReadLatency(),
            HotPointReadLatency(),
            HotRangeReadLatency(),
        ),
    ),
    probes=(_PROBER,),
    signals=(
        SignalSource(derive=stream_delay),
        SignalSource(derive=stream_job_running),
        # Events that never arrived are known only once the run is over.
        SignalSource(derive=hot_store_delay, while_it_flows=False),
    ),
    promised_copies=_promised_copies,
    figures=(
        Sketch(
            title="Lag",
            unit="events",
            caption=(
                "Events that had arrived but were not yet committed. The stream job commits at checkpoints,"
                " so its lag swings between zero and one checkpoint's worth."
            ),
            draw=_draw_lag,
        ),
        Sketch(
            title="Freshness",
            unit="seconds",
            caption=(
                "From the intended send of an event, and from when a window could be complete, until it could"
                " be read in the hot store. Solid: the median of each second; dotted: its p99; dots: single"
                " probes."
            ),
            draw=_draw_freshness,
        ),
    ),
)
