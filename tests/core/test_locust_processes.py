"""Several processes of Locust send one load: each its share, and together all of it."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from harness.base.waiting import wait_until
from harness.history.progress import LoadProgress
from harness.load.murmur2 import partition_of
from harness.load.send.record_batches.schedule import LoadSchedule
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.send.record_batches.trace_build import Encoding, trace_file
from harness.load.workers.source import RecordBatchesSource
from harness.scenario.profiles.constant import Constant
from tests.core.events_parts import operations, plan_file, plan_row, write_plan
from tests.core.locust_parts import PARTITIONS, configure, load_of, mock_kafka, payloads

ENCODING = Encoding(partitions=PARTITIONS, batch_events=10)
CONSTANT = Constant(rate=100.0)


def test_two_processes_send_every_event_once_and_each_entity_in_order(tmp_path: Path) -> None:
    rows = [plan_row(seq, entity_id=f"e{seq % 11}") for seq in range(300)]
    with mock_kafka() as kafka:
        config = configure(tmp_path, kafka, rows)
        with load_of(config, tmp_path, processes=2) as load:
            assert load.wait(50) == 0, (tmp_path / "load.log").read_text()
        found = payloads(kafka, "events", 300)
    for partition, there in enumerate(found):
        entities = [f"e{n}" for n in range(11) if partition_of(f"e{n}", PARTITIONS) == partition]
        assert sorted(there) == sorted(row["payload"] for row in rows if row["entity_id"] in entities)
        for entity in entities:
            own = [row["payload"] for row in rows if row["entity_id"] == entity]
            assert [payload for payload in there if payload in own] == own
    recorded = operations(tmp_path)
    assert {row["worker"] for row in recorded} == {"worker-0", "worker-1"}
    assert [seq for row in recorded for seq in range(row["first_seq"], row["last_seq"] + 1)] == list(
        range(300)
    )
    progress = LoadProgress.load(tmp_path / "load")
    assert progress is not None
    assert (progress.state, progress.acknowledged, progress.total, progress.workers) == ("done", 300, 300, 2)


def test_workers_record_and_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    rows = [plan_row(seq, send_offset_ms=seq * 100) for seq in range(500)]
    with mock_kafka() as kafka:
        config = configure(tmp_path, kafka, rows)
        with load_of(config, tmp_path, processes=2) as load:
            wait_until(lambda: acknowledged(tmp_path) > 5, timeout_s=50, what="events")
            workers = psutil.Process(load.pid).children(recursive=True)
            load.kill()
            _, alive = psutil.wait_procs(workers, timeout=10)
    assert len(workers) == 2
    assert not alive
    assert acknowledged(tmp_path) == sum(row["count"] for row in operations(tmp_path)) < 500


def test_a_worker_that_cannot_begin_fails_the_whole_load(tmp_path: Path) -> None:
    with mock_kafka() as kafka:
        config = configure(tmp_path, kafka, [plan_row(seq) for seq in range(50)])
        (tmp_path / "plan.parquet").unlink()
        with load_of(config, tmp_path, processes=1) as load:
            assert load.wait(50) == 1
    told = LoadProgress.load(tmp_path / "load")
    assert told is not None
    assert told.state == "failed"


def test_two_processes_send_an_encoded_trace_each_partition_in_order(tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "source.parquet", [plan_row(seq) for seq in range(200)])
    trace = trace_file(plan_file(plan, 200), ENCODING, cache=tmp_path, report=lambda _: None)
    with mock_kafka() as kafka:
        config = configure(tmp_path, kafka, [plan_row(0)], RecordBatchesSource(trace=trace, events=600))
        with load_of(config, tmp_path, processes=2) as load:
            assert load.wait(50) == 0, (tmp_path / "load.log").read_text()
        found = payloads(kafka, "events", 600)
    lanes = EncodedTrace.open(trace).lanes
    assert [len(there) for there in found] == [3 * sum(b.batch.count for b in lane) for lane in lanes]
    assert all(there[: len(there) // 3] * 3 == there for there in found)
    assert {row["worker"]: row["partition"] % 2 for row in operations(tmp_path)} == {
        "worker-0": 0,
        "worker-1": 1,
    }
    assert acknowledged(tmp_path) == 600
    assert re.search(r"PRODUCE +events +600 +0\(0\.00%\)", (tmp_path / "load.log").read_text())


def test_a_load_ends_when_locust_is_told_to_stop(tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "source.parquet", [plan_row(seq) for seq in range(200)])
    trace = trace_file(plan_file(plan, 200), ENCODING, cache=tmp_path, report=lambda _: None)
    slow = LoadSchedule(profile=CONSTANT, duration_s=100.0)
    with mock_kafka() as kafka:
        batches = RecordBatchesSource(trace=trace, events=10_000, schedule=slow)
        config = configure(tmp_path, kafka, [plan_row(0)], batches)
        with load_of(config, tmp_path, processes=1) as load:
            wait_until(lambda: acknowledged(tmp_path) > 5, timeout_s=50, what="events")
            started = psutil.Process(load.pid).children(recursive=True)
            load.terminate()
            assert load.wait(50) == 0, (tmp_path / "load.log").read_text()
            _, alive = psutil.wait_procs(started, timeout=10)
    assert len(started) == 1
    assert not alive
    progress = LoadProgress.load(tmp_path / "load")
    assert progress is not None
    assert (progress.state, progress.unknown) == ("failed", 0)
    assert (
        "ERROR/harness.load.workers.master: the load ends: it was stopped before everything was sent"
        in (tmp_path / "load.log").read_text()
    )
    assert progress.acknowledged == sum(row["count"] for row in operations(tmp_path)) < 10_000


def acknowledged(folder: Path) -> int:
    progress = LoadProgress.load(folder / "load")
    return 0 if progress is None else progress.acknowledged
