"""The sampler writes what it could read, tells what it could not, and makes nothing up."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import KafkaException

from harness.base.errors import PlatformError
from harness.base.run_clock import RunClock
from harness.history.progress import LoadProgress
from harness.history.writer import TableWriter
from harness.observe.platform.flink import FlinkJobs, JobsUnknown
from harness.observe.platform.offsets import Lag, Offsets, OffsetsUnknown
from harness.observe.platform.sampler import Reading, SampleMissed, Sampler
from harness.observe.platform.sources import HotLag, Load, Nodes, StreamLag
from harness.processes.protocol import ProcessStatus, State
from pipeline.base.endpoints import KafkaEndpoint


class Thermometer:
    """A source that reads 20 degrees, or cannot be read."""

    def __init__(self, name: str = "thermometer", error: Exception | None = None) -> None:
        self.name, self.error, self.closed = name, error, False

    def read(self) -> Iterable[Reading]:
        if self.error is not None:
            raise self.error
        yield Reading(metric="degrees", label="inside", value=20)

    def close(self) -> None:
        self.closed = True


def sampled(folder: Path, *sources: Thermometer) -> list[tuple[str, str, float]]:
    """What a sampler writes that is stopped at once: one last sample of each source."""
    sampler = Sampler(sources, TableWriter(folder, "samples", "sampler"), RunClock.start())
    sampler.start()
    sampler.stop()
    sampler.stop()
    table = pa.concat_tables(
        [pq.read_table(path) for path in (folder / "samples").glob("*.parquet")], promote_options="permissive"
    )
    return [(row["metric"], row["label"], row["value"]) for row in table.to_pylist()]


def test_every_source_is_sampled_a_last_time_and_closed(tmp_path: Path) -> None:
    source = Thermometer()
    assert ("degrees", "inside", 20.0) in sampled(tmp_path, source)
    assert source.closed


def test_a_sample_that_cannot_be_taken_is_absent_and_counted(tmp_path: Path) -> None:
    rows = sampled(tmp_path, Thermometer("broken", SampleMissed("no answer")), Thermometer("sound"))
    assert ("samples_missed_total", "broken", 1.0) in rows
    assert [label for metric, label, _ in rows if metric == "samples_missed_total"] == ["broken"]


class Fickle(Thermometer):
    """A source that breaks in a way nobody expects, twice, and is asked to stop when it is whole again."""

    def __init__(self) -> None:
        super().__init__("fickle")
        self.read_often = threading.Event()
        self._reads = 0

    def read(self) -> Iterable[Reading]:
        self._reads += 1
        if self._reads <= 2:
            raise KeyError("tasks")
        self.read_often.set()
        return super().read()


def test_a_source_that_breaks_unexpectedly_is_told_of_once_and_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = Fickle()
    sampler = Sampler([source], TableWriter(tmp_path, "samples", "sampler"), RunClock.start())
    sampler.start()
    assert source.read_often.wait(10)
    sampler.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "fickle cannot be sampled: KeyError: 'tasks'"
    ]


def test_a_consumer_that_the_client_refuses_is_a_cluster_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_settings: dict[str, object]) -> None:
        raise KafkaException("no file descriptors left")

    offsets = Offsets(KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",)))
    monkeypatch.setattr("harness.observe.platform.offsets.Consumer", refused)
    with pytest.raises(OffsetsUnknown):
        offsets.committed("g", [("events", 0)])
    with pytest.raises(OffsetsUnknown):
        offsets.exact(LAG)


class Offline(Offsets):
    """Offsets of a cluster that is not there, or of one that says what it is told to."""

    def __init__(self, lag: Lag | None = None) -> None:
        self._lag = lag
        self.reconnected = 0

    def reconnect(self) -> None:
        self.reconnected += 1

    def lag(self, group: str, topics: Iterable[str]) -> Lag:
        if self._lag is None:
            raise OffsetsUnknown("broker down")
        return self._lag

    def exact(self, lag: Lag) -> Lag:
        return Lag(end=lag.end, committed=lag.end)


LAG = Lag(end={("events", 0): 10, ("events", 1): 5}, committed={("events", 0): 7, ("events", 1): 6})


def test_the_stream_lag_is_summed_over_partitions_and_never_negative() -> None:
    readings = list(StreamLag(Offline(LAG), group="g", topic="events").read())
    assert [(r.metric, r.value) for r in readings] == [("source_end_offset", 15), ("stream_lag_events", 3)]


def test_the_hot_lag_leaves_markers_out() -> None:
    readings = list(HotLag(Offline(LAG), group="g", topics=["events"]).read())
    assert [(r.metric, r.label, r.value) for r in readings] == [("hot_lag_events", "events", 0)]


@pytest.mark.parametrize(
    "source",
    [StreamLag(Offline(), group="g", topic="events"), HotLag(Offline(), group="g", topics=["events"])],
)
def test_a_cluster_that_does_not_answer_is_a_missed_sample(source: StreamLag | HotLag) -> None:
    with pytest.raises(SampleMissed):
        list(source.read())


def test_a_cluster_that_did_not_answer_is_looked_up_anew() -> None:
    offsets = Offline()
    with pytest.raises(SampleMissed):
        list(StreamLag(offsets, group="g", topic="events").read())
    assert offsets.reconnected == 1


def node(name: str, pid: int | None, state: State = "ready") -> ProcessStatus:
    return ProcessStatus(
        name=name,
        state=state,
        pid=pid,
        memory_bytes=5,
        cpu_s=1.5,
    )


def test_nodes_without_a_process_have_no_sample() -> None:
    readings = list(Nodes(lambda: [node("alive", 7), node("dead", None, "dead")]).read())
    assert {r.label for r in readings} == {"alive"}
    assert {(r.metric, r.value) for r in readings} == {
        ("node_cpu_seconds_total", 1.5),
        ("node_memory_bytes", 5),
    }


def test_a_platform_that_cannot_be_asked_is_a_missed_sample() -> None:
    def status() -> Iterable[ProcessStatus]:
        raise PlatformError("gone")

    with pytest.raises(SampleMissed, match="gone"):
        list(Nodes(status).read())


def test_the_load_has_no_counts_before_it_begins(tmp_path: Path) -> None:
    assert list(Load(tmp_path).read()) == []


def test_the_load_s_counts_are_those_of_its_progress(tmp_path: Path) -> None:
    LoadProgress(
        state="sending", at_ns=1, sent=5, acknowledged=3, unknown=1, failed=0, total=9, behind_ms=0.0
    ).save(tmp_path / "progress.json")
    assert {(r.metric, r.value) for r in Load(tmp_path).read()} == {
        ("events_sent_total", 5),
        ("events_acknowledged_total", 3),
    }


def test_a_progress_file_that_is_none_is_a_missed_sample(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text("{")
    with pytest.raises(SampleMissed):
        list(Load(tmp_path).read())


def job(state: str = "RUNNING", running: int = 2) -> dict[str, Any]:
    return {"jid": "j", "state": state, "tasks": {"running": running, "finished": 0, "total": 2}}


def flink(*jobs: dict[str, Any], newest: int | None = 4) -> FlinkJobs:
    """A JobManager that says this of its jobs."""
    answers = {
        "/jobs/overview": {"jobs": list(jobs)},
        "/jobs/j/checkpoints": {
            "counts": {"completed": 9},
            "latest": {"completed": None if newest is None else {"id": newest}},
        },
        "/jobs/j/metrics": [{"id": "numRestarts", "value": "2"}],
    }
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.path]))
    return FlinkJobs("http://flink", transport=transport)


def test_a_job_runs_when_all_its_tasks_do() -> None:
    state = flink(job()).state()
    assert (state.running, state.restarts, state.checkpoints_completed, state.newest_checkpoint) == (
        True,
        2,
        9,
        4,
    )


@pytest.mark.parametrize("jobs", [(), (job(running=1),), (job("RESTARTING", 0),), (job("CANCELED"),)])
def test_a_job_does_not_run_otherwise(jobs: tuple[dict[str, Any], ...]) -> None:
    assert not flink(*jobs).state().running


def test_a_job_without_a_checkpoint_has_none() -> None:
    assert flink(job(), newest=None).state().newest_checkpoint == 0


def test_a_job_manager_that_does_not_answer_is_unknown() -> None:
    with pytest.raises(JobsUnknown):
        FlinkJobs("http://127.0.0.1:1").state()
