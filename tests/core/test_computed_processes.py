"""A computed load in processes of its own: the checks know again what it sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.base.waiting import wait_until
from harness.history.progress import LoadProgress
from harness.history.reader import History
from harness.judge.measure.measurement import Count, Unjudged
from harness.judge.registry import checks_for
from harness.load.send.record_batches.schedule import LoadSchedule
from harness.load.share import WHOLE
from harness.load.traces.generate.model import Generate
from harness.load.workers.config import LoadConfig
from harness.load.workers.roster import Assignment
from harness.load.workers.sending_config import sending_config
from harness.load.workers.source import ComputedSource
from harness.observe.readback.record_batches import read_back_record_batches
from harness.scenario.model import Load
from harness.scenario.profiles.constant import Constant
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.options import PipelineOptions
from tests.core.events_parts import operations
from tests.core.histories import RECORD_BATCH_CHECKS, run_info, scenario
from tests.core.locust_parts import PARTITIONS, configure, load_of, mock_kafka, payloads

EVENTS = 20_000
ALL = ComputedSource(
    generate=Generate(entities=50), seed=5, span_ms=1000, batch_bytes=1_000_000, events=EVENTS
)
SLOW = ALL.model_copy(
    update={"schedule": LoadSchedule(profile=Constant(rate=2000.0), duration_s=EVENTS / 2000)}
)


def recorded(folder: Path, kafka: KafkaEndpoint, config: LoadConfig) -> History:
    """The run's history, its topic read back. So many events were due, whatever its pace was."""
    read_back_record_batches(kafka, "events", history=config.history, report=lambda _: None)
    load = Load(trace=folder, event_span=60, duration=60, path="computed", profile=Constant(rate=EVENTS / 60))
    of = scenario(load=load, pipeline=PipelineOptions(deploy=()))
    (folder / "scenario.json").write_text(of.model_dump_json())
    run_info(origin_ms=config.clocks.origin_ms).save(config.history)
    return History.open(folder)


def found_by(run: History, *names: str) -> dict[str, int]:
    """What these checks count."""
    found = {name: checks_for(run.scenario)[name].measure(run) for name in names}
    return {name: m.value for name, m in found.items() if isinstance(m, Count)}


def progress(folder: Path) -> LoadProgress:
    told = LoadProgress.load(folder / "load")
    assert told is not None
    return told


def has_acknowledged(folder: Path, events: int) -> None:
    def enough() -> bool:
        told = LoadProgress.load(folder / "load")
        return told is not None and told.acknowledged >= events

    wait_until(enough, timeout_s=50, what="events")


def test_two_processes_send_all_of_it_and_every_batch_is_known_again(tmp_path: Path) -> None:
    with mock_kafka() as kafka:
        config = configure(tmp_path, kafka, (), ALL)
        with load_of(config, tmp_path, processes=2) as load:
            assert load.wait(50) == 0, (tmp_path / "load.log").read_text()
        run = recorded(tmp_path, kafka, config)
        there = [payload for partition in payloads(kafka, "events", EVENTS) for payload in partition]
    assert len(set(there)) == EVENTS
    assert found_by(run, *(check.name for check in RECORD_BATCH_CHECKS)) == {
        c.name: 0 for c in RECORD_BATCH_CHECKS
    }
    workers = {(row["worker"], row["partition"]) for row in operations(tmp_path)}
    assert workers == {(f"worker-{partition % 2}", partition) for partition in range(PARTITIONS)}
    told = progress(tmp_path)
    assert (told.state, told.acknowledged, told.total, told.workers) == ("done", EVENTS, EVENTS, 2)


def test_it_ends_early_when_locust_is_told_to_stop(tmp_path: Path) -> None:
    with mock_kafka() as kafka:
        config = configure(tmp_path, kafka, (), SLOW)
        with load_of(config, tmp_path, processes=1) as load:
            has_acknowledged(tmp_path, 100)
            load.terminate()
            assert load.wait(50) == 0, (tmp_path / "load.log").read_text()
        run = recorded(tmp_path, kafka, config)
    told = progress(tmp_path)
    assert (told.state, told.unknown) == ("failed", 0)
    missing = EVENTS - told.acknowledged
    assert missing > 0
    assert found_by(run, "unaccounted") == {"unaccounted": 0}
    left_out = checks_for(run.scenario)["unacknowledged"].measure(run)
    assert isinstance(left_out, Unjudged)
    assert left_out.reason.startswith(f"the load itself did not send {missing:,} of {EVENTS:,} events")


def test_what_a_killed_process_had_sent_is_known_though_its_operations_are_not(tmp_path: Path) -> None:
    with mock_kafka() as kafka:
        config = configure(tmp_path, kafka, (), SLOW)
        told = Assignment(share=WHOLE, load_start_ns=config.clocks.run_clock.now_ns(), origin_ms=1000)
        sending_config(config, SLOW, told).save(tmp_path / "computed.json")
        argv = [
            sys.executable,
            "-m",
            "harness.load.send.computed",
            "--config",
            str(tmp_path / "computed.json"),
        ]
        process = subprocess.Popen(argv, env=os.environ, stderr=subprocess.DEVNULL)
        try:
            parts = (tmp_path / "history" / "operations").glob
            wait_until(lambda: list(parts("*.parquet")), timeout_s=50, what="operations")
        finally:
            process.kill()
            process.wait()
        clocks = config.clocks.model_copy(update={"origin_ms": 1000})
        run = recorded(tmp_path, kafka, config.model_copy(update={"clocks": clocks}))
    safe = ("acknowledged_lost", "unaccounted", "duplicates", "out_of_order")
    assert found_by(run, *safe) == dict.fromkeys(safe, 0)
